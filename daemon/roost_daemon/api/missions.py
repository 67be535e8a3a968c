"""`roost.v1.MissionService` over the goal's road."""

from __future__ import annotations

from collections.abc import AsyncIterator

from roost.clock import Clocks
from roost.v1 import common_pb2, mission_pb2, mission_pb2_grpc
from roost.wire import deadline_from_proto, problems_reported, timestamp_to_proto
from roost_daemon.api.context import Context
from roost_daemon.goals import Goals
from roost_daemon.missions.events import MissionEvent
from roost_daemon.missions.mission import MissionState, StepState
from roost_daemon.missions.view import MissionView, TaskNodeView

_STATES = {
    MissionState.SUBMITTED: mission_pb2.MISSION_STATE_SUBMITTED,
    MissionState.REFUSED: mission_pb2.MISSION_STATE_REFUSED,
    MissionState.RUNNING: mission_pb2.MISSION_STATE_RUNNING,
    MissionState.SUCCEEDED: mission_pb2.MISSION_STATE_SUCCEEDED,
    MissionState.FAILED: mission_pb2.MISSION_STATE_FAILED,
    MissionState.CANCELLED: mission_pb2.MISSION_STATE_CANCELLED,
    MissionState.INTERRUPTED: mission_pb2.MISSION_STATE_INTERRUPTED,
}
_STEPS = {
    StepState.WAITING: mission_pb2.STEP_STATE_WAITING,
    StepState.RUNNING: mission_pb2.STEP_STATE_RUNNING,
    StepState.DONE: mission_pb2.STEP_STATE_DONE,
    StepState.FAILED: mission_pb2.STEP_STATE_FAILED,
    StepState.REPAIRING: mission_pb2.STEP_STATE_REPAIRING,
}


class MissionApi(mission_pb2_grpc.MissionServiceServicer):
    """Converts and passes on."""

    def __init__(self, goals: Goals, clocks: Clocks) -> None:
        self._goals = goals
        self._clocks = clocks

    async def SubmitGoal(self, request: mission_pb2.SubmitGoalRequest, context: Context) -> mission_pb2.SubmitGoalResponse:
        """Check, plan and start a goal."""
        deadline = deadline_from_proto(request.deadline, self._clocks) if request.HasField("deadline") else None
        async with problems_reported(context):
            mission = await self._goals.submit(request.text, request.idempotency_key, deadline)
        return mission_pb2.SubmitGoalResponse(mission=mission_to_proto(mission))

    async def PreviewGoal(self, request: mission_pb2.PreviewGoalRequest, context: Context) -> mission_pb2.PreviewGoalResponse:
        """Say what a goal would become."""
        async with problems_reported(context):
            mission = await self._goals.preview(request.text)
        return mission_pb2.PreviewGoalResponse(mission=mission_to_proto(mission))

    async def GetMission(self, request: mission_pb2.GetMissionRequest, context: Context) -> mission_pb2.GetMissionResponse:
        """Read one mission."""
        async with problems_reported(context):
            mission = await self._goals.get(request.id)
        return mission_pb2.GetMissionResponse(mission=mission_to_proto(mission))

    async def ListMissions(
        self, request: mission_pb2.ListMissionsRequest, context: Context
    ) -> mission_pb2.ListMissionsResponse:
        """Read all missions."""
        async with problems_reported(context):
            missions = await self._goals.list()
        return mission_pb2.ListMissionsResponse(missions=[mission_to_proto(mission) for mission in missions])

    async def WatchMission(
        self, request: mission_pb2.WatchMissionRequest, context: Context
    ) -> AsyncIterator[mission_pb2.WatchMissionResponse]:
        """Stream a mission's history, then its events."""
        async with problems_reported(context):
            async for update in self._goals.watch(request.id, request.resume_after):
                yield mission_pb2.WatchMissionResponse(event=_event(update.event), mission=mission_to_proto(update.mission))

    async def CancelMission(
        self, request: mission_pb2.CancelMissionRequest, context: Context
    ) -> mission_pb2.CancelMissionResponse:
        """Stop a mission."""
        async with problems_reported(context):
            mission = await self._goals.cancel(request.id)
        return mission_pb2.CancelMissionResponse(mission=mission_to_proto(mission))

    async def StopAll(self, request: mission_pb2.StopAllRequest, context: Context) -> mission_pb2.StopAllResponse:
        """Stop everything."""
        async with problems_reported(context):
            stopped = await self._goals.stop_all()
        return mission_pb2.StopAllResponse(missions=stopped.missions, robots=stopped.robots)


def mission_to_proto(mission: MissionView) -> mission_pb2.Mission:
    """A mission for the wire."""
    problem = mission.problem
    return mission_pb2.Mission(
        id=mission.mission_id,
        goal=mission.goal,
        state=_STATES[mission.state],
        tree=None if mission.tree is None else _node(mission.tree),
        rules=[
            mission_pb2.RuleVerdict(rule=rule.words, formula=rule.formula, verdict=rule.verdict) for rule in mission.rules
        ],
        explanation=mission.explanation,
        repairs=mission.repairs,
        problem=None
        if problem is None
        else common_pb2.Problem(reason=problem.reason, message=problem.message, remedy=problem.remedy),
        submitted=timestamp_to_proto(mission.submitted_utc_ns),
    )


def _node(node: TaskNodeView) -> mission_pb2.TaskNode:
    return mission_pb2.TaskNode(
        id=node.node,
        label=node.label,
        order=node.order,
        skill=node.skill,
        robot=node.robot,
        state=_STEPS[node.state],
        children=[_node(child) for child in node.children],
    )


def _event(event: MissionEvent) -> mission_pb2.MissionEvent:
    return mission_pb2.MissionEvent(
        sequence=event.sequence,
        time=timestamp_to_proto(event.time_utc_ns),
        kind=event.kind.value,
        node=event.node,
        message=event.message,
    )
