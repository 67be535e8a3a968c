"""Time: integers in nanoseconds, three clocks that are handed in, and deadlines that survive a change of machine.

Roost never asks the operating system for the time in the middle of a decision. Whoever decides is given the time; whoever
does I/O is given a `Clocks`. Conversion between clocks happens here and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000


def seconds_to_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * NANOSECONDS_PER_SECOND)


def ns_to_seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds."""
    return nanoseconds / NANOSECONDS_PER_SECOND


def ns_to_ms(nanoseconds: int) -> float:
    """Nanoseconds as milliseconds."""
    return nanoseconds / NANOSECONDS_PER_MILLISECOND


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a process, as functions that return nanoseconds.

    monotonic_ns: never steps; deadlines and inference.
    utc_ns: wall clock since 1970; records and the wire.
    utc_error_ns: how wrong the wall clock may be, as its owner bounds it.

    The ROS clock belongs to the ROS node that has it, since `use_sim_time` may stop it.
    """

    monotonic_ns: Callable[[], int] = field(default=time.monotonic_ns)
    utc_ns: Callable[[], int] = field(default=time.time_ns)
    utc_error_ns: int = 50 * NANOSECONDS_PER_MILLISECOND


@dataclass(frozen=True, slots=True)
class WireDeadline:
    """A deadline as it crosses a machine boundary: three integers in nanoseconds.

    utc_ns: the instant by the sender's wall clock; clock_error_ns: the sender's bound on that clock's error;
    remaining_ns: the budget that was left when it was sent.
    """

    utc_ns: int
    clock_error_ns: int
    remaining_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """An absolute instant on this machine's monotonic clock by which something must be done."""

    monotonic_ns: int

    @classmethod
    def after(cls, clocks: Clocks, budget_ns: int) -> Deadline:
        """The deadline `budget_ns` from now."""
        return cls(clocks.monotonic_ns() + budget_ns)

    def remaining_ns(self, clocks: Clocks) -> int:
        """What is left, negative once it has passed."""
        return self.monotonic_ns - clocks.monotonic_ns()

    def earlier(self, other: Deadline | None) -> Deadline:
        """The stricter of two: a part never has more time than the whole."""
        return self if other is None or self <= other else other

    def to_wire(self, clocks: Clocks) -> WireDeadline:
        """The form that another machine can read."""
        remaining_ns = self.remaining_ns(clocks)
        return WireDeadline(clocks.utc_ns() + remaining_ns, clocks.utc_error_ns, remaining_ns)

    @classmethod
    def from_wire(cls, wire: WireDeadline, clocks: Clocks) -> Deadline:
        """Read a sender's deadline on this machine.

        Two readings are possible: by the wall clocks (wrong by at most the sum of both errors) and by the remaining
        budget (too late by the time that the message travelled). The stricter one holds, but never stricter than the
        clocks' errors can justify: a skewed wall clock must not void a deadline that the budget shows to be ahead.
        """
        by_budget_ns = wire.remaining_ns
        by_utc_ns = wire.utc_ns - clocks.utc_ns() + wire.clock_error_ns + clocks.utc_error_ns
        return cls(clocks.monotonic_ns() + min(by_budget_ns, by_utc_ns))
