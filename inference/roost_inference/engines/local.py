"""The engine on this board, as the target that the live executor sees: a worker process, watched and started again.

Frames go to the worker by shared memory, requests and replies by a socket pair; one run at a time. A worker that dies costs
the run that it had; one that dies too often is given up, with one clear line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

import anyio

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline, ns_to_seconds
from roost.errors import ConfigurationError, DeadlineExceededError, RoostError, UnavailableError, UnknownNameError
from roost.restart import RestartPolicy, RestartWindow
from roost_inference.engines import messages
from roost_inference.engines.worker_client import WorkerClient, WorkerLostError
from roost_inference.models.preprocessing import bounds_in
from roost_inference.models.profile import RunTimes
from roost_inference.ports import EngineError, Frame, Inference, Region

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the worker runs, and how often it may die.

    models: directory with manifests. cpu: the core that it stays on, None for any. provider: "cpu", "cuda" or "tensorrt";
    another one than asked for is an error unless allow_fallback. environment: all that the worker gets to see.
    stderr: where its log goes, as in `subprocess`; None for our own. start_limit_ns: to load and warm up its models.
    run_limit_ns: a run that takes longer is a hang. restart: how often a worker that dies is started again.
    """

    models: Path
    cpu: int | None = None
    threads: int = 1
    provider: str = "cpu"
    allow_fallback: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stderr: int | IO[bytes] | None = None
    start_limit_ns: int = 60 * NANOSECONDS_PER_SECOND
    run_limit_ns: int = 10 * NANOSECONDS_PER_SECOND
    restart: RestartPolicy = field(default_factory=RestartPolicy)

    def arguments(self) -> list[str]:
        """The worker's command line."""
        cpu = [] if self.cpu is None else ["--cpu", str(self.cpu)]
        fallback = ["--allow-fallback"] if self.allow_fallback else []
        return ["--models", str(self.models), "--threads", str(self.threads), "--provider", self.provider, *cpu, *fallback]


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether the engine takes work; if not, why."""

    healthy: bool
    message: str = ""


class LocalEngine:
    """A target (`roost_inference.ports.Target`) on this board. `start` it, use it from one event loop, `close` it."""

    def __init__(self, settings: EngineSettings, clocks: Clocks) -> None:
        self._settings = settings
        self._clocks = clocks
        self._turn = anyio.Lock()
        self._worker: WorkerClient | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._out_of_service: RoostError = UnavailableError("the engine has not been started")
        self._restart_window = RestartWindow(settings.restart)
        self._restarts = 0

    async def start(self) -> None:
        """Start the worker and wait until it is warm.

        Raises `roost.errors.ConfigurationError` where no model can be used, and `roost.errors.UnavailableError`.
        """
        worker = await self._start_worker()
        if not worker.ready["providers"]:
            await worker.stop()
            refused = [messages.error_from_data(error) for error in worker.ready["refused"].values()]
            raise (
                refused[0]
                if refused
                else ConfigurationError(
                    f"{self._settings.models}: holds no model", remedy="put a manifest (*.yaml) and its ONNX file there"
                )
            )
        self._worker = worker
        self._watcher = asyncio.create_task(self._watch(), name="engine worker's watch")

    async def close(self) -> None:
        """Stop the worker. A run in progress ends first, within the worker's stop limit."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
        worker, self._worker = self._worker, None
        self._out_of_service = UnavailableError("the engine has been closed")
        if worker is not None:
            await worker.stop()

    @property
    def health(self) -> EngineHealth:
        """Whether it takes work now."""
        return EngineHealth(True) if self._worker is not None else EngineHealth(False, str(self._out_of_service))

    @property
    def restarts(self) -> int:
        """How often the worker has been started again."""
        return self._restarts

    @property
    def worker_pid(self) -> int | None:
        """The worker's process, None while there is none."""
        return None if self._worker is None else self._worker.pid

    @property
    def providers(self) -> Mapping[str, str]:
        """By model, what runs it: "cpu", "cuda" or "tensorrt". Empty while there is no worker."""
        return {} if self._worker is None else self._worker.ready["providers"]

    @property
    def threads(self) -> int:
        """The threads of one run."""
        return self._settings.threads

    @property
    def refused(self) -> Mapping[str, str]:
        """The models that could not be loaded, each with the line that says why."""
        if self._worker is None:
            return {}
        return {name: str(messages.error_from_data(data)) for name, data in self._worker.ready["refused"].items()}

    @property
    def ort_version(self) -> str:
        """The version of ONNX Runtime in the worker."""
        return "" if self._worker is None else str(self._worker.ready["ort_version"])

    async def infer(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> Inference:
        """Run a model on a frame, or on a part of it. Refused if its turn comes after the deadline.

        Raises `BadInputError`, `EngineError`, `roost.errors.UnknownNameError`, `roost.errors.DeadlineExceededError`.
        """
        bounds_in(frame.image, region)
        async with self._turn:
            late_ns = -deadline.remaining_ns(self._clocks)
            if late_ns >= 0:
                raise DeadlineExceededError(
                    f"{model} on frame {frame.frame_id} of {frame.camera}: its turn came {late_ns / 1e6:.1f} ms too late",
                    remedy="give it a later deadline",
                )
            worker = self._worker_for(model)
            worker.write_picture(frame.image)
            request = {
                "op": "infer",
                "model": model,
                "shape": frame.image.shape,
                "region": messages.region_to_data(region),
            }
            try:
                reply = await worker.ask(request, self._settings.run_limit_ns)
            except WorkerLostError as lost:
                raise EngineError(
                    f"the engine worker died ({lost.message}) while it ran {model} on frame {frame.frame_id} of "
                    f"{frame.camera}",
                    remedy="it is started again; the frame is lost",
                ) from None
        return messages.inference_from_data(reply["inference"])

    async def profile(self, model: str, runs: int, budget_ns: int) -> RunTimes:
        """Measure a model on the worker's core: up to `runs` runs on a typical picture within the budget.

        Raises `EngineError` and `roost.errors.UnknownNameError`.
        """
        async with self._turn:
            request = {"op": "profile", "model": model, "runs": runs, "budget_ns": budget_ns}
            try:
                reply = await self._worker_for(model).ask(request, budget_ns + self._settings.run_limit_ns)
            except WorkerLostError as lost:
                raise EngineError(
                    f"the engine worker died ({lost.message}) while it measured {model}", remedy="it is started again"
                ) from None
        return RunTimes.from_data(reply["times"])

    def _worker_for(self, model: str) -> WorkerClient:
        worker = self._worker
        if worker is None:
            raise EngineError(self._out_of_service.message, remedy=self._out_of_service.remedy)
        if model in worker.ready["refused"]:
            raise messages.error_from_data({**worker.ready["refused"][model], "reason": EngineError.reason})
        if model not in worker.ready["providers"]:
            known = ", ".join(worker.ready["providers"])
            raise UnknownNameError(f"no model '{model}' here", remedy=f"known: {known}")
        return worker

    async def _start_worker(self) -> WorkerClient:
        settings = self._settings
        return await WorkerClient.start(settings.arguments(), settings.environment, settings.start_limit_ns, settings.stderr)

    async def _watch(self) -> None:
        """Wait for the worker's end and start another, until it has died too often."""
        worker = self._worker
        while worker is not None:
            await worker.wait()
            self._worker = None
            how = worker.how_it_ended()
            self._out_of_service = UnavailableError(
                f"the engine worker died ({how}) and is being started again", remedy="it takes a second or two"
            )
            _log.warning("%s", self._out_of_service)
            # The run in progress, if any, must have seen the end before its channel is given back.
            async with self._turn:
                await worker.kill()
            worker = await self._restart(how)
            self._worker = worker

    async def _restart(self, how: str) -> WorkerClient | None:
        """Another worker; None if it was given up."""
        settings = self._settings
        while True:
            delay_ns = self._restart_window.next_delay_ns(self._clocks.monotonic_ns())
            if delay_ns is None:
                policy = settings.restart
                self._out_of_service = UnavailableError(
                    f"the engine worker died {policy.limit + 1} times within {ns_to_seconds(policy.window_ns):g} s, "
                    f"last by {how}; it is not started again",
                    remedy="read the log, then restart Roost",
                )
                _log.error("%s", self._out_of_service)
                return None
            await anyio.sleep(ns_to_seconds(delay_ns))
            try:
                worker = await self._start_worker()
            except (UnavailableError, ConfigurationError) as error:
                how = error.message
                continue
            self._restarts += 1
            return worker
