"""When a target is left alone, and for how long."""

from __future__ import annotations

from roost_inference.health import TargetHealth

MS = 1_000_000


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    health = TargetHealth(limit=2)
    assert health.failed("gone") is None
    assert health.succeeded() is False
    assert health.failed("gone") is None
    assert health.failed("gone") == 250 * MS
    assert (health.healthy, health.message) == (False, "gone")


def test_each_failed_trial_doubles_the_time_up_to_five_seconds() -> None:
    health = TargetHealth(limit=3)
    for _ in range(2):
        health.failed("gone")
    waits_ms = []
    for _ in range(7):
        back_off_ns = health.failed("gone")
        assert back_off_ns is not None
        waits_ms.append(back_off_ns // MS)
        health.on_trial()
    assert waits_ms == [250, 500, 1000, 2000, 4000, 5000, 5000]


def test_stragglers_that_fail_while_it_is_left_alone_change_nothing() -> None:
    health = TargetHealth(limit=1)
    assert health.failed("gone") == 250 * MS
    assert health.failed("also gone") is None
    assert health.message == "gone"


def test_a_successful_trial_closes_it() -> None:
    health = TargetHealth(limit=1)
    health.failed("gone")
    health.on_trial()
    assert health.succeeded() is True
    assert (health.healthy, health.message) == (True, "")
    assert health.failed("gone") == 250 * MS
