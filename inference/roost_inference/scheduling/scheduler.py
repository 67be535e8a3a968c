"""Policy, ledger and trace as one: what a driver holds, live or on a virtual clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roost_inference.scheduling.ledger import Ledger, ModelCounts
from roost_inference.scheduling.policy import (
    CloudFinished,
    Decision,
    Drop,
    EdgeFinished,
    Event,
    Policy,
    Queued,
    SendToCloud,
    StartOnEdge,
    TaskArrived,
)
from roost_inference.scheduling.trace import DecisionTrace
from roost_inference.task import ModelProfile, Place, TaskOutcome


@dataclass(frozen=True, slots=True)
class Step:
    """What one event led to: what to do, and which tasks have ended by it."""

    decisions: list[Decision]
    outcomes: list[TaskOutcome]


class Scheduler:
    """Hands each event to the policy, and books and records what follows."""

    def __init__(self, policy: Policy, profiles: Mapping[str, ModelProfile], trace_capacity: int = 4096) -> None:
        self._policy = policy
        self._ledger = Ledger(profiles)
        self.trace = DecisionTrace(trace_capacity)

    def handle(self, event: Event) -> Step:
        """Decide on one event.

        Raises `LedgerError` where the driver or the policy loses a task or ends it twice.
        """
        ledger = self._ledger
        outcomes: list[TaskOutcome] = []
        if isinstance(event, TaskArrived):
            ledger.arrived(event.task)
        elif isinstance(event, EdgeFinished | CloudFinished):
            outcomes.append(ledger.finished(event.task_id, event.now_ns))
        decisions = self._policy.decide(event)
        for decision in decisions:
            if isinstance(decision, StartOnEdge):
                ledger.started(decision.task_id, Place.EDGE, event.now_ns, stolen=decision.stolen)
            elif isinstance(decision, SendToCloud):
                ledger.started(decision.task_id, Place.CLOUD, event.now_ns)
            elif isinstance(decision, Drop):
                outcomes.append(ledger.dropped(decision.task_id, decision.reason))
            elif isinstance(decision, Queued) and decision.migrated:
                ledger.migrated(decision.task_id)
        self.trace.record(event, decisions)
        return Step(decisions, outcomes)

    @property
    def open_tasks(self) -> Iterable[int]:
        """The tasks that have not ended."""
        return self._ledger.open_tasks

    def counts(self) -> dict[str, ModelCounts]:
        """Every model's counts, by name."""
        return self._ledger.counts()


def replay(policy: Policy, events: Iterable[Event]) -> list[list[Decision]]:
    """What a fresh policy decides on recorded events: the same as was recorded, or the policy has changed."""
    return [policy.decide(event) for event in events]
