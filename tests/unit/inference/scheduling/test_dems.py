"""DEMS, decision by decision. Times in milliseconds; the edge and the cloud do nothing by themselves here."""

from __future__ import annotations

import pytest

from roost_inference.scheduling.dems import Dems
from roost_inference.scheduling.policy import (
    CloudFailed,
    CloudFinished,
    Decision,
    Drop,
    EdgeFailed,
    EdgeFinished,
    Queued,
    SendToCloud,
    ShutdownRequested,
    StartOnEdge,
    TargetHealthChanged,
    TaskArrived,
    TimerFired,
    WakeAt,
)
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Place

MS = 1_000_000


def profile(
    name: str, *, edge_ms: int, cloud_ms: int = 100, benefit: float = 100, edge_cost: float = 1, cloud_cost: float = 26
) -> ModelProfile:
    return ModelProfile(name, benefit, edge_cost, cloud_cost, edge_ms * MS, cloud_ms * MS, 500 * MS)


PROFILES = {
    known.name: known
    for known in (
        profile("detector", edge_ms=20),
        profile("short", edge_ms=5),
        profile("long", edge_ms=60),
        profile("precious", edge_ms=20, benefit=500, cloud_ms=10_000),
        profile("local", edge_ms=20, benefit=40, edge_cost=2, cloud_cost=43),
        profile("local_short", edge_ms=5, benefit=40, edge_cost=2, cloud_cost=43),
    )
}


class Driver:
    """Feeds events to a policy by short calls, and gives back what it decided, without the timers."""

    def __init__(self, cloud_slots: int = 2) -> None:
        self.policy = Dems(PROFILES, cloud_slots)
        self.wake_ms: float | None = None

    def arrive(self, now_ms: float, task_id: int, model: str, deadline_ms: float) -> list[Decision]:
        task = InferenceTask(task_id, model, round(now_ms * MS), round(deadline_ms * MS))
        return self._done(self.policy.decide(TaskArrived(task.release_ns, task)))

    def edge_finished(self, now_ms: float, task_id: int) -> list[Decision]:
        return self._done(self.policy.decide(EdgeFinished(round(now_ms * MS), task_id)))

    def edge_failed(self, now_ms: float, task_id: int, reason: DropReason) -> list[Decision]:
        return self._done(self.policy.decide(EdgeFailed(round(now_ms * MS), task_id, reason)))

    def cloud_finished(self, now_ms: float, task_id: int) -> list[Decision]:
        return self._done(self.policy.decide(CloudFinished(round(now_ms * MS), task_id)))

    def cloud_failed(self, now_ms: float, task_id: int, reason: DropReason) -> list[Decision]:
        return self._done(self.policy.decide(CloudFailed(round(now_ms * MS), task_id, reason)))

    def health(self, now_ms: float, place: Place, healthy: bool) -> list[Decision]:
        return self._done(self.policy.decide(TargetHealthChanged(round(now_ms * MS), place, healthy)))

    def tick(self, now_ms: float) -> list[Decision]:
        return self._done(self.policy.decide(TimerFired(round(now_ms * MS))))

    def shutdown(self, now_ms: float) -> list[Decision]:
        return self._done(self.policy.decide(ShutdownRequested(round(now_ms * MS))))

    def _done(self, decisions: list[Decision]) -> list[Decision]:
        for decision in decisions:
            if isinstance(decision, WakeAt):
                self.wake_ms = decision.at_ns / MS
        return [decision for decision in decisions if not isinstance(decision, WakeAt)]


def on_edge(task_id: int) -> Queued:
    return Queued(task_id, Place.EDGE, migrated=False)


def for_cloud(task_id: int, *, migrated: bool = False) -> Queued:
    return Queued(task_id, Place.CLOUD, migrated)


def test_a_task_that_finds_the_edge_idle_starts_at_once() -> None:
    assert Driver().arrive(0, 1, "detector", 100) == [on_edge(1), StartOnEdge(1, stolen=False)]


