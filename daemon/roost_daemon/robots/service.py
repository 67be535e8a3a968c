"""The gateway behind gRPC (`roost.v1.RobotGatewayService`): the words of the wire, turned into the gateway's own and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import grpc

from roost.clock import Clocks, ns_to_seconds
from roost.errors import RoostError
from roost.robot import CommandFailedError
from roost.v1 import gateway_pb2, gateway_pb2_grpc
from roost.wire import (
    deadline_from_proto,
    duration_to_proto,
    pose_from_proto,
    pose_to_proto,
    problem_to_proto,
    problems_reported,
    robot_state_to_proto,
)
from roost_daemon.robots.execution import End, Execution, Grasp, Navigate, Release, RobotCommand
from roost_daemon.robots.gateway import Gateway

PROGRESS_PERIOD_S = 0.25
STATE_PERIOD_S = 0.1
LEAST_STATE_PERIOD_S = 0.02

_Context = grpc.aio.ServicerContext[Any, Any]
_STATES = {
    End.DONE: gateway_pb2.COMMAND_STATE_DONE,
    End.FAILED: gateway_pb2.COMMAND_STATE_FAILED,
    End.CANCELLED: gateway_pb2.COMMAND_STATE_CANCELLED,
}


class GatewayService(gateway_pb2_grpc.RobotGatewayServiceServicer):
    """Serves one gateway."""

    def __init__(self, gateway: Gateway, clocks: Clocks) -> None:
        self._gateway, self._clocks = gateway, clocks

    async def Command(
        self, request: gateway_pb2.CommandRequest, context: _Context
    ) -> AsyncIterator[gateway_pb2.CommandResponse]:
        """Carry out one command; the stream ends with it, and it ends with the stream."""
        try:
            execution = self._gateway.begin(self._command(request))
        except RoostError as error:
            yield gateway_pb2.CommandResponse(state=gateway_pb2.COMMAND_STATE_REFUSED, problem=problem_to_proto(error))
            return
        try:
            way = () if execution.route is None else execution.route.legs
            yield gateway_pb2.CommandResponse(
                state=gateway_pb2.COMMAND_STATE_ACCEPTED,
                remaining_m=self._gateway.remaining_m(execution),
                way=[pose_to_proto(pose) for pose in way],
            )
            while not execution.finished.is_set():
                with anyio.move_on_after(PROGRESS_PERIOD_S):
                    await execution.finished.wait()
                    break
                yield gateway_pb2.CommandResponse(
                    state=gateway_pb2.COMMAND_STATE_RUNNING, remaining_m=self._gateway.remaining_m(execution)
                )
            yield _end(execution)
        finally:
            gone = CommandFailedError("the one who asked for it went away", remedy="ask again")
            execution.conclude(End.CANCELLED, gone)

    async def GetState(self, request: gateway_pb2.GetStateRequest, context: _Context) -> gateway_pb2.GetStateResponse:
        """The robot's state."""
        return gateway_pb2.GetStateResponse(state=self._state())

    async def WatchState(
        self, request: gateway_pb2.WatchStateRequest, context: _Context
    ) -> AsyncIterator[gateway_pb2.WatchStateResponse]:
        """The robot's state, again and again."""
        asked_s = ns_to_seconds(request.period.ToNanoseconds())
        period_s = max(asked_s, LEAST_STATE_PERIOD_S) if request.HasField("period") else STATE_PERIOD_S
        while True:
            yield gateway_pb2.WatchStateResponse(state=self._state())
            await anyio.sleep(period_s)

    async def Heartbeat(self, request: gateway_pb2.HeartbeatRequest, context: _Context) -> gateway_pb2.HeartbeatResponse:
        """Hear the daemon."""
        async with problems_reported(context):
            timeout_ns = self._gateway.beat(request.daemon, request.fencing_token)
        return gateway_pb2.HeartbeatResponse(timeout=duration_to_proto(timeout_ns))

    async def Stop(self, request: gateway_pb2.StopRequest, context: _Context) -> gateway_pb2.StopResponse:
        """Bring the robot to rest."""
        return gateway_pb2.StopResponse(at_rest=await self._gateway.stop(request.reason))

    def _state(self) -> gateway_pb2.RobotState:
        problem = self._gateway.problem()
        return robot_state_to_proto(self._gateway.state(), accepting=problem is None, problem=problem)

    def _command(self, request: gateway_pb2.CommandRequest) -> RobotCommand:
        return RobotCommand(
            action=_action(request),
            issuer=request.issuer,
            avoid=tuple(request.avoid),
            closed=tuple(request.closed),
            deadline=deadline_from_proto(request.deadline, self._clocks) if request.HasField("deadline") else None,
        )


def _action(request: gateway_pb2.CommandRequest) -> Navigate | Grasp | Release:
    kind = request.WhichOneof("command")
    if kind == "grasp":
        return Grasp(request.grasp.object)
    if kind == "release":
        return Release()
    pose = pose_from_proto(request.navigate.pose) if request.navigate.HasField("pose") else None
    return Navigate(request.navigate.place, pose)


def _end(execution: Execution) -> gateway_pb2.CommandResponse:
    assert execution.end is not None
    error = execution.error
    return gateway_pb2.CommandResponse(
        state=_STATES[execution.end],
        problem=None if error is None else problem_to_proto(error),
        failed_passage=error.failed_passage if isinstance(error, CommandFailedError) else "",
    )
