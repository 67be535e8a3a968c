"""`roost.v1.InferenceService` over the live executor."""

from __future__ import annotations

from collections.abc import AsyncIterator

from roost.clock import Clocks
from roost.v1 import inference_pb2, inference_pb2_grpc
from roost.wire import deadline_from_proto, duration_to_proto, problems_reported, struct_to_proto, timestamp_to_proto
from roost_daemon.api.context import Context
from roost_inference.ports import Region
from roost_inference.results import InferenceReport
from roost_inference.scheduling.ledger import ModelCounts
from roost_inference.service import InferenceService
from roost_inference.statistics import Statistics
from roost_inference.task import ModelProfile, Outcome

_OUTCOMES = {
    Outcome.ON_TIME: inference_pb2.OUTCOME_ON_TIME,
    Outcome.LATE: inference_pb2.OUTCOME_LATE,
    Outcome.DROPPED: inference_pb2.OUTCOME_DROPPED,
}
_NS_PER_MS = 1e6


class InferenceApi(inference_pb2_grpc.InferenceServiceServicer):
    """Converts and passes on."""

    def __init__(self, service: InferenceService, clocks: Clocks) -> None:
        self._service = service
        self._clocks = clocks

    async def Infer(self, request: inference_pb2.InferRequest, context: Context) -> inference_pb2.InferResponse:
        """Run one model."""
        async with problems_reported(context):
            region = request.region
            report = await self._service.infer(
                request.model,
                request.camera,
                request.frame_id,
                Region(region.left, region.top, region.right, region.bottom) if request.HasField("region") else None,
                deadline_from_proto(request.deadline, self._clocks) if request.HasField("deadline") else None,
            )
        return inference_pb2.InferResponse(result=report_to_proto(report))

    async def GetStats(self, request: inference_pb2.GetStatsRequest, context: Context) -> inference_pb2.GetStatsResponse:
        """Read the counts."""
        return statistics_to_proto(self._service.statistics())

    async def GetFrame(self, request: inference_pb2.GetFrameRequest, context: Context) -> inference_pb2.GetFrameResponse:
        """Read a frame that is still kept."""
        async with problems_reported(context):
            frame = self._service.frame(request.camera, request.frame_id)
        height, width, _ = frame.image.shape
        return inference_pb2.GetFrameResponse(
            frame_id=frame.frame_id,
            width=width,
            height=height,
            rgb=frame.image.tobytes(),
            time=timestamp_to_proto(frame.taken_utc_ns),
        )

    async def SetStreamRate(
        self, request: inference_pb2.SetStreamRateRequest, context: Context
    ) -> inference_pb2.SetStreamRateResponse:
        """Change a stream's rate."""
        async with problems_reported(context):
            self._service.set_rate(request.camera, request.model, request.rate_hz)
        return inference_pb2.SetStreamRateResponse()

    async def WatchResults(
        self, request: inference_pb2.WatchResultsRequest, context: Context
    ) -> AsyncIterator[inference_pb2.WatchResultsResponse]:
        """Stream results as they come."""
        async with problems_reported(context):
            with self._service.results(request.models) as results:
                async for report in results:
                    yield inference_pb2.WatchResultsResponse(result=report_to_proto(report), lost=results.lost)


def report_to_proto(report: InferenceReport) -> inference_pb2.InferenceResult:
    """One task and what became of it."""
    return inference_pb2.InferenceResult(
        task_id=report.task_id,
        model=report.model,
        camera=report.camera,
        frame_id=report.frame_id,
        outcome=_OUTCOMES[report.outcome],
        target=report.place.value,
        drop_reason=report.drop_reason.value if report.drop_reason else "",
        stolen=report.stolen,
        latency=duration_to_proto(report.latency_ns),
        detections=[
            inference_pb2.Detection(
                label=found.label,
                score=found.score,
                region=inference_pb2.Region(
                    left=found.region.left, top=found.region.top, right=found.region.right, bottom=found.region.bottom
                ),
                text=found.text,
            )
            for found in report.detections
        ],
        outputs=struct_to_proto({name: list(shape) for name, shape in report.outputs.items()}),
        frame_time=timestamp_to_proto(report.frame_taken_utc_ns),
    )


def statistics_to_proto(statistics: Statistics) -> inference_pb2.GetStatsResponse:
    """All counts."""
    return inference_pb2.GetStatsResponse(
        models=[_model(counts, statistics.profiles[name]) for name, counts in statistics.models.items()],
        targets=[
            inference_pb2.TargetStats(
                name=place.value, healthy=target.healthy, message=target.message, utilisation=target.utilisation
            )
            for place, target in statistics.targets.items()
        ],
        cameras=[
            inference_pb2.CameraStats(
                name=camera.name,
                frames=camera.frames,
                replaced=camera.replaced,
                frames_per_second=camera.frames_per_second,
                healthy=camera.healthy,
                message=camera.message,
            )
            for camera in statistics.cameras.values()
        ],
        compared=statistics.compared,
        disagreed=statistics.disagreed,
    )


def _model(counts: ModelCounts, profile: ModelProfile) -> inference_pb2.ModelStats:
    return inference_pb2.ModelStats(
        name=counts.name,
        generated=counts.generated,
        on_time_edge=counts.on_time_edge,
        on_time_cloud=counts.on_time_cloud,
        late=counts.late,
        dropped=counts.dropped,
        stolen=counts.stolen,
        migrated=counts.migrated,
        in_flight=counts.in_flight,
        utility=counts.utility,
        p50_ms=counts.p50_ms,
        p95_ms=counts.p95_ms,
        edge_time_ms=profile.edge_time_ns / _NS_PER_MS,
        cloud_time_ms=profile.cloud_time_ns / _NS_PER_MS,
    )
