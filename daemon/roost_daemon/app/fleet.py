"""The robots of the daemon, seen and kept alive through their gateways.

One connection a robot: the heartbeat that lets it move, the stream of its state, and the order to stop. Whoever wants to
know how a robot does reads the newest report; nobody waits for a slow gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
import grpc
import structlog

from roost.client import CHANNEL_OPTIONS
from roost.clock import NANOSECONDS_PER_SECOND
from roost.errors import UnavailableError
from roost.v1 import gateway_pb2, gateway_pb2_grpc
from roost.wire import duration_to_proto, error_from_call, robot_state_from_proto
from roost_daemon.missions.ports import RobotReport

_BEATS_A_TIMEOUT = 5
# Often enough that no robot crosses a passage between two states.
_STATE_PERIOD_NS = NANOSECONDS_PER_SECOND // 10
_RETRY_S = 0.2
_CALL_LIMIT_S = 2.0
_STOP_LIMIT_S = 10.0


class _Robot:
    """One robot's connection, its newest report, and why there is none."""

    def __init__(self, name: str, socket: Path) -> None:
        self.name = name
        self.peer = f"the gateway of {name}"
        self.channel = grpc.aio.insecure_channel(f"unix:{socket}", options=CHANNEL_OPTIONS)
        self.stub: gateway_pb2_grpc.RobotGatewayServiceAsyncStub = gateway_pb2_grpc.RobotGatewayServiceStub(self.channel)
        self.report: RobotReport | None = None
        self.lost = UnavailableError(f"{self.peer} does not answer", remedy="it is being started")
        self.changed = anyio.Event()

    def publish(self, report: RobotReport | None, lost: UnavailableError | None = None) -> None:
        self.report, self.lost = report, lost or self.lost
        self.changed.set()
        self.changed = anyio.Event()


class GatewayFleet:
    """All robots of the site (a `roost_daemon.missions.ports.Fleet`). `run` it.

    sockets: of the gateways, by robot. fencing_token: larger than that of any earlier daemon of these robots.
    """

    def __init__(self, sockets: Mapping[str, Path], *, daemon: str, fencing_token: int, heartbeat_timeout_s: float) -> None:
        self._sockets = dict(sockets)
        self._robots: dict[str, _Robot] = {}
        self._beat = gateway_pb2.HeartbeatRequest(daemon=daemon, fencing_token=fencing_token)
        self._beat_period_s = heartbeat_timeout_s / _BEATS_A_TIMEOUT
        self._log = structlog.get_logger("robots")

    @property
    def robots(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._sockets)

    async def run(self) -> None:
        """Beat and listen until cancelled."""
        self._robots = {name: _Robot(name, socket) for name, socket in self._sockets.items()}
        try:
            async with anyio.create_task_group() as tasks:
                for robot in self._robots.values():
                    tasks.start_soon(self._keep_alive, robot, name=f"heartbeat {robot.name}")
                    tasks.start_soon(self._listen, robot, name=f"state {robot.name}")
        finally:
            with anyio.CancelScope(shield=True):
                for robot in self._robots.values():
                    await robot.channel.close(None)

    def newest(self) -> dict[str, RobotReport | None]:
        """The newest report of every robot; None where its gateway does not answer."""
        return {name: self._robots[name].report if name in self._robots else None for name in self._sockets}

    async def report(self, robot: str) -> RobotReport:
        """How a robot does now; raises as `missions.ports.Fleet` says."""
        known = self._known(robot)
        try:
            answer = await known.stub.GetState(gateway_pb2.GetStateRequest(), timeout=_CALL_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, known.peer) from error
        return _report(answer.state)

    async def watch(self, robot: str) -> AsyncIterator[RobotReport]:
        """How a robot does, as it changes; raises when its gateway stops answering."""
        known = self._known(robot)
        while True:
            changed = known.changed
            if known.report is None:
                raise known.lost
            yield known.report
            await changed.wait()

    async def stop(self, robot: str, reason: str) -> None:
        """Cancel whatever a robot does; returns when it rests."""
        known = self._known(robot)
        try:
            answer = await known.stub.Stop(gateway_pb2.StopRequest(reason=reason), timeout=_STOP_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            raise error_from_call(error, known.peer) from error
        if not answer.at_rest:
            raise UnavailableError(f"{robot} was told to stop, and odometry does not show rest", remedy="look at the robot")

    async def wait_accepting(self, robot: str) -> None:
        """Return when the robot's gateway accepts commands."""
        known = self._known(robot)
        while known.report is None or not known.report.accepting:
            await known.changed.wait()

    def _known(self, robot: str) -> _Robot:
        if robot not in self._robots:
            raise UnavailableError(f"the gateway of {robot} is not reached yet", remedy="wait until the daemon is ready")
        return self._robots[robot]

    async def _keep_alive(self, robot: _Robot) -> None:
        refused = False
        while True:
            try:
                await robot.stub.Heartbeat(self._beat, timeout=self._beat_period_s * 2)
                refused = False
            except grpc.aio.AioRpcError as error:
                problem = error_from_call(error, robot.peer)
                if not isinstance(problem, UnavailableError) and not refused:
                    refused = True
                    self._log.warning(f"{robot.peer} did not take our heartbeat: {problem}", robot=robot.name)
            await anyio.sleep(self._beat_period_s)

    async def _listen(self, robot: _Robot) -> None:
        request = gateway_pb2.WatchStateRequest(period=duration_to_proto(_STATE_PERIOD_NS))
        while True:
            try:
                async for answer in robot.stub.WatchState(request):
                    robot.publish(_report(answer.state))
            except grpc.aio.AioRpcError as error:
                robot.publish(None, UnavailableError(str(error_from_call(error, robot.peer))))
            await anyio.sleep(_RETRY_S)


def _report(state: gateway_pb2.RobotState) -> RobotReport:
    problem = f"{state.problem.message}; {state.problem.remedy}".rstrip("; ") if state.HasField("problem") else ""
    return RobotReport(robot_state_from_proto(state), state.accepting, problem)
