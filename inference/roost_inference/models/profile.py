"""Measured run times of models: what the scheduler's expectations come from, kept between starts.

A measurement holds for one model file, provider, thread count, processor and runtime; those make up its key in the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roost.clock import NANOSECONDS_PER_MILLISECOND
from roost_inference.models.manifest import ModelManifest
from roost_inference.task import ModelProfile

_SCHEMA = 1
"""Raised whenever what is measured changes, so that older measurements are not used."""
_ROUND_TRIP_NS = NANOSECONDS_PER_MILLISECOND
"""Frame into shared memory, request, reply and two wake-ups; generous."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Times of runs from picture to detections. wall: elapsed; cpu: of the computing thread alone."""

    runs: int
    wall_p50_ns: int
    wall_p95_ns: int
    cpu_p50_ns: int
    cpu_p95_ns: int

    @classmethod
    def from_samples(cls, wall_ns: Sequence[int], cpu_ns: Sequence[int]) -> RunTimes:
        """The percentiles of single runs' times."""
        wall_p50, wall_p95 = np.percentile(wall_ns, [50, 95])
        cpu_p50, cpu_p95 = np.percentile(cpu_ns, [50, 95])
        return cls(len(wall_ns), round(wall_p50), round(wall_p95), round(cpu_p50), round(cpu_p95))

    def to_data(self) -> dict[str, int]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, int]) -> RunTimes:
        """From plain data. Raises `KeyError` and `TypeError` where it is not that."""
        return cls(**{name: int(data[name]) for name in cls.__slots__})


def typical_picture(height: int, width: int) -> NDArray[np.uint8]:
    """A picture to measure on: a ramp with dark bars, so that decoders find edges but no crowd of objects."""
    ramp = np.linspace(96, 160, width, dtype=np.float32).astype(np.uint8)
    picture = np.repeat(np.tile(ramp, (height, 1))[..., np.newaxis], 3, axis=2)
    picture[height // 3 : height // 2, :: max(8, width // 8)] = 24
    return picture


def edge_time_ns(times: RunTimes, provider: str, threads: int) -> int:
    """The time to reserve for a run on the edge: its 95th percentile with a tenth on top, and the way to the worker and back.

    One thread on the CPU computes in the worker's own thread, so its CPU time is the run time on the core that the worker
    owns, and what else ran during the measurement does not spoil it. Elsewhere only elapsed time says anything.
    """
    p95_ns = times.cpu_p95_ns if provider == "cpu" and threads == 1 else times.wall_p95_ns
    return round(1.1 * p95_ns) + _ROUND_TRIP_NS


def model_profile(manifest: ModelManifest, edge_ns: int, cloud_ns: int) -> ModelProfile:
    """What the scheduler must know of a model: its manifest's values with measured times."""
    return ModelProfile(
        name=manifest.name,
        benefit=manifest.benefit,
        edge_cost=manifest.edge_cost,
        cloud_cost=manifest.cloud_cost,
        edge_time_ns=edge_ns,
        cloud_time_ns=cloud_ns,
        deadline_ns=manifest.deadline_ns,
    )


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a measurement depends on besides the model. processor: the name of the CPU, or of the accelerator."""

    provider: str
    threads: int
    runtime: str
    processor: str

    def key(self, manifest: ModelManifest) -> str:
        """The cache's key for a model. Reads the model file, which blocks for some milliseconds."""
        parts = [
            _SCHEMA,
            hashlib.sha256(manifest.file.read_bytes()).hexdigest(),
            repr(manifest.input),
            manifest.decoder,
            sorted((name, repr(value)) for name, value in manifest.decoder_parameters.items()),
            asdict(self),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class ProfileCache:
    """Measured times in a JSON file, by key. A file that cannot be read counts as empty: it is only a cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            self._times = {str(key): RunTimes.from_data(value) for key, value in data.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._times = {}

    def get(self, key: str) -> RunTimes | None:
        """What was measured under this key."""
        return self._times.get(key)

    def put(self, key: str, times: RunTimes) -> None:
        """Keep a measurement; the file is replaced as a whole. Raises `OSError`."""
        self._times[key] = times
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        fresh.write_text(json.dumps({name: value.to_data() for name, value in self._times.items()}), encoding="utf-8")
        fresh.replace(self._path)


def processor_name() -> str:
    """The name of the CPU."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
