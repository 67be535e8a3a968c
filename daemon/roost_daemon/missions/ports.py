"""What the runner needs of others: robots that can be followed and stopped, and hosts that run skills."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from roost.clock import Deadline
from roost.errors import RoostError
from roost.robot import RobotState
from roost_daemon.planning.plan import PlannedStep


class RunCancelledError(RoostError):
    """A skill's run was cancelled from outside: its process was told to end, or somebody else stopped the robot."""

    reason = "RUN_CANCELLED"


@dataclass(frozen=True, slots=True)
class RobotReport:
    """A robot as its gateway sees it, whether it takes commands, and if not, why."""

    state: RobotState
    accepting: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StepOrder:
    """One step to be run for a mission, with the passages that are known to be closed, and its deadline."""

    mission_id: str
    step: PlannedStep
    closed: frozenset[str]
    deadline: Deadline | None


class Fleet(Protocol):
    """The robots of the site, through their gateways. Raises `roost.errors.UnavailableError` where one does not answer."""

    @property
    def robots(self) -> tuple[str, ...]:
        """Their names."""
        ...

    async def report(self, robot: str) -> RobotReport:
        """How a robot does now."""
        ...

    def watch(self, robot: str) -> AsyncIterator[RobotReport]:
        """How it does, as it changes."""
        ...

    async def stop(self, robot: str, reason: str) -> None:
        """Cancel whatever it does; returns when it rests."""
        ...


class SkillHosts(Protocol):
    """The processes that run skills, one per robot."""

    async def run(self, order: StepOrder, say: Callable[[str], Awaitable[None]]) -> Mapping[str, Any]:
        """Run a step to its end and return what it found; `say` hears what it does. Cancelling the caller cancels it.

        Raises the error that the skill failed with (a `roost.robot.CommandFailedError` may name a passage),
        `RunCancelledError`, and `roost.errors.UnavailableError` where the process is not there or dies.
        """
        ...

    async def wait_ready(self, robot: str) -> None:
        """Return when the host of this robot answers."""
        ...
