"""The worker's inside: models loaded and warmed up, requests answered one after the other. It blocks."""

from __future__ import annotations

import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roost.errors import RoostError, UnknownNameError
from roost_inference.engines import messages
from roost_inference.engines.onnx import ort_version
from roost_inference.engines.runner import ModelRunner
from roost_inference.models.manifest import ModelManifest, load_manifests
from roost_inference.models.profile import RunTimes, typical_picture

WARM_UP_RUNS = 3
"""Enough on the CPU: the first run of a model costs about half as much again as the fourth."""


def serve(channel: socket.socket, frames_fd: int, models: Path, *, threads: int, provider: str, allow_fallback: bool) -> int:
    """Answer requests until the other side closes the channel. Returns the exit status.

    A model that cannot be loaded is reported with its line and left out; the others run.
    """
    runners: dict[str, ModelRunner] = {}
    refused: dict[str, dict[str, str]] = {}
    try:
        manifests = load_manifests(models)
    except RoostError as error:
        channel.sendall(messages.encode({"error": messages.error_to_data(error)}))
        return 1
    for name, manifest in manifests.items():
        runner = _load(manifest, threads, provider, allow_fallback)
        if isinstance(runner, RoostError):
            refused[name] = messages.error_to_data(runner)
        else:
            runners[name] = runner
    ready = {
        "ready": True,
        "providers": {name: runner.providers[name] for name, runner in runners.items()},
        "refused": refused,
        "ort_version": ort_version(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    channel.sendall(messages.encode(ready))
    frames = _SharedFrames(frames_fd)
    while (request := _receive(channel)) is not None:
        try:
            reply = _answer(request, runners, manifests, frames)
        except RoostError as error:
            reply = {"error": messages.error_to_data(error)}
        channel.sendall(messages.encode(reply))
    return 0


def _load(manifest: ModelManifest, threads: int, provider: str, allow_fallback: bool) -> ModelRunner | RoostError:
    """The model, warm; or why it cannot be used."""
    try:
        runner = ModelRunner({manifest.name: manifest}, threads, provider=provider, allow_fallback=allow_fallback)
        for _ in range(WARM_UP_RUNS):
            runner.run(manifest.name, typical_picture(*manifest.input.typical))
    except RoostError as error:
        return error
    return runner


def _answer(
    request: Mapping[str, Any],
    runners: Mapping[str, ModelRunner],
    manifests: Mapping[str, ModelManifest],
    frames: _SharedFrames,
) -> Mapping[str, object]:
    model = request["model"]
    if model not in runners:
        raise UnknownNameError(f"no model '{model}' here", remedy=f"known: {', '.join(runners) or 'none'}")
    if request["op"] == "profile":
        times = _profile(runners[model], manifests[model], request["runs"], request["budget_ns"])
        return {"times": times.to_data()}
    picture = frames.picture(request["shape"])
    inference = runners[model].run(model, picture, messages.region_from_data(request["region"]))
    return {"inference": messages.inference_to_data(inference)}


def _profile(runner: ModelRunner, manifest: ModelManifest, runs: int, budget_ns: int) -> RunTimes:
    """Time up to `runs` runs on a typical picture, until the budget is spent; at least one."""
    picture = typical_picture(*manifest.input.typical)
    wall_ns: list[int] = []
    cpu_ns: list[int] = []
    end_ns = time.monotonic_ns() + budget_ns
    while len(wall_ns) < runs and (not wall_ns or time.monotonic_ns() < end_ns):
        wall_start_ns, cpu_start_ns = time.monotonic_ns(), time.thread_time_ns()
        runner.run(manifest.name, picture)
        wall_ns.append(time.monotonic_ns() - wall_start_ns)
        cpu_ns.append(time.thread_time_ns() - cpu_start_ns)
    return RunTimes.from_samples(wall_ns, cpu_ns)


class _SharedFrames:
    """The memory that the parent writes frames into; it may have grown since the last one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = np.empty(0, dtype=np.uint8)

    def picture(self, shape: list[int]) -> NDArray[np.uint8]:
        """The picture that lies there now: a view, valid until the reply is sent."""
        size = int(np.prod(shape))
        if size > self._memory.size:
            mapping = mmap.mmap(self._descriptor, os.fstat(self._descriptor).st_size, access=mmap.ACCESS_READ)
            self._memory = np.frombuffer(mapping, dtype=np.uint8)
        return self._memory[:size].reshape(shape)


def _receive(channel: socket.socket) -> dict[str, Any] | None:
    """The next request; None when the other side is gone."""
    header = _receive_exactly(channel, messages.HEADER.size)
    if header is None:
        return None
    text = _receive_exactly(channel, messages.HEADER.unpack(header)[0])
    return None if text is None else messages.decode(text)


def _receive_exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