def test_the_edge_runs_one_task_at_a_time_and_the_earliest_absolute_deadline_next() -> None:
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    assert driver.arrive(1, 2, "detector", 400) == [on_edge(2)]
    assert driver.arrive(2, 3, "short", 300) == [on_edge(3)]
    assert driver.edge_finished(18, 1) == [StartOnEdge(3, stolen=False)]
    assert driver.edge_finished(23, 3) == [StartOnEdge(2, stolen=False)]


def test_tasks_with_equal_deadlines_run_in_order_of_arrival() -> None:
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    driver.arrive(1, 2, "detector", 400)
    driver.arrive(1, 3, "detector", 400)
    assert driver.edge_finished(20, 1) == [StartOnEdge(2, stolen=False)]


def test_what_the_edge_cannot_do_in_time_waits_for_its_trigger_and_is_sent_then() -> None:
    # Given an edge that has work for 120 ms, and a task that would have to start there within 110
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 170)
    # When the cloud needs 100 ms, and the trigger lies one and a half times that before the deadline
    assert driver.arrive(0, 3, "long", 170) == [for_cloud(3)]
    # Then it is not sent before that instant, and then it is
    assert driver.wake_ms == 20
    assert driver.tick(19.9) == []
    assert driver.tick(20) == [SendToCloud(3)]
    assert driver.cloud_finished(90, 3) == []


def test_a_task_whose_trigger_is_past_but_whose_cloud_time_still_fits_is_sent_at_once() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "long", 110) == [for_cloud(2), SendToCloud(2)]


def test_a_task_that_no_place_can_do_in_time_is_dropped_on_arrival() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "detector", 70) == [Drop(2, DropReason.NO_TIME)]


def test_a_task_on_which_the_cloud_would_lose_is_kept_for_stealing_and_dropped_when_the_edge_would_be_too_late() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "local", 70) == [for_cloud(2)]
    assert driver.tick(50) == []
    assert driver.tick(50.1) == [Drop(2, DropReason.NO_VALUE)]


def test_an_insertion_moves_out_those_that_would_miss_if_they_are_worth_less() -> None:
    # Given two tasks that just fit behind the running one, each worth 25 more on the edge than in the cloud
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    assert driver.arrive(0, 2, "long", 150) == [on_edge(2)]
    assert driver.arrive(0, 3, "long", 145) == [on_edge(3)]
    # When one comes that goes before them and is lost without the edge
    decisions = driver.arrive(0, 4, "precious", 100)
    # Then only the one that would miss migrates; its trigger has come already
    assert decisions == [on_edge(4), for_cloud(2, migrated=True), SendToCloud(2)]


def test_an_insertion_that_would_cost_more_than_it_brings_goes_to_the_cloud_instead() -> None:
    # Given a task that just fits and would lose 38 without the edge
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 130)
    assert driver.arrive(0, 3, "local", 145) == [on_edge(3)]
    # When one comes that goes before it but would lose only 25
    decisions = driver.arrive(0, 4, "detector", 140)
    # Then the newcomer goes
    assert decisions == [for_cloud(4), SendToCloud(4)]


def test_an_insertion_that_would_bring_no_more_than_it_costs_goes_to_the_cloud_too() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "detector", 150) == [on_edge(2)]
    assert driver.arrive(0, 3, "long", 149) == [on_edge(3)]
    assert driver.arrive(0, 4, "detector", 148) == [for_cloud(4), SendToCloud(4)]


def test_the_first_task_behind_an_insertion_is_looked_at_too() -> None:
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    driver.arrive(0, 2, "local", 41)
    assert driver.arrive(0, 3, "precious", 40) == [on_edge(3), for_cloud(2, migrated=True)]


def test_a_task_that_misses_anyway_is_nobodys_victim() -> None:
    # Given a run that takes far longer than expected, so that a precious task behind it is lost
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    driver.arrive(0, 2, "precious", 45)
    # When a task comes that goes before it and is worth less
    decisions = driver.arrive(38, 3, "local_short", 44)
    # Then it is taken, and the lost one makes room
    assert decisions == [on_edge(3), Drop(2, DropReason.NO_TIME)]


