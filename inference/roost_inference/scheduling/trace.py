"""The bounded ring of what was decided: the last events with their decisions, and how many older ones were lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from roost_inference.scheduling.policy import Decision, Event


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """One event and what the policy made of it. sequence counts from 0 over the policy's whole life."""

    sequence: int
    event: Event
    decisions: tuple[Decision, ...]


class DecisionTrace:
    """Keeps the last `capacity` records. The oldest are lost first, and counted."""

    def __init__(self, capacity: int) -> None:
        self._records: deque[TraceRecord] = deque(maxlen=capacity)
        self._recorded = 0

    def record(self, event: Event, decisions: list[Decision]) -> None:
        """Append one."""
        self._records.append(TraceRecord(self._recorded, event, tuple(decisions)))
        self._recorded += 1

    def records(self) -> tuple[TraceRecord, ...]:
        """What is kept, oldest first."""
        return tuple(self._records)

    @property
    def lost(self) -> int:
        """How many records are no longer kept."""
        return self._recorded - len(self._records)
