"""One owner at a time: the one with the largest fencing token, as long as it is heard."""

from __future__ import annotations

import pytest

from roost_daemon.robots.heartbeat import FencedError, Heartbeats

S = 1_000_000_000


@pytest.fixture
def heartbeats() -> Heartbeats:
    return Heartbeats("drone1", timeout_ns=1 * S, first_timeout_ns=15 * S, began_ns=100 * S)


def test_silence_longer_than_the_timeout_is_loss(heartbeats: Heartbeats) -> None:
    heartbeats.beat("edge1", 1, 101 * S)
    assert not heartbeats.lost(102 * S)
    assert heartbeats.lost(102 * S + 1)


def test_the_first_beat_may_take_longer_but_not_for_ever(heartbeats: Heartbeats) -> None:
    assert heartbeats.age_ns(110 * S) is None
    assert not heartbeats.lost(115 * S)
    assert heartbeats.lost(115 * S + 1)


def test_a_larger_token_takes_the_robot_over(heartbeats: Heartbeats) -> None:
    assert not heartbeats.beat("edge1", 1, 101 * S)
    assert heartbeats.beat("edge2", 2, 101 * S)
    assert not heartbeats.beat("edge2", 2, 102 * S)


@pytest.mark.parametrize(("daemon", "token"), [("edge1", 1), ("edge3", 1), ("edge3", 2)])
def test_an_owner_that_was_replaced_is_fenced_off(heartbeats: Heartbeats, daemon: str, token: int) -> None:
    heartbeats.beat("edge1", 1, 101 * S)
    heartbeats.beat("edge2", 2, 101 * S)
    with pytest.raises(FencedError) as caught:
        heartbeats.beat(daemon, token, 102 * S)
    assert caught.value.message == f"drone1 belongs to 'edge2' (fencing token 2), not to '{daemon}' (fencing token {token})"
    assert heartbeats.age_ns(102 * S) == 1 * S