def test_just_before_its_start_a_task_that_can_no_longer_be_in_time_is_dropped() -> None:
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    driver.arrive(0, 2, "detector", 45)
    assert driver.edge_finished(26, 1) == [Drop(2, DropReason.EXPIRED_ON_EDGE)]


def test_an_idle_edge_steals_what_waits_for_its_trigger() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "detector", 79) == [Drop(2, DropReason.NO_TIME)]
    assert driver.arrive(0, 3, "local", 79) == [for_cloud(3)]
    # The run ends 5 ms sooner than expected: now there is time.
    assert driver.edge_finished(55, 1) == [StartOnEdge(3, stolen=True)]


def test_stealing_takes_first_what_the_cloud_would_lose_on_and_then_by_gain_for_edge_time() -> None:
    driver = Driver()
    driver.health(0, Place.EDGE, False)
    driver.arrive(0, 1, "detector", 400)
    driver.arrive(0, 2, "short", 400)
    driver.arrive(0, 3, "local", 400)
    assert driver.health(1, Place.EDGE, True) == [StartOnEdge(3, stolen=True)]
    assert driver.edge_finished(10, 3) == [StartOnEdge(2, stolen=True)]
    assert driver.edge_finished(15, 2) == [StartOnEdge(1, stolen=True)]


def test_stealing_leaves_the_queue_in_time() -> None:
    # Given a queue whose head may wait 10 ms, and a task to steal that needs 20
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "detector", 80)
    assert driver.arrive(0, 3, "local", 79) == [for_cloud(3)]
    # When the edge is free 10 ms early
    # Then the head goes first, for the other would make it late
    assert driver.edge_finished(50, 1) == [StartOnEdge(2, stolen=False)]


def test_a_short_task_is_stolen_into_the_slack_of_the_queue() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "detector", 80)
    assert driver.arrive(0, 3, "local_short", 64) == [for_cloud(3)]
    assert driver.edge_finished(50, 1) == [StartOnEdge(3, stolen=True)]
    assert driver.edge_finished(55, 3) == [StartOnEdge(2, stolen=False)]


def test_with_all_slots_taken_a_task_waits_until_it_can_no_longer_be_in_time() -> None:
    driver = Driver(cloud_slots=1)
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "long", 110) == [for_cloud(2), SendToCloud(2)]
    assert driver.arrive(1, 3, "long", 113) == [for_cloud(3)]
    assert driver.wake_ms is not None and 13 < driver.wake_ms < 13.1
    assert driver.tick(13) == []
    assert driver.tick(13.1) == [Drop(3, DropReason.CLOUD_BUSY)]


def test_a_slot_that_becomes_free_serves_the_next_whose_trigger_has_come() -> None:
    driver = Driver(cloud_slots=1)
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 110)
    driver.arrive(1, 3, "long", 113)
    assert driver.cloud_finished(10, 2) == [SendToCloud(3)]


@pytest.mark.parametrize("reason", [DropReason.CLOUD_BUSY, DropReason.CLOUD_UNREACHABLE, DropReason.CLOUD_ERROR])
def test_a_cloud_failure_falls_back_to_the_edge_where_that_is_still_in_time(reason: DropReason) -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "long", 110) == [for_cloud(2), SendToCloud(2)]
    driver.edge_finished(40, 1)
    assert driver.cloud_failed(50, 2, reason) == [on_edge(2), StartOnEdge(2, stolen=False)]


@pytest.mark.parametrize("reason", [DropReason.CLOUD_BUSY, DropReason.CLOUD_UNREACHABLE, DropReason.CLOUD_ERROR])
def test_a_cloud_failure_with_no_time_left_on_the_edge_is_the_reason_of_the_drop(reason: DropReason) -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 110)
    assert driver.cloud_failed(5, 2, reason) == [Drop(2, reason)]


