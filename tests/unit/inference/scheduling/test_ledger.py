"""The books."""

from __future__ import annotations

import pytest

from roost_inference.scheduling.ledger import LatencyHistogram, Ledger, LedgerError
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Outcome, Place

MS = 1_000_000
PROFILE = ModelProfile(
    "detector", benefit=100, edge_cost=1, cloud_cost=26, edge_time_ns=20 * MS, cloud_time_ns=1, deadline_ns=1
)


def task(task_id: int) -> InferenceTask:
    return InferenceTask(task_id, "detector", 0, 100 * MS)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger({"detector": PROFILE})


def test_a_run_in_time_earns_benefit_less_cost_of_its_place(ledger: Ledger) -> None:
    for task_id, place in ((1, Place.EDGE), (2, Place.CLOUD)):
        ledger.arrived(task(task_id))
        ledger.started(task_id, place, 10 * MS)
    edge, cloud = ledger.finished(1, 100 * MS), ledger.finished(2, 90 * MS)
    assert (edge.outcome, edge.utility, edge.start_ns, edge.finish_ns) == (Outcome.ON_TIME, 99, 10 * MS, 100 * MS)
    assert (cloud.outcome, cloud.utility) == (Outcome.ON_TIME, 74)
    counts = ledger.counts()["detector"]
    assert (counts.on_time_edge, counts.on_time_cloud, counts.utility) == (1, 1, 173)


def test_a_late_run_costs_and_counts_as_late(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    ledger.started(1, Place.CLOUD, 10 * MS)
    assert ledger.finished(1, 101 * MS).utility == -26
    assert ledger.counts()["detector"].late == 1


def test_a_drop_earns_nothing_and_counts_under_its_reason(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    outcome = ledger.dropped(1, DropReason.NO_TIME)
    assert (outcome.outcome, outcome.place, outcome.reason, outcome.utility) == (
        Outcome.DROPPED,
        Place.NONE,
        DropReason.NO_TIME,
        0,
    )
    assert ledger.counts()["detector"].dropped == {"no_time": 1}


def test_a_task_that_has_not_ended_is_in_flight(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    ledger.started(1, Place.EDGE, 0)
    counts = ledger.counts()["detector"]
    assert (counts.generated, counts.in_flight) == (1, 1)


def test_a_stolen_run_counts_as_stolen_only_once_it_is_done(ledger: Ledger) -> None:
    for task_id in (1, 2):
        ledger.arrived(task(task_id))
        ledger.started(task_id, Place.EDGE, 0, stolen=True)
    assert ledger.counts()["detector"].stolen == 0
    ledger.finished(1, MS)
    ledger.dropped(2, DropReason.ENGINE_ERROR)
    assert ledger.counts()["detector"].stolen == 1


def test_a_task_that_fails_at_one_place_and_is_done_at_another_counts_for_the_second(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    ledger.started(1, Place.EDGE, 0, stolen=True)
    ledger.started(1, Place.CLOUD, 5 * MS)
    outcome = ledger.finished(1, 60 * MS)
    assert (outcome.place, outcome.stolen) == (Place.CLOUD, False)


def test_a_second_end_is_an_error(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    ledger.dropped(1, DropReason.NO_TIME)
    with pytest.raises(LedgerError, match="task 1 is not open: it never arrived, or has ended already"):
        ledger.dropped(1, DropReason.NO_TIME)


def test_a_second_arrival_and_an_end_without_a_start_are_errors(ledger: Ledger) -> None:
    ledger.arrived(task(1))
    with pytest.raises(LedgerError, match="task 1 arrived twice"):
        ledger.arrived(task(1))
    with pytest.raises(LedgerError, match="task 1 finished without having started"):
        ledger.finished(1, 0)


def test_percentiles_are_right_to_two_per_cent() -> None:
    histogram = LatencyHistogram()
    assert histogram.percentile_ms(0.5) == 0
    for latency_ms in range(1, 101):
        histogram.add(latency_ms * MS)
    assert histogram.percentile_ms(0.50) == pytest.approx(50, rel=0.02)
    assert histogram.percentile_ms(0.95) == pytest.approx(95, rel=0.02)
