"""Serves the skill host's contract: one run at a time, streamed, and cancelled with its client, its deadline or the process.

A run lives in the task of its gRPC call: when the client goes away, gRPC cancels that task, and with it whatever the skill
awaits, down to the command at the robot's gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio
import grpc

from roost.clock import Clocks, Deadline, ns_to_seconds, seconds_to_ns
from roost.contract import SkillContract
from roost.errors import DeadlineExceededError, RefusedError, RoostError, UnknownNameError
from roost.robot import CommandFailedError, Robot
from roost.skill import Perception, Skill
from roost.v1 import skill_host_pb2, skill_host_pb2_grpc
from roost.wire import deadline_from_proto, problem_to_proto, problems_reported, struct_from_proto, struct_to_proto
from roost_skills.host.context import RunContext
from roost_skills.registry import SkillRegistry

RobotFactory: TypeAlias = "Callable[[RunScope], Robot]"
PerceptionFactory: TypeAlias = Callable[[Deadline], Perception]
_CallContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class BadArgumentsError(RefusedError):
    """A run was asked for with arguments that its skill does not declare, or without one that it does."""

    reason = "BAD_ARGUMENTS"


class BusyError(RefusedError):
    """The robot's host runs another skill."""

    reason = "BUSY"


@dataclass(frozen=True, slots=True)
class RunScope:
    """On whose behalf a run moves the robot: its issuer, the places to keep out of, the passages known to be closed."""

    issuer: str
    avoid: tuple[str, ...]
    closed: tuple[str, ...]


class SkillHostServicer(skill_host_pb2_grpc.SkillHostServiceServicer):
    """Runs the skills of one robot.

    robot_for, perception_for: make what a run may touch, for its scope and its deadline.
    """

    def __init__(
        self,
        robot: str,
        skills: SkillRegistry,
        clocks: Clocks,
        *,
        robot_for: RobotFactory,
        perception_for: PerceptionFactory,
    ) -> None:
        self._robot = robot
        self._skills = skills
        self._clocks = clocks
        self._robot_for = robot_for
        self._perception_for = perception_for
        self._running = ""
        self._scope: anyio.CancelScope | None = None

    def cancel(self) -> None:
        """Cancel the run that goes on, if one does; its client still hears that it was cancelled."""
        if self._scope is not None:
            self._scope.cancel()

    # Named by the contract; a coroutine that writes, not a generator, so that the run ends with the call's own task.
    async def RunSkill(  # type: ignore[override]
        self, request: skill_host_pb2.RunSkillRequest, context: _CallContext
    ) -> None:
        """Run one skill to its end."""
        async with problems_reported(context):
            skill, arguments = self._accept(request)
            self._running = request.skill
            try:
                last = await self._run(skill, arguments, request, context)
            finally:
                self._running, self._scope = "", None
            await context.write(last)

    def _accept(self, request: skill_host_pb2.RunSkillRequest) -> tuple[Skill, Mapping[str, str]]:
        if request.robot != self._robot:
            raise UnknownNameError(f"this host runs the skills of {self._robot}, not of '{request.robot}'")
        skill = self._skills.skill(request.skill)
        if self._running:
            raise BusyError(f"{self._robot} is busy with {self._running}", remedy="wait for its end, or cancel it")
        return skill, checked_arguments(skill.contract, struct_from_proto(request.arguments))

    async def _run(
        self,
        skill: Skill,
        arguments: Mapping[str, str],
        request: skill_host_pb2.RunSkillRequest,
        context: _CallContext,
    ) -> skill_host_pb2.RunSkillResponse:
        """Run it; the last message of the stream says how it ended."""
        contract = skill.contract
        deadline = Deadline.after(self._clocks, seconds_to_ns(contract.duration_bound_s))
        if request.HasField("deadline"):
            deadline = deadline.earlier(deadline_from_proto(request.deadline, self._clocks))

        async def say(message: str) -> None:
            await context.write(_response(skill_host_pb2.SKILL_STATE_RUNNING, message))

        scope = RunScope(request.issuer, tuple(request.avoid), tuple(request.closed))
        run_context = RunContext(self._robot_for(scope), self._perception_for(deadline), self._clocks, deadline, say)
        await say(f"{contract.name} begins")
        budget_s = max(0.0, ns_to_seconds(deadline.remaining_ns(self._clocks)))
        with anyio.move_on_after(budget_s) as self._scope:
            try:
                result = await skill.run(run_context, arguments)
            except RoostError as error:
                return _failure(error)
            response = _response(skill_host_pb2.SKILL_STATE_DONE, f"{contract.name} is done")
            response.result.CopyFrom(struct_to_proto(result))
            return response
        if deadline.remaining_ns(self._clocks) <= 0:
            return _failure(DeadlineExceededError(f"{contract.name} on {self._robot} was not done in {budget_s:.1f} s"))
        return _response(skill_host_pb2.SKILL_STATE_CANCELLED, f"{contract.name} was cancelled")


def checked_arguments(contract: SkillContract, given: Mapping[str, object]) -> Mapping[str, str]:
    """The arguments as the skill declares them: each there once, as text, and none besides.

    Raises `BadArgumentsError`.
    """
    declared = [parameter.name for parameter in (*contract.parameters, *contract.derived)]
    missing = [name for name in declared if name not in given]
    foreign = [name for name in given if name not in declared]
    if missing or foreign:
        parts = [f"lacks {_listed(missing)}"] * bool(missing) + [f"does not know {_listed(foreign)}"] * bool(foreign)
        raise BadArgumentsError(f"{contract.name} {' and '.join(parts)}", remedy=f"it takes {_listed(declared)}")
    return {name: str(given[name]) for name in declared}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _failure(error: RoostError) -> skill_host_pb2.RunSkillResponse:
    response = _response(skill_host_pb2.SKILL_STATE_FAILED, str(error))
    response.problem.CopyFrom(problem_to_proto(error))
    if isinstance(error, CommandFailedError):
        response.failed_passage = error.failed_passage
    return response


def _response(state: skill_host_pb2.SkillState.ValueType, message: str) -> skill_host_pb2.RunSkillResponse:
    return skill_host_pb2.RunSkillResponse(state=state, message=message)
