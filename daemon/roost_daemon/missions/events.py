"""What can happen to a mission, as plain data that JSON can hold.

Some events are told to the mission (a step ended, a robot moved, somebody cancels), the others are its own decisions (start
a step, give one up, end). All of them are journaled, so that the same events make the same mission again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import TypeAdapter

from roost.errors import RoostError
from roost_daemon.brain.tree import TaskTree
from roost_daemon.planning.plan import Plan, PlannedStep

_TREE = TypeAdapter(TaskTree)
_STEPS = TypeAdapter(tuple[PlannedStep, ...])


class Kind(str, Enum):
    """What happened."""

    SUBMITTED = "submitted"
    REFUSED = "refused"
    PLANNED = "planned"
    STEP_STARTED = "step_started"
    STEP_PROGRESS = "step_progress"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    STEP_CANCELLED = "step_cancelled"
    REPAIRED = "repaired"
    GIVEN_UP = "given_up"
    """A step failed for good."""
    MOVED = "moved"
    """A robot entered or left a place, by its odometry."""
    VERDICT = "verdict"
    CANCEL_REQUESTED = "cancel_requested"
    DEADLINE_PASSED = "deadline_passed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


ENDINGS = frozenset({Kind.REFUSED, Kind.SUCCEEDED, Kind.FAILED, Kind.CANCELLED, Kind.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something did not happen: the stable name of the reason, what and where, what to do."""

    reason: str
    message: str
    remedy: str = ""

    @classmethod
    def of(cls, error: RoostError) -> Problem:
        """The problem that an error describes."""
        return cls(error.reason, error.message, error.remedy)

    def to_data(self) -> dict[str, str]:
        """The problem as JSON holds it."""
        return {"reason": self.reason, "message": self.message, "remedy": self.remedy}

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens, before it has a number and a time. node: the step that it concerns; data: JSON values."""

    kind: Kind
    message: str
    node: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MissionEvent:
    """Something that happened: its number within the mission from 1, and when, in nanoseconds since 1970 (UTC)."""

    sequence: int
    time_utc_ns: int
    kind: Kind
    message: str
    node: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def tree_to_data(tree: TaskTree) -> dict[str, Any]:
    """A task tree as JSON holds it."""
    data: dict[str, Any] = _TREE.dump_python(tree, mode="json")
    return data


def tree_from_data(data: Mapping[str, Any]) -> TaskTree:
    """A task tree from JSON."""
    return _TREE.validate_python(data)


def plan_to_data(plan: Plan) -> dict[str, Any]:
    """A plan as JSON holds it."""
    return {"steps": _STEPS.dump_python(plan.steps, mode="json"), "closed": sorted(plan.closed)}


def plan_from_data(data: Mapping[str, Any]) -> Plan:
    """A plan from JSON."""
    return Plan(_STEPS.validate_python(data["steps"]), frozenset(data["closed"]))
