"""The live service when things fail: one clear line, the rest goes on, and the books stay right."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from roost.clock import Deadline
from roost.errors import DeadlineExceededError, UnavailableError, UnknownNameError
from roost_inference.ports import (
    BadInputError,
    CloudBusyError,
    CloudFunctionError,
    CloudUnreachableError,
    EngineError,
)
from roost_inference.service import ServiceOptions
from roost_inference.streams import Stream
from roost_inference.task import DropReason, Outcome, Place

MS = 1_000_000
NO_COMPARISON = ServiceOptions(comparison_every=0)
pytestmark = pytest.mark.anyio


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


def crowded(world: Any, edge: Any, cloud: Any, options: ServiceOptions = NO_COMPARISON) -> Any:
    """A service whose edge cannot keep up, so that text goes to the cloud."""
    streams = [Stream("clip", "face", 120, max_tiles=16), Stream("drone", "text", 10)]
    cameras = [world.camera("clip", period_s=0.04), world.camera("drone")]
    return world.service(edge, cloud, cameras=cameras, streams=streams, options=options)


async def test_an_engine_that_dies_costs_what_it_ran_and_the_cloud_goes_on(world: Any, caplog: Any) -> None:
    # Given an engine that is dead from its tenth run to its fifteenth
    dead = EngineError("the engine worker died (signal 9)", remedy="it is started again")
    edge = world.target(0.02, failure=lambda number: dead if 10 <= number < 15 else None)
    cloud = world.target(0.06)
    streams = [Stream("drone", "text", 10)]
    service = world.service(edge, cloud, cameras=[world.camera("drone")], streams=streams, options=NO_COMPARISON)
    caplog.set_level(logging.INFO)
    async with world.running(service):
        await anyio.sleep(1.6)
        down = service.statistics().targets[Place.EDGE]
        await anyio.sleep(8)
    # Then it was left alone for a while, the cloud did its work, and it works again
    counts = service.statistics().models["text"]
    assert (down.healthy, down.message) == (False, "the engine worker died (signal 9); it is started again")
    assert counts.on_time_cloud > 5
    assert counts.on_time_edge > 50
    assert counts.generated == counts.on_time_cloud + counts.on_time_edge + sum(counts.dropped.values())
    assert service.statistics().targets[Place.EDGE].message == ""
    assert lines(caplog)[:2] == [
        "text on frame 10 of drone, edge: the engine worker died (signal 9); it is started again",
        "edge: takes no work for 0.25 s: the engine worker died (signal 9); it is started again",
    ]
    assert lines(caplog)[-1] == "edge: works again"
    assert len(lines(caplog)) == 6


async def test_without_a_cloud_a_dead_engine_is_the_reason_of_every_drop(world: Any) -> None:
    edge = world.target(0.0, failure=lambda number: EngineError("the engine is out of service"))
    service = world.service(edge, cameras=[world.camera("drone")], streams=[Stream("drone", "text", 10)])
    async with world.running(service):
        await anyio.sleep(2.05)
    counts = service.statistics().models["text"]
    assert counts.generated == 20
    assert set(counts.dropped) == {"engine_error", "no_time"}


async def test_an_unreachable_cloud_is_left_alone_for_longer_and_longer_and_the_edge_goes_on(world: Any, caplog: Any) -> None:
    gone = CloudUnreachableError("no answer from AWS Lambda", remedy="check the network")
    edge, cloud = world.target(0.01), world.target(0.02, failure=lambda number: gone)
    service = crowded(world, edge, cloud)
    caplog.set_level(logging.INFO)
    async with world.running(service):
        await anyio.sleep(10)
        target = service.statistics().targets[Place.CLOUD]
    counts = service.statistics().models["text"]
    assert target.message == "no answer from AWS Lambda; check the network"
    assert counts.on_time_cloud == 0
    assert counts.dropped["cloud_unreachable"] >= 1
    assert counts.on_time_edge + sum(counts.dropped.values()) == counts.generated
    assert service.statistics().models["face"].on_time_edge > 500
    assert len(cloud.calls) < 15
    waits = [line for line in lines(caplog) if line.startswith("cloud: takes no work for")]
    assert [line.split(" s: ")[0] for line in waits[:4]] == [
        f"cloud: takes no work for {seconds}" for seconds in ("0.25", "0.5", "1", "2")
    ]


async def test_a_cloud_that_comes_back_gets_work_again(world: Any, caplog: Any) -> None:
    gone = CloudUnreachableError("no answer from AWS Lambda")
    cloud = world.target(0.05, failure=lambda number: gone if number <= 4 else None)
    service = crowded(world, world.target(0.01), cloud)
    caplog.set_level(logging.INFO)
    async with world.running(service):
        await anyio.sleep(8)
    assert service.statistics().models["text"].on_time_cloud > 5
    assert service.statistics().targets[Place.CLOUD].healthy
    assert lines(caplog)[-1] == "cloud: works again"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CloudBusyError("no room (429)"), DropReason.CLOUD_BUSY),
        (CloudFunctionError("the function failed"), DropReason.CLOUD_ERROR),
        (BadInputError("the region is not in the frame"), DropReason.BAD_INPUT),
        (DeadlineExceededError("too late on arrival"), DropReason.EXPIRED_ON_CLOUD),
        (UnknownNameError("no model 'text' there"), DropReason.CLOUD_ERROR),
    ],
)
async def test_what_the_cloud_refuses_is_dropped_under_its_own_reason(
    world: Any, caplog: Any, error: Any, reason: Any
) -> None:
    cloud = world.target(0.09, failure=lambda number: error)
    service = crowded(world, world.target(0.01), cloud)
    async with world.running(service):
        await anyio.sleep(4)
    counts = service.statistics().models["text"]
    assert set(counts.dropped) >= {reason.value}
    assert counts.on_time_cloud == 0
    assert counts.on_time_edge + counts.late + sum(counts.dropped.values()) == counts.generated
    assert service.statistics().targets[Place.CLOUD].healthy
    expired = reason is DropReason.EXPIRED_ON_CLOUD  # counted like any other, but no fault of anybody
    assert len([line for line in lines(caplog) if ", cloud: " in line]) == (0 if expired else 1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BadInputError("the region is not in the frame"), DropReason.BAD_INPUT),
        (EngineError("the engine failed"), DropReason.ENGINE_ERROR),
        (DeadlineExceededError("its turn came too late"), DropReason.EXPIRED_ON_EDGE),
        (UnknownNameError("no model 'reader' here"), DropReason.ENGINE_ERROR),
    ],
)
async def test_what_fails_on_the_edge_alone_is_a_report_with_reason_and_message(world: Any, error: Any, reason: Any) -> None:
    service = world.service(world.target(0.01, failure=lambda number: error), cameras=[world.camera("drone")])
    async with world.running(service):
        await anyio.sleep(0.15)
        report = await service.infer("reader", "drone", region=world.box)
        assert service.statistics().targets[Place.EDGE].healthy
    assert (report.outcome, report.drop_reason, report.message) == (Outcome.DROPPED, reason, str(error))
    assert report.detections == ()


async def test_a_camera_that_fails_is_said_once_and_tried_again_while_others_go_on(world: Any, caplog: Any) -> None:
    # Given two cameras, of which one cannot be read from its sixth frame on, for two attempts
    broken = world.camera("drone", fail_at=5)
    streams = [Stream("clip", "face", 10), Stream("drone", "text", 10)]
    service = world.service(world.target(0.001), cameras=[world.camera("clip"), broken], streams=streams)
    caplog.set_level(logging.INFO)
    async with world.running(service):
        await anyio.sleep(0.75)
        down = service.statistics().cameras["drone"]
        with pytest.raises(UnavailableError, match=r"^camera 'drone': no route to host; check the cable$"):
            await service.infer("text", "drone")
        await anyio.sleep(2)
        up = service.statistics().cameras
    assert (down.healthy, down.message) == (False, "camera 'drone': no route to host; check the cable")
    assert up["drone"].healthy
    assert (broken.opened, up["clip"].frames) == (2, 27)
    assert lines(caplog) == ["camera 'drone': no route to host; check the cable", "camera 'drone': frames come again"]


async def test_a_source_that_ends_is_said_so_and_not_opened_again(world: Any, caplog: Any) -> None:
    camera = world.camera("clip", frames_until_end=3)
    service = world.service(world.target(0.001), cameras=[camera], streams=[Stream("clip", "face", 10)])
    async with world.running(service):
        await anyio.sleep(30)
        statistics = service.statistics().cameras["clip"]
    assert (statistics.healthy, statistics.message) == (False, "camera 'clip': the source has ended")
    assert camera.opened == 1
    assert lines(caplog) == ["camera 'clip': the source has ended"]
    assert service.statistics().models["face"].on_time_edge == 3


async def test_the_books_are_right_after_a_minute_of_everything_failing_now_and_then(world: Any) -> None:
    edge_errors = {3: EngineError("died"), 4: EngineError("died"), 7: BadInputError("odd")}
    cloud_errors = {2: CloudBusyError("429"), 3: CloudFunctionError("oops"), 5: CloudUnreachableError("gone")}
    edge = world.target(0.011, failure=lambda number: edge_errors.get(number % 41))
    cloud = world.target(0.07, failure=lambda number: cloud_errors.get(number % 6))
    service = crowded(world, edge, cloud, ServiceOptions(comparison_every=20))
    async with world.running(service):
        for _ in range(30):
            await anyio.sleep(2)
            await service.infer("reader", "drone", region=world.box, deadline=Deadline.after(world.clocks, 500 * MS))
    counts = service.statistics().models
    assert counts["reader"].generated == 30
    assert counts["text"].on_time_cloud > 10
    assert counts["face"].stolen > 0
    assert sum(counts["face"].dropped.values()) > 100
