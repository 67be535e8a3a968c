"""The live service: frames and requests in, results out."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from roost.clock import Deadline
from roost.errors import ConfigurationError, UnavailableError, UnknownNameError
from roost_inference.ports import BadInputError, Detection, Inference, Region
from roost_inference.scheduling.dems import Dems
from roost_inference.scheduling.scheduler import replay
from roost_inference.service import ServiceOptions
from roost_inference.streams import Stream
from roost_inference.task import DropReason, Outcome, Place

MS = 1_000_000
pytestmark = pytest.mark.anyio


async def test_a_stream_runs_its_model_on_the_frames_and_reports_each(world: Any) -> None:
    edge = world.target(0.015)
    service = world.service(edge, cameras=[world.camera("clip")], streams=[Stream("clip", "face", 10)])
    async with world.running(service):
        with service.results(["face"]) as results:
            report = await anext(results)
        await anyio.sleep(2)
        statistics = service.statistics()
    assert (report.model, report.camera, report.frame_id) == ("face", "clip", 1)
    assert (report.outcome, report.place, report.stolen, report.drop_reason) == (Outcome.ON_TIME, Place.EDGE, False, None)
    assert report.detections == world.found.detections
    assert report.latency_ns == pytest.approx(15 * MS, abs=2)
    counts = statistics.models["face"]
    assert counts.on_time_edge == 20
    assert counts.p50_ms == pytest.approx(15, rel=0.02)
    camera = statistics.cameras["clip"]
    assert (camera.frames, camera.replaced, camera.healthy, camera.message) == (21, 3, True, "")
    assert camera.frames_per_second == pytest.approx(10)
    assert statistics.targets[Place.EDGE].utilisation == pytest.approx(0.15, abs=0.01)
    assert Place.CLOUD not in statistics.targets


async def test_a_stream_that_asks_faster_than_frames_come_never_runs_a_frame_twice(world: Any) -> None:
    edge = world.target(0.001)
    service = world.service(edge, cameras=[world.camera("clip")], streams=[Stream("clip", "face", 1000)])
    async with world.running(service):
        await anyio.sleep(1.05)
    assert [call.frame_id for call in edge.calls] == list(range(1, 11))


async def test_a_stream_with_tiles_gets_its_rate_by_cutting_frames(world: Any) -> None:
    edge = world.target(0.001)
    streams = [Stream("clip", "face", 40, max_tiles=16)]
    service = world.service(edge, cameras=[world.camera("clip")], streams=streams)
    async with world.running(service):
        await anyio.sleep(1.05)
    of_second_frame = [call.region for call in edge.calls if call.frame_id == 2]
    assert of_second_frame == [Region(0, 0, 16, 12), Region(16, 0, 32, 12), Region(0, 12, 16, 24), Region(16, 12, 32, 24)]
    assert len(edge.calls) == pytest.approx(40, abs=4)


async def test_the_next_model_looks_at_each_detection_with_the_same_deadline(world: Any) -> None:
    boxes = [Detection("text", score, Region(left, 0, left + 4, 4)) for left, score in ((0, 0.5), (5, 0.9), (10, 0.7))]
    edge = world.target(0.01, Inference(tuple(boxes)))
    camera = world.camera("drone", frames_until_end=1)
    streams = [Stream("drone", "text", 10, then="reader")]
    service = world.service(edge, cameras=[camera], streams=streams, options=ServiceOptions(boxes_limit=2))
    async with world.running(service):
        with service.results(["reader"]) as results:
            first = await anext(results)
        await anyio.sleep(1)
    text, *read = edge.calls
    assert [(call.model, call.frame_id, call.region, call.deadline) for call in read] == [
        ("reader", 1, Region(5, 0, 9, 4), text.deadline),
        ("reader", 1, Region(10, 0, 14, 4), text.deadline),
    ]
    assert first.latency_ns == pytest.approx(20 * MS, abs=4)


async def test_a_request_runs_on_the_newest_frame_by_the_models_own_deadline(world: Any) -> None:
    edge = world.target(0.02)
    service = world.service(edge, cameras=[world.camera("drone")])
    async with world.running(service):
        await anyio.sleep(0.35)
        asked_ns = world.now_ns()
        report = await service.infer("text", "drone")
    assert (report.frame_id, report.outcome, report.place) == (3, Outcome.ON_TIME, Place.EDGE)
    assert edge.calls[0].deadline.monotonic_ns == asked_ns + 250 * MS
    assert report.latency_ns == pytest.approx(20 * MS, abs=2)


async def test_a_request_may_name_a_part_of_an_earlier_frame_and_its_own_deadline(world: Any) -> None:
    edge = world.target(0.02)
    service = world.service(edge, cameras=[world.camera("drone")])
    async with world.running(service):
        await anyio.sleep(0.55)
        deadline = Deadline.after(world.clocks, 900 * MS)
        report = await service.infer("reader", "drone", 2, world.box, deadline)
    assert (report.frame_id, report.region) == (2, world.box)
    assert edge.calls[0].deadline == deadline


async def test_a_request_whose_deadline_cannot_be_met_is_a_report_that_says_so(world: Any) -> None:
    service = world.service(world.target(0.02), cameras=[world.camera("drone")])
    async with world.running(service):
        await anyio.sleep(0.15)
        report = await service.infer("text", "drone", deadline=Deadline.after(world.clocks, 5 * MS))
    assert (report.outcome, report.place, report.drop_reason) == (Outcome.DROPPED, Place.NONE, DropReason.NO_TIME)


async def test_an_unknown_model_camera_or_stream_is_named_with_those_there_are(world: Any) -> None:
    streams = [Stream("clip", "face", 10)]
    service = world.service(world.target(0.01), cameras=[world.camera("clip"), world.camera("drone")], streams=streams)
    async with world.running(service):
        with pytest.raises(UnknownNameError, match=r"^unknown model 'vest'; known: face, reader, text$"):
            await service.infer("vest", "clip")
        with pytest.raises(UnknownNameError, match=r"^unknown camera 'door'; known: clip, drone$"):
            await service.infer("face", "door")
        with pytest.raises(UnknownNameError, match=r"^unknown model 'vest'; known: face, reader, text$"):
            service.results(["vest"])
        with pytest.raises(UnknownNameError, match=r"^no stream of model 'face' on camera 'drone'; known: face on clip$"):
            service.set_rate("drone", "face", 5)


async def test_a_frame_that_is_not_there_is_said_so(world: Any) -> None:
    camera = world.camera("drone", frames_until_end=6)
    service = world.service(world.target(0.01), cameras=[camera], options=ServiceOptions(kept_frames=4))
    async with world.running(service):
        with pytest.raises(UnavailableError, match=r"^camera 'drone' has not brought a frame yet; check its source$"):
            await service.infer("text", "drone")
        await anyio.sleep(0.55)
        with pytest.raises(
            UnavailableError, match=r"^frame 1 of camera 'drone' is not kept; kept: 2 to 5; 0 stands for the newest$"
        ):
            await service.infer("text", "drone", 1)


async def test_a_camera_that_has_gone_silent_gives_no_answer_to_what_it_sees(world: Any) -> None:
    camera = world.camera("drone", period_s=10.0)
    service = world.service(world.target(0.01), cameras=[camera])
    async with world.running(service):
        await anyio.sleep(14.0)
        with pytest.raises(UnavailableError, match=r"^camera 'drone' has brought no frame for 4.0 s; check its source$"):
            await service.infer("text", "drone")
        statistics = service.statistics().cameras["drone"]
    assert (statistics.healthy, statistics.message) == (False, "camera 'drone': no frame for 4 s")


async def test_a_service_that_does_not_run_takes_no_request(world: Any) -> None:
    service = world.service(world.target(0.01), cameras=[world.camera("drone")])
    message = r"^the inference service is not running; ask again once it has started$"
    with pytest.raises(UnavailableError, match=message):
        await service.infer("text", "drone")
    async with world.running(service):
        await anyio.sleep(0.15)
    with pytest.raises(UnavailableError, match=message):
        await service.infer("text", "drone")


async def test_a_rate_may_be_changed_and_paused(world: Any) -> None:
    edge = world.target(0.001)
    service = world.service(edge, cameras=[world.camera("clip")], streams=[Stream("clip", "face", 0)])
    async with world.running(service):
        await anyio.sleep(1.05)
        assert edge.calls == []
        service.set_rate("clip", "face", 5)
        await anyio.sleep(2)
        assert len(edge.calls) == pytest.approx(10, abs=1)
        before = len(edge.calls)
        service.set_rate("clip", "face", 0)
        await anyio.sleep(1)
        assert len(edge.calls) == before
        with pytest.raises(
            ConfigurationError,
            match=r"^-1 runs a second of model 'face' on camera 'clip'; give a rate of 0 \(paused\) or more$",
        ):
            service.set_rate("clip", "face", -1)


async def test_a_slow_reader_loses_the_oldest_results_and_is_told(world: Any) -> None:
    streams = [Stream("clip", "face", 10)]
    service = world.service(
        world.target(0.001), cameras=[world.camera("clip")], streams=streams, options=ServiceOptions(result_queue=4)
    )
    async with world.running(service):
        with service.results() as results:
            await anyio.sleep(1.05)
            assert [(await anext(results)).frame_id for _ in range(4)] == [7, 8, 9, 10]
            assert results.lost == 6


async def test_shutdown_drops_what_runs_and_what_waits_and_ends_every_reader(world: Any) -> None:
    edge, cloud = world.target(10.0), world.target(10.0)
    service = world.service(edge, cloud, cameras=[world.camera("drone")])
    reports = []

    async def ask(milliseconds: int) -> None:
        reports.append(await service.infer("text", "drone", deadline=Deadline.after(world.clocks, milliseconds * MS)))

    async def read() -> None:
        with service.results() as results:
            read_to_end.extend([report.drop_reason async for report in results])

    read_to_end: list[DropReason | None] = []
    async with anyio.create_task_group() as tasks, world.running(service):
        await anyio.sleep(0.15)
        tasks.start_soon(read)
        for milliseconds in (300, 110, 200, 210, 500):
            tasks.start_soon(ask, milliseconds)
        await anyio.sleep(0.001)
    assert len(edge.calls) == 1
    assert [report.drop_reason for report in reports] == [DropReason.SHUTDOWN] * 5
    assert read_to_end == [DropReason.SHUTDOWN] * 5


async def test_a_cancelled_service_ends_its_tasks_too(world: Any) -> None:
    service = world.service(world.target(10.0), cameras=[world.camera("drone")], streams=[Stream("drone", "text", 10)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(service.run)
        await anyio.sleep(0.15)
        tasks.cancel_scope.cancel()
    counts = service.statistics().models["text"]
    assert (counts.generated, dict(counts.dropped), counts.in_flight) == (1, {"shutdown": 1}, 0)


async def test_sampled_results_of_the_edge_are_compared_with_the_clouds_outside_the_books(world: Any) -> None:
    edge, cloud = world.target(0.005), world.target(0.05)
    streams = [Stream("clip", "face", 10)]
    service = world.service(
        edge, cloud, cameras=[world.camera("clip")], streams=streams, options=ServiceOptions(comparison_every=5)
    )
    async with world.running(service):
        await anyio.sleep(1.55)
        assert (service.statistics().compared, service.statistics().disagreed) == (3, 0)
        cloud.inference = Inference((Detection("thing", 0.9, Region(20, 3, 26, 9)),))
        await anyio.sleep(0.5)
        assert (service.statistics().compared, service.statistics().disagreed) == (4, 1)
    assert [call.frame_id for call in cloud.calls] == [1, 6, 11, 16]
    assert service.statistics().models["face"].on_time_cloud == 0


async def test_a_comparison_never_runs_beside_a_call_or_another_comparison(world: Any) -> None:
    edge, cloud = world.target(0.005), world.target(0.35)
    streams = [Stream("clip", "face", 10)]
    service = world.service(
        edge, cloud, cameras=[world.camera("clip")], streams=streams, options=ServiceOptions(comparison_every=1)
    )
    async with world.running(service):
        await anyio.sleep(2.05)
    assert cloud.most_at_once == 1
    assert [call.frame_id for call in cloud.calls] == [1, 5, 9, 13, 17]


async def test_a_comparison_that_fails_harms_nothing(world: Any) -> None:
    cloud = world.target(0.01, failure=lambda number: BadInputError("too small"))
    service = world.service(world.target(0.005), cloud, cameras=[world.camera("clip")], streams=[Stream("clip", "face", 10)])
    async with world.running(service):
        await anyio.sleep(1.05)
    statistics = service.statistics()
    assert (statistics.compared, statistics.models["face"].on_time_edge) == (0, 10)


async def test_a_recorded_live_run_replays_to_the_same_decisions(world: Any) -> None:
    edge, cloud = world.target(0.012), world.target(0.08)
    streams = [Stream("clip", "face", 120, max_tiles=16), Stream("clip", "text", 25, then="reader")]
    service = world.service(edge, cloud, cameras=[world.camera("clip", period_s=0.04)], streams=streams)
    async with world.running(service):
        await anyio.sleep(3)
    counts = service.statistics().models
    assert counts["text"].on_time_cloud > 0
    assert sum(counts["face"].dropped.values()) > 0
    assert service.statistics().trace_lost == 0
    records = service.trace.records()
    decided = replay(Dems(world.profiles, 2), [record.event for record in records])
    assert decided == [list(record.decisions) for record in records]


async def test_a_bounded_trace_counts_what_it_lost(world: Any) -> None:
    service = world.service(
        world.target(0.001),
        cameras=[world.camera("clip")],
        streams=[Stream("clip", "face", 10)],
        options=ServiceOptions(trace_capacity=5),
    )
    async with world.running(service):
        await anyio.sleep(1.05)
    assert len(service.trace.records()) == 5
    assert service.statistics().trace_lost == 1 + 2 * 10 + 1 - 5


def test_a_stream_of_something_unknown_or_twice_is_refused(world: Any) -> None:
    for stream, message in (
        (Stream("door", "face", 1), "a stream names the camera 'door'; known: clip"),
        (Stream("clip", "vest", 1), "a stream names the model 'vest'; known: face, reader, text"),
        (Stream("clip", "face", 1, then="vest"), "a stream names the model 'vest'; known: face, reader, text"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            world.service(world.target(1), cameras=[world.camera("clip")], streams=[stream])
        assert str(refused.value) == message
    with pytest.raises(ConfigurationError, match=r"^two streams of model 'face' on camera 'clip'"):
        world.service(world.target(1), cameras=[world.camera("clip")], streams=[Stream("clip", "face", 1)] * 2)
