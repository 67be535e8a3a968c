"""The live service in virtual time: an event loop that jumps to its next timer, and cameras and targets that never tire.

The targets here are for faults and for time only; real engines and the real cloud are tested where they live.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from roost.clock import Clocks, Deadline
from roost.errors import RoostError, UnavailableError
from roost_inference.ports import Camera, Detection, Frame, Inference, Region, Target
from roost_inference.scheduling.dems import Dems
from roost_inference.service import InferenceService, ServiceOptions
from roost_inference.streams import Stream
from roost_inference.task import ModelProfile

MS = 1_000_000
CLOUD_SLOTS = 2
PROFILES = {
    profile.name: profile
    for profile in (
        ModelProfile("text", 100, 1, 26, 20 * MS, 100 * MS, 250 * MS),
        ModelProfile("reader", 120, 1, 40, 20 * MS, 100 * MS, 400 * MS),
        ModelProfile("face", 40, 2, 43, 10 * MS, 100 * MS, 300 * MS),
    )
}
BOX = Region(2, 3, 8, 9)
FOUND = Inference((Detection("thing", 0.9, BOX),))


class _VirtualSelector(selectors.SelectSelector):
    """Never waits: where the loop would, time goes on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for something that will never happen"
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds pass as fast as its work is done."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualTimeLoop}


def now_ns() -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop), "an event loop of other tests is still open, and anyio hands it on"
    return round(loop.time() * 1e9)


CLOCKS = Clocks(monotonic_ns=now_ns, utc_ns=lambda: 1_000_000_000_000 + now_ns())


@dataclass
class FakeCamera:
    """A frame every `period_s`, numbered from 1. fail_at: after that many frames the source cannot be read, once."""

    name: str
    period_s: float = 0.1
    frames_until_end: int | None = None
    fail_at: int | None = None
    replaced: int = 3
    made: int = 0
    opened: int = 0

    async def frames(self) -> AsyncIterator[Frame]:
        self.opened += 1
        while self.frames_until_end is None or self.made < self.frames_until_end:
            await anyio.sleep(self.period_s)
            if self.fail_at is not None and self.made >= self.fail_at:
                self.fail_at = None
                raise UnavailableError(f"camera '{self.name}': no route to host", remedy="check the cable")
            self.made += 1
            yield Frame(self.name, self.made, np.zeros((24, 32, 3), np.uint8), now_ns(), CLOCKS.utc_ns())


@dataclass(frozen=True)
class Call:
    """One call of a target."""

    at_ns: int
    model: str
    frame_id: int
    region: Region | None
    deadline: Deadline


@dataclass
class FakeTarget:
    """Takes `seconds` for a run. failure: asked at each call; an error that it gives is raised."""

    seconds: float
    inference: Inference = FOUND
    failure: Callable[[int], RoostError | None] = lambda number: None
    calls: list[Call] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0

    async def infer(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> Inference:
        self.calls.append(Call(now_ns(), model, frame.frame_id, region, deadline))
        number = len(self.calls)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await anyio.sleep(self.seconds)
        finally:
            self._at_once -= 1
        error = self.failure(number)
        if error is not None:
            raise error
        return self.inference


@asynccontextmanager
async def running(service: InferenceService) -> AsyncIterator[InferenceService]:
    """The service, running until the end of the block; then its books are in order and nothing is open."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(service.run)
        await anyio.lowlevel.checkpoint()
        yield service
        await service.shutdown()
    for counts in service.statistics().models.values():
        ended = counts.on_time_edge + counts.on_time_cloud + counts.late + sum(counts.dropped.values())
        assert counts.generated == ended
        assert counts.in_flight == 0
        assert counts.stolen <= counts.on_time_edge + counts.late


class World:
    """What a test needs to make a service and to let it run. All times are virtual."""

    profiles = PROFILES
    found = FOUND
    box = BOX
    camera = FakeCamera
    target = FakeTarget
    running = staticmethod(running)
    now_ns = staticmethod(now_ns)
    clocks = CLOCKS

    @staticmethod
    def service(
        edge: Target,
        cloud: Target | None = None,
        *,
        cameras: Sequence[Camera] = (),
        streams: Sequence[Stream] = (),
        options: ServiceOptions | None = None,
    ) -> InferenceService:
        """A service with the policy that the daemon uses."""
        policy = Dems(PROFILES, CLOUD_SLOTS if cloud is not None else 0)
        by_name = {camera.name: camera for camera in cameras}
        return InferenceService(CLOCKS, policy, PROFILES, edge, cloud, by_name, streams, options)


@pytest.fixture
def world() -> World:
    return World()
