"""The client of a robot's gateway: for the daemon that owns the robot, and for skills, which see a `Robot`.

    async with GatewayClient("unix:/run/roost/gateway-drone1.sock", "drone1") as gateway:
        await gateway.heartbeat("edge1", fencing_token=7)
        print((await gateway.state()).robot.pose)

Failures are the exact types of `roost.errors` and `roost.robot`; whatever the gateway says is kept, its stable reason too.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from types import TracebackType

import grpc

from roost.client import CHANNEL_OPTIONS
from roost.clock import Clocks, Deadline
from roost.errors import RefusedError, RoostError, UnavailableError
from roost.robot import CommandFailedError, Pose, RobotState
from roost.v1 import common_pb2, gateway_pb2, gateway_pb2_grpc
from roost.wire import (
    deadline_to_proto,
    duration_to_proto,
    error_from_call,
    error_from_problem,
    pose_from_proto,
    pose_to_proto,
    robot_state_from_proto,
)

# A gateway is on the same machine: it answers at once, or something is wrong with it.
ANSWER_BOUND_S = 5.0
# It stops the robot, and returns when odometry shows rest.
STOP_BOUND_S = 20.0
_SILENT = "STALE_ODOMETRY"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a command goes. way: the checked way, in the first report only."""

    remaining_m: float
    way: tuple[Pose, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayState:
    """A robot's state as its gateway sees it. problem: why it accepts no command now; None if it does."""

    robot: RobotState
    accepting: bool
    problem: RoostError | None


class GatewayClient:
    """A connection to the gateway of one robot. address: such as `unix:/run/roost/gateway-drone1.sock`."""

    def __init__(self, address: str, robot: str, *, clocks: Clocks | None = None) -> None:
        self.robot = robot
        self._clocks = clocks or Clocks()
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = gateway_pb2_grpc.RobotGatewayServiceStub(self._channel)
        self._peer = f"the gateway of {robot}"

    async def __aenter__(self) -> GatewayClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; a command under way ends."""
        await self._channel.close(None)

    async def heartbeat(self, daemon: str, fencing_token: int) -> int:
        """Say that the daemon lives; the time in ns within which the gateway must hear it again.

        Raises `RefusedError` (reason `FENCED`) where another daemon has the robot now, and `UnavailableError`.
        """
        request = gateway_pb2.HeartbeatRequest(daemon=daemon, fencing_token=fencing_token)
        try:
            answer = await self._stub.Heartbeat(request, timeout=ANSWER_BOUND_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error
        return answer.timeout.ToNanoseconds()

    async def state(self) -> GatewayState:
        """The robot's state now. Raises `UnavailableError`."""
        try:
            answer = await self._stub.GetState(gateway_pb2.GetStateRequest(), timeout=ANSWER_BOUND_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error
        return _state(answer.state)

    async def watch(self, period_ns: int | None = None) -> AsyncIterator[GatewayState]:
        """The robot's state, again and again, until the caller stops. Raises `UnavailableError`."""
        request = gateway_pb2.WatchStateRequest(period=None if period_ns is None else duration_to_proto(period_ns))
        call = self._stub.WatchState(request)
        try:
            async for answer in call:
                yield _state(answer.state)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error
        finally:
            call.cancel()
        raise UnavailableError(f"{self._peer} has ended", remedy="its log says why")

    async def stop(self, reason: str = "") -> bool:
        """Cancel whatever the robot does; whether its odometry shows rest. Raises `UnavailableError`."""
        try:
            answer = await self._stub.Stop(gateway_pb2.StopRequest(reason=reason), timeout=STOP_BOUND_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error
        return bool(answer.at_rest)

    async def command(self, request: gateway_pb2.CommandRequest) -> AsyncIterator[Progress]:
        """Carry out a command; ends when it is done. A caller that stops listening cancels it.

        Raises `RefusedError` where a rule or bound forbids it, `CommandFailedError` where the robot could not or was stopped,
        `UnavailableError` where gateway or robot do not answer, `roost.errors.DeadlineExceededError`.
        """
        call = self._stub.Command(request)
        try:
            async for answer in call:
                if answer.state == gateway_pb2.COMMAND_STATE_DONE:
                    return
                if answer.HasField("problem"):
                    raise _ended(answer)
                yield Progress(answer.remaining_m, tuple(pose_from_proto(pose) for pose in answer.way))
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, self._peer) from error
        finally:
            call.cancel()
        raise UnavailableError(f"{self._peer} ended before the command did", remedy="its log says why")

    def to_wire(self, deadline: Deadline) -> common_pb2.Deadline:
        """A deadline for a command's request."""
        return deadline_to_proto(deadline, self._clocks)


class GatewayRobot:
    """A robot as a skill sees it (`roost.robot.Robot`), through the gateway at an address.

    async with GatewayRobot("unix:/run/roost/gateway-drone1.sock", "drone1") as body:
        robot = body.on_behalf_of("mission 3, step 1.2", avoid=["yard"])
        await robot.navigate("depot")
    """

    def __init__(self, address: str, robot: str, clocks: Clocks | None = None) -> None:
        self._gateway = GatewayClient(address, robot, clocks=clocks)
        self._issuer = ""
        self._avoid: tuple[str, ...] = ()
        self._closed: tuple[str, ...] = ()

    def on_behalf_of(self, issuer: str, *, avoid: Iterable[str] = (), closed: Iterable[str] = ()) -> GatewayRobot:
        """The same robot, on the same connection, for somebody.

        issuer: who asks, for the record. avoid: areas to keep out of besides the standing rules; closed: closed passages.
        """
        other = copy.copy(self)
        other._issuer, other._avoid, other._closed = issuer, tuple(avoid), tuple(closed)
        return other

    async def __aenter__(self) -> GatewayRobot:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gateway.close()

    async def state(self) -> RobotState:
        """Read where it is and what it does."""
        return (await self._gateway.state()).robot

    async def navigate(self, place: str, deadline: Deadline | None = None) -> None:
        """Go to a place by name."""
        await self._carry_out(gateway_pb2.CommandRequest(navigate=gateway_pb2.NavigateCommand(place=place)), deadline)

    async def navigate_to(self, pose: Pose, deadline: Deadline | None = None) -> None:
        """Go to a pose."""
        command = gateway_pb2.NavigateCommand(pose=pose_to_proto(pose))
        await self._carry_out(gateway_pb2.CommandRequest(navigate=command), deadline)

    async def grasp(self, object_name: str, deadline: Deadline | None = None) -> None:
        """Take an object at the robot's place."""
        await self._carry_out(gateway_pb2.CommandRequest(grasp=gateway_pb2.GraspCommand(object=object_name)), deadline)

    async def release(self, deadline: Deadline | None = None) -> None:
        """Put down what it holds."""
        await self._carry_out(gateway_pb2.CommandRequest(release=gateway_pb2.ReleaseCommand()), deadline)

    async def stop(self) -> None:
        """Cancel whatever it does; returns when odometry shows rest. Raises `UnavailableError` where it does not."""
        if not await self._gateway.stop(self._issuer):
            raise UnavailableError(f"{self._gateway.robot} is not known to rest", remedy="look after it at once")

    async def _carry_out(self, request: gateway_pb2.CommandRequest, deadline: Deadline | None) -> None:
        if deadline is not None:
            request.deadline.CopyFrom(self._gateway.to_wire(deadline))
        request.issuer = self._issuer
        request.avoid.extend(self._avoid)
        request.closed.extend(self._closed)
        async for _ in self._gateway.command(request):
            pass


def _state(message: gateway_pb2.RobotState) -> GatewayState:
    problem = error_from_problem(message.problem) if message.HasField("problem") else None
    return GatewayState(robot_state_from_proto(message), message.accepting, problem)


def _ended(answer: gateway_pb2.CommandResponse) -> RoostError:
    otherwise: type[RoostError] = CommandFailedError
    if answer.problem.reason == _SILENT:
        otherwise = UnavailableError
    elif answer.state == gateway_pb2.COMMAND_STATE_REFUSED:
        otherwise = RefusedError
    return error_from_problem(answer.problem, otherwise, failed_passage=answer.failed_passage)