def test_a_task_that_has_failed_in_the_cloud_does_not_go_there_again() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 160)
    assert driver.arrive(0, 3, "long", 165) == [for_cloud(3)]
    assert driver.tick(15) == [SendToCloud(3)]
    driver.edge_finished(20, 1)
    assert driver.cloud_failed(21, 3, DropReason.CLOUD_BUSY) == [on_edge(3)]
    assert driver.health(22, Place.EDGE, False) == [Drop(3, DropReason.ENGINE_ERROR)]


def test_bad_input_is_dropped_wherever_it_is_found() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 110)
    assert driver.cloud_failed(5, 2, DropReason.BAD_INPUT) == [Drop(2, DropReason.BAD_INPUT)]
    assert driver.edge_failed(6, 1, DropReason.BAD_INPUT) == [Drop(1, DropReason.BAD_INPUT)]


def test_what_fails_on_the_edge_may_still_go_to_the_cloud_but_not_to_the_edge_again() -> None:
    driver = Driver()
    driver.arrive(0, 1, "detector", 500)
    assert driver.edge_failed(5, 1, DropReason.ENGINE_ERROR) == [for_cloud(1)]
    assert driver.tick(350) == [SendToCloud(1)]


def test_what_fails_on_the_edge_with_no_time_for_the_cloud_is_dropped_as_an_engine_error() -> None:
    driver = Driver()
    driver.arrive(0, 1, "precious", 500)
    assert driver.edge_failed(5, 1, DropReason.ENGINE_ERROR) == [Drop(1, DropReason.ENGINE_ERROR)]


def test_with_the_cloud_down_tasks_go_to_the_edge_or_are_dropped() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 170)
    assert driver.arrive(0, 3, "long", 170) == [for_cloud(3)]
    assert driver.health(1, Place.CLOUD, False) == [Drop(3, DropReason.CLOUD_UNREACHABLE)]
    assert driver.arrive(2, 4, "long", 170) == [Drop(4, DropReason.NO_TIME)]
    assert driver.arrive(2, 5, "long", 500) == [on_edge(5)]
    driver.health(3, Place.CLOUD, True)
    assert driver.arrive(4, 6, "long", 170) == [for_cloud(6)]


def test_with_the_edge_down_tasks_go_to_the_cloud_or_wait_for_its_return() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "detector", 400)
    driver.arrive(0, 3, "precious", 400)
    assert driver.health(1, Place.EDGE, False) == [for_cloud(2), Drop(3, DropReason.ENGINE_ERROR)]
    assert driver.arrive(2, 4, "local", 100) == [for_cloud(4)]
    assert driver.tick(80.1) == [Drop(4, DropReason.ENGINE_ERROR)]


def test_without_a_cloud_nothing_is_sent() -> None:
    driver = Driver(cloud_slots=0)
    driver.arrive(0, 1, "long", 500)
    assert driver.arrive(0, 2, "long", 110) == [Drop(2, DropReason.NO_TIME)]


def test_shutdown_ends_everything_and_takes_nothing_more() -> None:
    driver = Driver()
    driver.arrive(0, 1, "long", 500)
    driver.arrive(0, 2, "long", 110)
    driver.arrive(0, 3, "detector", 400)
    driver.arrive(0, 4, "local", 79)
    dropped = driver.shutdown(5)
    assert sorted(dropped, key=lambda decision: decision.task_id if isinstance(decision, Drop) else -1) == [
        Drop(task_id, DropReason.SHUTDOWN) for task_id in (1, 2, 3, 4)
    ]
    assert driver.arrive(6, 5, "detector", 400) == [Drop(5, DropReason.SHUTDOWN)]


def test_a_task_with_more_time_than_its_slow_model_asks_for_is_sent_well_before_the_last_instant() -> None:
    driver = Driver()
    driver.health(0, Place.EDGE, healthy=False)
    driver.arrive(0, 1, "precious", 20_000)

    assert driver.tick(4_999) == []
    assert driver.tick(5_000) == [SendToCloud(1)]
