"""A fact, its stamp, and which of two facts holds. Pure: no I/O, and the time is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from roost.errors import RoostError

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None

MAX_KEY_LENGTH = 200
_KEY = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


class FactError(RoostError):
    """A fact cannot be taken: its key, its value or its stamp is wrong."""

    reason = "FACT"


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When a fact was written, by a hybrid logical clock; the daemon's name decides between two of the same instant."""

    wall_ns: int
    counter: int
    daemon: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is held to be so.

    key: what it is about, as `robot/drone1/pose`. source: the robot or daemon that says so. time_utc_ns: when it was so.
    expires_utc_ns: from then on it is worth nothing; None for never. confidence: from 0 to 1. frame: the coordinate frame of
    a value with a place in it. stamp: when, and by which daemon, it was written.
    """

    key: str
    value: JsonValue
    source: str
    time_utc_ns: int
    stamp: Stamp
    expires_utc_ns: int | None = None
    confidence: float = 1.0
    frame: str = ""

    def __post_init__(self) -> None:
        if len(self.key) > MAX_KEY_LENGTH or not _KEY.fullmatch(self.key):
            raise FactError(
                f"'{self.key[:MAX_KEY_LENGTH]}' is no key of a fact",
                remedy=f"join words of letters, digits, '_', '.' and '-' by '/', at most {MAX_KEY_LENGTH} characters",
            )
        if not 0.0 <= self.confidence <= 1.0:
            raise FactError(f"the confidence of '{self.key}' is {self.confidence}", remedy="give a number from 0 to 1")

    def expired(self, utc_ns: int) -> bool:
        """Whether it is worth nothing any more."""
        return self.expires_utc_ns is not None and utc_ns >= self.expires_utc_ns


def merge(held: Fact | None, other: Fact) -> Fact:
    """Of two facts with one key, the one that holds: the last writer's.

    Commutative, associative and idempotent, so the order and the number of deliveries do not matter. An expired fact still
    wins over an older one; otherwise what is seen would depend on who came first.
    """
    return other if held is None or other.stamp > held.stamp else held


class HybridLogicalClock:
    """Stamps that follow the wall clock, never repeat, and are later than every stamp seen.

    So a fact that was written in knowledge of another one wins over it, even where the writer's wall clock is behind.
    Kulkarni et al., "Logical physical clocks", OPODIS 2014, section 4.
    """

    def __init__(self, daemon: str) -> None:
        self._daemon = daemon
        self._wall_ns = 0
        self._counter = 0

    def tick(self, utc_ns: int) -> Stamp:
        """The stamp of something written now."""
        if utc_ns > self._wall_ns:
            self._wall_ns, self._counter = utc_ns, 0
        else:
            self._counter += 1
        return Stamp(self._wall_ns, self._counter, self._daemon)

    def observe(self, stamp: Stamp) -> None:
        """Somebody else's stamp was seen: what is written here from now on is later."""
        self._wall_ns, self._counter = max((self._wall_ns, self._counter), (stamp.wall_ns, stamp.counter))
