"""The words between a policy and whoever drives it: events in, decisions out, and the protocol itself.

Every event carries the instant at which it happened (`now_ns`, monotonic or virtual); the events of one driver never go
back in time. A driver does what the decisions say, in their order, and adds no decision of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from roost_inference.task import DropReason, InferenceTask, Place


@dataclass(frozen=True, slots=True)
class TaskArrived:
    """A task was made. Its release may lie before `now_ns` (a chained task is released with its frame)."""

    now_ns: int
    task: InferenceTask


@dataclass(frozen=True, slots=True)
class EdgeFinished:
    """The edge has done the task that it ran, in time or not, and is free."""

    now_ns: int
    task_id: int


@dataclass(frozen=True, slots=True)
class EdgeFailed:
    """The edge could not do the task that it ran (`ENGINE_ERROR`, `BAD_INPUT`), and is free."""

    now_ns: int
    task_id: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class CloudFinished:
    """The cloud has done a task, in time or not."""

    now_ns: int
    task_id: int


@dataclass(frozen=True, slots=True)
class CloudFailed:
    """The cloud has not done a task (`CLOUD_BUSY`, `CLOUD_UNREACHABLE`, `CLOUD_ERROR`, `BAD_INPUT`)."""

    now_ns: int
    task_id: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class TimerFired:
    """An instant that a `WakeAt` asked for has come. One too many or too early does no harm."""

    now_ns: int


@dataclass(frozen=True, slots=True)
class TargetHealthChanged:
    """A place takes work again, or no longer."""

    now_ns: int
    place: Place
    healthy: bool


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """No more work: everything that waits or runs ends now. The last event."""

    now_ns: int


Event: TypeAlias = (
    TaskArrived
    | EdgeFinished
    | EdgeFailed
    | CloudFinished
    | CloudFailed
    | TimerFired
    | TargetHealthChanged
    | ShutdownRequested
)


@dataclass(frozen=True, slots=True)
class StartOnEdge:
    """Run the task on the edge now. stolen: an idle edge took it out of the cloud's queue."""

    task_id: int
    stolen: bool


@dataclass(frozen=True, slots=True)
class SendToCloud:
    """Call the cloud with the task now."""

    task_id: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The task ends here; nothing of it runs any more."""

    task_id: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Queued:
    """The task waits for a place. Nothing to do; for the record.

    migrated: it was moved out of the edge's queue for a task that is worth more there.
    """

    task_id: int
    place: Place
    migrated: bool


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send a `TimerFired` at that instant. It replaces the instant asked for before."""

    at_ns: int


Decision: TypeAlias = StartOnEdge | SendToCloud | Drop | Queued | WakeAt


class Policy(Protocol):
    """Decides which task runs where, and when.

    Holds: the edge runs one task at a time and never two; every task that arrived gets, sooner or later, either one
    finished run or one `Drop`, and never both; equal events give equal decisions.
    """

    def decide(self, event: Event) -> list[Decision]:
        """What follows from the event."""
        ...
