"""The skill hosts over gRPC: one process per robot, one channel each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import grpc

from roost.client import CHANNEL_OPTIONS
from roost.clock import Clocks
from roost.errors import UnavailableError, UnknownNameError
from roost.robot import CommandFailedError
from roost.v1 import skill_host_pb2, skill_host_pb2_grpc
from roost.wire import deadline_to_proto, error_from_call, error_from_problem, struct_from_proto, struct_to_proto
from roost_daemon.missions.ports import RunCancelledError, StepOrder


class GrpcSkillHosts:
    """Runs steps in the skill hosts at these gRPC addresses, by robot. An async context manager."""

    def __init__(self, addresses: Mapping[str, str], clocks: Clocks) -> None:
        self._addresses = dict(addresses)
        self._clocks = clocks
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> GrpcSkillHosts:
        for robot, address in self._addresses.items():
            self._channels[robot] = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for channel in self._channels.values():
            await channel.close(None)

    async def run(self, order: StepOrder, say: Callable[[str], Awaitable[None]]) -> Mapping[str, Any]:
        """Run a step to its end; see `roost_daemon.missions.ports.SkillHosts`."""
        step = order.step
        request = skill_host_pb2.RunSkillRequest(
            skill=step.skill,
            robot=step.robot,
            arguments=struct_to_proto(step.arguments),
            deadline=None if order.deadline is None else deadline_to_proto(order.deadline, self._clocks),
            issuer=f"{order.mission_id}/{step.node}",
            avoid=step.avoid,
            closed=sorted(order.closed),
        )
        stub: skill_host_pb2_grpc.SkillHostServiceAsyncStub
        stub = skill_host_pb2_grpc.SkillHostServiceStub(self._channel(step.robot))
        peer = f"the skill process of {step.robot}"
        call = stub.RunSkill(request)
        try:
            async for response in call:
                if response.state == skill_host_pb2.SKILL_STATE_RUNNING:
                    await say(response.message)
                elif response.state == skill_host_pb2.SKILL_STATE_DONE:
                    return struct_from_proto(response.result)
                elif response.state == skill_host_pb2.SKILL_STATE_FAILED:
                    raise error_from_problem(response.problem, CommandFailedError, failed_passage=response.failed_passage)
                else:
                    raise RunCancelledError(f"{peer} was told to stop while {step.skill} ran")
        except grpc.aio.AioRpcError as failure:
            error = error_from_call(failure, peer)
            if isinstance(error, UnavailableError):
                error = UnavailableError(f"{peer} ended while {step.skill} ran", remedy=error.remedy)
            raise error from failure
        finally:
            call.cancel()
        raise UnavailableError(f"{peer} ended {step.skill} without saying how")

    async def wait_ready(self, robot: str) -> None:
        """Return when the host of this robot answers."""
        await self._channel(robot).channel_ready()

    def _channel(self, robot: str) -> grpc.aio.Channel:
        if robot not in self._channels:
            raise UnknownNameError(
                f"there is no skill process for '{robot}'", remedy=f"there are {', '.join(self._channels)}"
            )
        return self._channels[robot]
