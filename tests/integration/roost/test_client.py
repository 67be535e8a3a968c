"""The client against a real server: exact errors, deadlines on the wire, and a watch that goes on after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest

from roost.client import RoostClient
from roost.clock import Clocks, Deadline, seconds_to_ns
from roost.errors import UnavailableError, UnknownNameError
from roost.v1 import mission_pb2, mission_pb2_grpc
from roost.wire import abort

pytestmark = pytest.mark.anyio
EVENTS = 6


@dataclass
class ScriptedMissions(mission_pb2_grpc.MissionServiceServicer):
    """Knows one mission with six events. breaks_after: the server's watch fails after so many events, each once."""

    breaks_after: list[int] = field(default_factory=list)
    submitted: list[mission_pb2.SubmitGoalRequest] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)

    async def SubmitGoal(self, request: mission_pb2.SubmitGoalRequest, context: Any) -> Any:
        self.submitted.append(request)
        return mission_pb2.SubmitGoalResponse(mission=mission_pb2.Mission(id="m1", goal=request.text))

    async def GetMission(self, request: mission_pb2.GetMissionRequest, context: Any) -> Any:
        await abort(context, UnknownNameError(f"there is no mission '{request.id}'", remedy="`roost watch` lists them all"))

    async def WatchMission(self, request: mission_pb2.WatchMissionRequest, context: Any) -> AsyncIterator[Any]:
        self.resumed.append(request.resume_after)
        breaks_after = self.breaks_after.pop(0) if self.breaks_after else EVENTS
        for sequence in range(request.resume_after + 1, EVENTS + 1):
            if sequence > breaks_after:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the daemon ends")
            yield mission_pb2.WatchMissionResponse(event=mission_pb2.MissionEvent(sequence=sequence))

    async def PreviewGoal(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def ListMissions(self, request: Any, context: Any) -> Any:
        return mission_pb2.ListMissionsResponse(missions=[mission_pb2.Mission(id="m1")])

    async def CancelMission(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def StopAll(self, request: Any, context: Any) -> Any:
        return mission_pb2.StopAllResponse(missions=["m1"], robots=["drone1"])


@asynccontextmanager
async def served(directory: Path, missions: ScriptedMissions) -> AsyncIterator[str]:
    address = f"unix:{directory / 'daemon.sock'}"
    server = grpc.aio.server()
    mission_pb2_grpc.add_MissionServiceServicer_to_server(missions, server)
    server.add_insecure_port(address)
    await server.start()
    yield address
    await server.stop(None)


async def test_a_goal_is_submitted_with_its_key_and_its_deadline(runtime_directory: Path) -> None:
    missions = ScriptedMissions()
    async with served(runtime_directory, missions) as address, RoostClient(address) as roost:
        deadline = Deadline.after(Clocks(), seconds_to_ns(30.0))
        mission = await roost.submit("drone1, go to the depot", idempotency_key="k", deadline=deadline)
        assert mission.id == "m1"
        (request,) = missions.submitted
        assert request.idempotency_key == "k"
        assert 29 <= request.deadline.remaining.seconds <= 30
        assert request.deadline.clock_error.nanos == 50_000_000
        assert [mission.id for mission in await roost.missions()] == ["m1"]
        assert list((await roost.stop_all()).robots) == ["drone1"]


async def test_an_error_is_the_exact_type_with_its_remedy(runtime_directory: Path) -> None:
    async with served(runtime_directory, ScriptedMissions()) as address, RoostClient(address) as roost:
        with pytest.raises(UnknownNameError) as caught:
            await roost.mission("m9")
        assert str(caught.value) == "there is no mission 'm9'; `roost watch` lists them all"


async def test_a_watch_goes_on_after_the_last_event_that_it_has_seen(runtime_directory: Path) -> None:
    missions = ScriptedMissions(breaks_after=[2, 2, 5])
    async with served(runtime_directory, missions) as address, RoostClient(address) as roost:
        with anyio.fail_after(10):
            seen = [update.event.sequence async for update in roost.watch("m1")]
    assert seen == list(range(1, EVENTS + 1))
    assert missions.resumed == [0, 2, 2, 5]


async def test_a_daemon_that_is_not_there_is_one_clear_line(runtime_directory: Path) -> None:
    address = f"unix:{runtime_directory / 'nothing.sock'}"
    async with RoostClient(address, patience_s=0.3) as roost:
        with pytest.raises(UnavailableError) as caught:
            await roost.missions()
        assert str(caught.value) == f"the daemon at {address} does not answer; is it running? its log says why not"
        with pytest.raises(UnavailableError):
            [update async for update in roost.watch("m1")]


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(UnavailableError, match="the client is not open"):
        await RoostClient("unix:/nowhere").missions()
