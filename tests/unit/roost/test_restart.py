"""A dead child comes back with growing delay, until it has died too often within the window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roost.clock import NANOSECONDS_PER_SECOND
from roost.restart import RestartPolicy, RestartWindow

SECOND = NANOSECONDS_PER_SECOND
POLICY = RestartPolicy(limit=3, window_ns=10 * SECOND, first_delay_ns=SECOND, longest_delay_ns=3 * SECOND)


def test_the_delay_doubles_up_to_the_longest_and_then_it_gives_up() -> None:
    window = RestartWindow(POLICY)
    assert [window.next_delay_ns(0) for _ in range(4)] == [1 * SECOND, 2 * SECOND, 3 * SECOND, None]


def test_an_old_restart_no_longer_counts() -> None:
    window = RestartWindow(POLICY)
    for _ in range(3):
        window.next_delay_ns(0)
    assert window.next_delay_ns(10 * SECOND) == SECOND


@given(st.lists(st.integers(0, 5 * SECOND), max_size=60))
def test_never_more_restarts_within_the_window_than_the_limit(gaps_ns: list[int]) -> None:
    window, now_ns, done_ns = RestartWindow(POLICY), 0, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        if window.next_delay_ns(now_ns) is not None:
            done_ns.append(now_ns)
        assert sum(1 for instant in done_ns if now_ns - instant < POLICY.window_ns) <= POLICY.limit
