"""Stamps, facts, and which of two holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roost_daemon.memory.fact import Fact, FactError, HybridLogicalClock, Stamp, merge

SIGN = Fact("sign/depot", "DEPOT3", "drone1", 100, Stamp(100, 0, "base"))


def test_the_later_stamp_wins_and_the_first_of_equals_stays() -> None:
    later = replace(SIGN, value="DEPOT4", stamp=Stamp(101, 0, "base"))
    assert merge(None, SIGN) is SIGN
    assert merge(SIGN, later) is merge(later, SIGN) is later
    assert merge(SIGN, replace(SIGN)) is SIGN


def test_at_one_instant_the_daemons_name_decides() -> None:
    other = replace(SIGN, value="DEPOT8", stamp=Stamp(100, 0, "carrier"))
    assert merge(SIGN, other) is merge(other, SIGN) is other


def test_an_expired_fact_still_wins_over_an_older_one() -> None:
    expired = replace(SIGN, stamp=Stamp(200, 0, "base"), expires_utc_ns=201)
    assert expired.expired(201)
    assert not expired.expired(200)
    assert merge(SIGN, expired) is expired


def test_stamps_follow_the_wall_clock_and_never_repeat_when_it_stands_or_steps_back() -> None:
    clock = HybridLogicalClock("base")
    assert [clock.tick(now) for now in (10, 10, 7, 11)] == [
        Stamp(10, 0, "base"),
        Stamp(10, 1, "base"),
        Stamp(10, 2, "base"),
        Stamp(11, 0, "base"),
    ]


def test_what_is_written_after_a_stamp_was_seen_is_later_even_with_a_wall_clock_that_is_behind() -> None:
    behind = HybridLogicalClock("base")
    behind.observe(Stamp(1_000, 5, "carrier"))
    assert behind.tick(10) == Stamp(1_000, 6, "base")
    assert behind.tick(2_000) == Stamp(2_000, 0, "base")


@pytest.mark.parametrize("key", ["", "/sign", "sign/", "sign//depot", "sign/#", "sign/+", "sign depot", "s" * 201, "säge"])
def test_a_key_must_be_able_to_be_a_topic(key: str) -> None:
    with pytest.raises(FactError, match=r"is no key of a fact; join words of letters, digits, '_', '\.' and '-' by '/'"):
        replace(SIGN, key=key)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_is_from_zero_to_one(confidence: float) -> None:
    with pytest.raises(FactError, match=f"the confidence of 'sign/depot' is {confidence}; give a number from 0 to 1"):
        replace(SIGN, confidence=confidence)
