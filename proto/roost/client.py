"""The client of a Roost daemon, for the command line, for skills and for other programs.

    async with RoostClient("unix:/run/roost/daemon.sock") as roost:
        mission = await roost.submit("drone1, inspect the depot", idempotency_key="inspection-7")
        async for update in roost.watch(mission.id):
            print(update.event.message)

Thin: a method is one call of `roost.v1`, answers are its messages, and failures are the exact types of `roost.errors` (see
`roost.wire`). Only `watch` does more: it goes on after the last event that it has seen when the daemon was away for a while.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable
from types import TracebackType
from typing import TypeVar

import anyio
import grpc

from roost.clock import Clocks, Deadline, ns_to_seconds
from roost.errors import UnavailableError
from roost.skill import Look, Rectangle, Sighting
from roost.v1 import (
    inference_pb2,
    inference_pb2_grpc,
    memory_pb2,
    memory_pb2_grpc,
    mission_pb2,
    mission_pb2_grpc,
    skill_pb2,
    skill_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)
from roost.wire import deadline_to_proto, error_from_call

_T = TypeVar("_T")

# A killed daemon is back within seconds: look often, not after gRPC's own back-off of up to two minutes.
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
_OUTCOMES = {
    inference_pb2.OUTCOME_ON_TIME: "on_time",
    inference_pb2.OUTCOME_LATE: "late",
    inference_pb2.OUTCOME_DROPPED: "dropped",
}


class RoostClient:
    """A connection to a daemon.

    address: a gRPC address such as `unix:/run/roost/daemon.sock`. clocks: the time, for deadlines. patience_s: how long
    `watch` tries to reach a daemon that went away.
    """

    def __init__(self, address: str, *, clocks: Clocks | None = None, patience_s: float = 10.0) -> None:
        self._address = address
        self._clocks = clocks or Clocks()
        self._patience_s = patience_s
        self._peer = f"the daemon at {address}"
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> RoostClient:
        self._channel = grpc.aio.insecure_channel(self._address, options=CHANNEL_OPTIONS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._channel is not None:
            await self._channel.close(None)
            self._channel = None

    async def submit(self, text: str, *, idempotency_key: str = "", deadline: Deadline | None = None) -> mission_pb2.Mission:
        """Check, plan and start a goal. A refused goal comes back as a mission in state refused."""
        request = mission_pb2.SubmitGoalRequest(
            text=text,
            idempotency_key=idempotency_key,
            deadline=None if deadline is None else deadline_to_proto(deadline, self._clocks),
        )
        return (await self._answer(self._missions.SubmitGoal(request))).mission

    async def preview(self, text: str) -> mission_pb2.Mission:
        """What a goal would become; nothing moves."""
        return (await self._answer(self._missions.PreviewGoal(mission_pb2.PreviewGoalRequest(text=text)))).mission

    async def mission(self, mission_id: str) -> mission_pb2.Mission:
        """One mission."""
        return (await self._answer(self._missions.GetMission(mission_pb2.GetMissionRequest(id=mission_id)))).mission

    async def missions(self) -> tuple[mission_pb2.Mission, ...]:
        """All missions, newest first."""
        return tuple((await self._answer(self._missions.ListMissions(mission_pb2.ListMissionsRequest()))).missions)

    async def watch(self, mission_id: str, *, resume_after: int = 0) -> AsyncIterator[mission_pb2.WatchMissionResponse]:
        """A mission's history after `resume_after`, then its events as they happen, until it ends.

        When the daemon goes away the watch goes on after the last event seen, for at most `patience_s` without one.
        """
        silent_since_ns = self._clocks.monotonic_ns()
        while True:
            request = mission_pb2.WatchMissionRequest(id=mission_id, resume_after=resume_after)
            try:
                async for update in self._missions.WatchMission(request):
                    resume_after = update.event.sequence
                    yield update
                    silent_since_ns = self._clocks.monotonic_ns()
            except grpc.aio.AioRpcError as failure:
                error = error_from_call(failure, self._peer)
                waited_s = ns_to_seconds(self._clocks.monotonic_ns() - silent_since_ns)
                if not isinstance(error, UnavailableError) or waited_s >= self._patience_s:
                    raise error from failure
                await anyio.sleep(0.1)
            else:
                return

    async def cancel(self, mission_id: str) -> mission_pb2.Mission:
        """Stop a mission and the robots that it moves."""
        return (await self._answer(self._missions.CancelMission(mission_pb2.CancelMissionRequest(id=mission_id)))).mission

    async def stop_all(self) -> mission_pb2.StopAllResponse:
        """Stop every robot and cancel every mission."""
        return await self._answer(self._missions.StopAll(mission_pb2.StopAllRequest()))

    async def skills(self) -> tuple[skill_pb2.Skill, ...]:
        """What the robots can do."""
        stub = skill_pb2_grpc.SkillServiceStub(self._open_channel)
        return tuple((await self._answer(stub.ListSkills(skill_pb2.ListSkillsRequest()))).skills)

    async def infer(
        self,
        model: str,
        *,
        camera: str,
        frame_id: int = 0,
        region: Rectangle | None = None,
        deadline: Deadline | None = None,
    ) -> Look:
        """Run a model on a camera's newest frame, or on one that an earlier look named, by a deadline.

        A look that was dropped comes back as such; `UnknownNameError` names a model or camera that does not exist.
        """
        request = inference_pb2.InferRequest(
            model=model,
            camera=camera,
            frame_id=frame_id,
            region=None
            if region is None
            else inference_pb2.Region(left=region.left, top=region.top, right=region.right, bottom=region.bottom),
            deadline=None if deadline is None else deadline_to_proto(deadline, self._clocks),
        )
        return look_from_proto((await self._answer(self._inference.Infer(request))).result)

    async def stats(self) -> inference_pb2.GetStatsResponse:
        """The counts and latencies of every model, target and camera."""
        return await self._answer(self._inference.GetStats(inference_pb2.GetStatsRequest()))

    async def frame(self, camera: str, frame_id: int = 0) -> inference_pb2.GetFrameResponse:
        """A frame that is still kept; 0 for the newest."""
        return await self._answer(self._inference.GetFrame(inference_pb2.GetFrameRequest(camera=camera, frame_id=frame_id)))

    async def set_stream_rate(self, camera: str, model: str, rate_hz: float) -> None:
        """How often a model looks through a camera from now on, in runs a second; 0 pauses it."""
        request = inference_pb2.SetStreamRateRequest(camera=camera, model=model, rate_hz=rate_hz)
        await self._answer(self._inference.SetStreamRate(request))

    async def results(self, models: Iterable[str] = ()) -> AsyncIterator[inference_pb2.WatchResultsResponse]:
        """Results as they come, of these models or of all."""
        stream = self._inference.WatchResults(inference_pb2.WatchResultsRequest(models=models))
        async for response in self._streamed(stream):
            yield response

    async def fact(self, key: str) -> memory_pb2.Fact:
        """One fact. Raises `UnknownNameError` where none has this key."""
        return (await self._answer(self._memory.GetFact(memory_pb2.GetFactRequest(key=key)))).fact

    async def facts(self, prefix: str = "") -> tuple[memory_pb2.Fact, ...]:
        """The facts under a prefix."""
        return tuple((await self._answer(self._memory.QueryFacts(memory_pb2.QueryFactsRequest(prefix=prefix)))).facts)

    async def watch_facts(self, prefix: str = "") -> AsyncIterator[memory_pb2.Fact]:
        """The facts under a prefix as they change."""
        stream = self._memory.WatchFacts(memory_pb2.WatchFactsRequest(prefix=prefix))
        async for response in self._streamed(stream):
            yield response.fact

    async def status(self) -> system_pb2.GetStatusResponse:
        """How the daemon, its parts and its robots do."""
        stub = system_pb2_grpc.SystemServiceStub(self._open_channel)
        return await self._answer(stub.GetStatus(system_pb2.GetStatusRequest()))

    @property
    def _open_channel(self) -> grpc.aio.Channel:
        if self._channel is None:
            raise UnavailableError("the client is not open", remedy="use it as `async with RoostClient(…) as roost`")
        return self._channel

    @property
    def _missions(self) -> mission_pb2_grpc.MissionServiceAsyncStub:
        return mission_pb2_grpc.MissionServiceStub(self._open_channel)

    @property
    def _inference(self) -> inference_pb2_grpc.InferenceServiceAsyncStub:
        return inference_pb2_grpc.InferenceServiceStub(self._open_channel)

    @property
    def _memory(self) -> memory_pb2_grpc.MemoryServiceAsyncStub:
        return memory_pb2_grpc.MemoryServiceStub(self._open_channel)

    async def _answer(self, call: Awaitable[_T]) -> _T:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error

    async def _streamed(self, stream: AsyncIterable[_T]) -> AsyncIterator[_T]:
        try:
            async for response in stream:
                yield response
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error


def look_from_proto(result: inference_pb2.InferenceResult) -> Look:
    """An inference result as a skill sees it."""
    return Look(
        model=result.model,
        frame_id=result.frame_id,
        outcome=_OUTCOMES.get(result.outcome, "dropped"),
        target=result.target,
        drop_reason=result.drop_reason,
        sightings=tuple(
            Sighting(
                label=detection.label,
                score=detection.score,
                region=Rectangle(
                    detection.region.left, detection.region.top, detection.region.right, detection.region.bottom
                ),
                text=detection.text,
            )
            for detection in result.detections
        ),
    )


def _rectangle(region: inference_pb2.Region) -> Rectangle:
    return Rectangle(region.left, region.top, region.right, region.bottom)
