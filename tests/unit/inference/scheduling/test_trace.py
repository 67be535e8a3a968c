"""The bounded ring of decisions."""

from __future__ import annotations

from roost_inference.scheduling.policy import TimerFired, WakeAt
from roost_inference.scheduling.trace import DecisionTrace, TraceRecord


def test_the_oldest_records_are_lost_and_counted() -> None:
    trace = DecisionTrace(capacity=2)
    for now_ns in range(5):
        trace.record(TimerFired(now_ns), [WakeAt(now_ns + 1)])
    assert trace.records() == (TraceRecord(3, TimerFired(3), (WakeAt(4),)), TraceRecord(4, TimerFired(4), (WakeAt(5),)))
    assert trace.lost == 3
