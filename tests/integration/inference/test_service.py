"""The live service over a real engine and a real video: a killed worker or bad input costs only its own tasks."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from roost.clock import Clocks
from roost.restart import RestartPolicy
from roost_inference.cameras.video import VideoCamera
from roost_inference.engines.local import EngineSettings, LocalEngine
from roost_inference.ports import Region
from roost_inference.scheduling.dems import Dems
from roost_inference.service import InferenceService
from roost_inference.streams import Stream
from roost_inference.task import DropReason, ModelProfile, Outcome, Place

pytestmark = pytest.mark.anyio

MS = 1_000_000
# Generous: the machine may be busy, and this is about what happens, not about when.
PROFILES = {"bright": ModelProfile("bright", 100, 1, 26, 50 * MS, 100 * MS, 2000 * MS)}


@asynccontextmanager
async def running(
    models: Path, clocks: Clocks, cameras: list[VideoCamera]
) -> AsyncIterator[tuple[InferenceService, LocalEngine]]:
    settings = EngineSettings(
        models=models, environment={"PATH": os.environ["PATH"]}, restart=RestartPolicy(first_delay_ns=10_000_000)
    )
    engine = LocalEngine(settings, clocks)
    await engine.start()
    streams = [Stream(camera.name, "bright", 10) for camera in cameras]
    by_name = {camera.name: camera for camera in cameras}
    service = InferenceService(clocks, Dems(PROFILES, cloud_slots=0), PROFILES, engine, None, by_name, streams)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(service.run)
        try:
            yield service, engine
        finally:
            await service.shutdown()
            await engine.close()
    counts = service.statistics().models["bright"]
    assert counts.generated == counts.on_time_edge + counts.late + sum(counts.dropped.values())
    assert counts.in_flight == 0


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.sleep(0.01)


async def test_frames_of_a_real_video_run_on_the_real_engine(
    bright_spot_model: Callable[[], Path], video: Path, clocks: Clocks
) -> None:
    async with running(bright_spot_model(), clocks, [VideoCamera("clip", str(video), clocks)]) as (service, _):
        with service.results() as results:
            reports = [await anext(results) for _ in range(8)]
        assert service.statistics().cameras["clip"].healthy
    assert {report.place for report in reports if report.outcome is Outcome.ON_TIME} == {Place.EDGE}
    frames = [report.frame_id for report in reports]
    assert frames == sorted(set(frames)), "a frame ran twice"


async def test_a_killed_worker_costs_its_own_tasks_and_the_rest_goes_on(
    bright_spot_model: Callable[[], Path], video: Path, clocks: Clocks
) -> None:
    async with running(bright_spot_model(), clocks, [VideoCamera("clip", str(video), clocks)]) as (service, engine):

        def on_time() -> int:
            return service.statistics().models["bright"].on_time_edge

        await until(lambda: on_time() >= 3)
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGKILL)
        await until(lambda: engine.restarts == 1)
        before = on_time()
        await until(lambda: on_time() >= before + 3)
        assert service.statistics().targets[Place.EDGE].message == ""


async def test_a_part_outside_the_frame_is_bad_input_and_nothing_else_suffers(
    bright_spot_model: Callable[[], Path], video: Path, clocks: Clocks
) -> None:
    async with running(bright_spot_model(), clocks, [VideoCamera("clip", str(video), clocks)]) as (service, _):
        await until(lambda: service.statistics().cameras["clip"].frames > 0)
        bad = await service.infer("bright", "clip", region=Region(60, 0, 200, 24))
        good = await service.infer("bright", "clip", region=Region(0, 0, 32, 24))
    assert (bad.outcome, bad.drop_reason) == (Outcome.DROPPED, DropReason.BAD_INPUT)
    assert bad.message != ""
    assert good.outcome is Outcome.ON_TIME


async def test_an_unreadable_clip_is_said_so_and_the_other_camera_goes_on(
    bright_spot_model: Callable[[], Path], video: Path, tmp_path: Path, clocks: Clocks
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video")
    cameras = [VideoCamera("clip", str(video), clocks), VideoCamera("door", str(broken), clocks)]
    async with running(bright_spot_model(), clocks, cameras) as (service, _):
        await until(lambda: service.statistics().models["bright"].on_time_edge >= 3)
        door = service.statistics().cameras["door"]
    assert not door.healthy
    assert "broken.mp4" in door.message
