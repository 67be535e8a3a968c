"""The robots of the site over gRPC (a `ports.Fleet`): one gateway process per robot, one channel each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType

import grpc

from roost.client import CHANNEL_OPTIONS
from roost.clock import NANOSECONDS_PER_MILLISECOND
from roost.errors import UnavailableError, UnknownNameError
from roost.v1 import gateway_pb2, gateway_pb2_grpc
from roost.wire import duration_to_proto, error_from_call, error_from_problem, robot_state_from_proto
from roost_daemon.missions.ports import RobotReport

# Often enough that no robot crosses a room between two states: 1 m at 2 m/s takes 500 ms.
_PERIOD_NS = 100 * NANOSECONDS_PER_MILLISECOND
_ANSWER_LIMIT_S = 2.0
_REST_LIMIT_S = 20.0


class GrpcFleet:
    """Follows and stops robots through the gateways at these gRPC addresses, by robot. An async context manager."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._newest: dict[str, RobotReport | None] = dict.fromkeys(self._addresses)

    async def __aenter__(self) -> GrpcFleet:
        for robot, address in self._addresses.items():
            self._channels[robot] = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for channel in self._channels.values():
            await channel.close(None)

    @property
    def robots(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._addresses)

    def newest(self) -> dict[str, RobotReport | None]:
        """What each gateway said last, to whoever asked or watched; None where it did not answer."""
        return dict(self._newest)

    async def report(self, robot: str) -> RobotReport:
        """How a robot does now."""
        try:
            answer = await self._stub(robot).GetState(gateway_pb2.GetStateRequest(), timeout=_ANSWER_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            self._newest[robot] = None
            raise error_from_call(error, _peer(robot)) from error
        return self._note(answer.state)

    async def watch(self, robot: str) -> AsyncIterator[RobotReport]:
        """How it does, as it changes."""
        call = self._stub(robot).WatchState(gateway_pb2.WatchStateRequest(period=duration_to_proto(_PERIOD_NS)))
        try:
            async for answer in call:
                yield self._note(answer.state)
        except grpc.aio.AioRpcError as error:
            self._newest[robot] = None
            raise error_from_call(error, _peer(robot)) from error
        finally:
            call.cancel()
        self._newest[robot] = None
        raise UnavailableError(f"{_peer(robot)} has ended", remedy="its log says why")

    async def stop(self, robot: str, reason: str) -> None:
        """Cancel whatever it does; returns when it rests. Raises `UnavailableError` where odometry does not show rest."""
        try:
            answer = await self._stub(robot).Stop(gateway_pb2.StopRequest(reason=reason), timeout=_REST_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, _peer(robot)) from error
        if not answer.at_rest:
            raise UnavailableError(f"{robot} was told to stop, but odometry does not show rest", remedy="look at the robot")

    def _note(self, state: gateway_pb2.RobotState) -> RobotReport:
        problem = str(error_from_problem(state.problem)) if state.HasField("problem") else ""
        report = self._newest[state.robot] = RobotReport(robot_state_from_proto(state), state.accepting, problem)
        return report

    def _stub(self, robot: str) -> gateway_pb2_grpc.RobotGatewayServiceAsyncStub:
        if robot not in self._channels:
            known = ", ".join(self._channels) or "none"
            raise UnknownNameError(f"there is no gateway for '{robot}'", remedy=f"known are {known}")
        return gateway_pb2_grpc.RobotGatewayServiceStub(self._channels[robot])


def _peer(robot: str) -> str:
    return f"the gateway of {robot}"
