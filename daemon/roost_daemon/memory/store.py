"""The facts that this daemon holds: read, queried, watched, written here or applied from elsewhere.

For the event loop only. Everything returns at once, except waiting for the next change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import anyio

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, ns_to_seconds
from roost_daemon.memory.fact import Fact, FactError, HybridLogicalClock, JsonValue, merge
from roost_daemon.memory.wire import encode_fact

MAX_CLOCK_AHEAD_NS = 600 * NANOSECONDS_PER_SECOND
"""A stamp further in the future than this comes from a clock that is plainly wrong; it would win for ever."""
FORGET_AFTER_NS = 3600 * NANOSECONDS_PER_SECOND
"""An expired fact is still held so long, unseen, so that no older one takes its place."""


class Watch:
    """Changes under a prefix, as an asynchronous iterator. A slow reader gets the newest fact of each key."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._changed: dict[str, Fact] = {}
        self._wake = anyio.Event()

    @property
    def waiting(self) -> int:
        """Changes that nobody has read yet."""
        return len(self._changed)

    def tell(self, fact: Fact) -> None:
        """A fact has changed."""
        if _is_under(self._prefix, fact.key):
            self._changed.pop(fact.key, None)
            self._changed[fact.key] = fact
            self._wake.set()

    def __aiter__(self) -> AsyncIterator[Fact]:
        return self

    async def __anext__(self) -> Fact:
        while not self._changed:
            self._wake = anyio.Event()
            await self._wake.wait()
        return self._changed.pop(next(iter(self._changed)))


class FactStore:
    """This daemon's memory. daemon: its name, unique in the site. capacity: so many keys at most."""

    def __init__(self, daemon: str, clocks: Clocks, *, capacity: int = 10_000) -> None:
        self.daemon = daemon
        self._clocks = clocks
        self._capacity = capacity
        self._clock = HybridLogicalClock(daemon)
        self._facts: dict[str, Fact] = {}
        self._watches: set[Watch] = set()
        self._writers: list[Callable[[Fact], None]] = []
        self._replicated = 0

    @property
    def replicated(self) -> int:
        """How many facts of other daemons were applied here (`facts_replicated`)."""
        return self._replicated

    def put(
        self,
        key: str,
        value: JsonValue,
        *,
        source: str,
        lifetime_ns: int | None = None,
        time_utc_ns: int | None = None,
        confidence: float = 1.0,
        frame: str = "",
    ) -> Fact:
        """Write a fact. It was so at `time_utc_ns` (now, if not said) and is worth something for `lifetime_ns` from then on.

        Raises `FactError`.
        """
        now_ns = self._clocks.utc_ns()
        was_ns = now_ns if time_utc_ns is None else time_utc_ns
        expires_ns = None if lifetime_ns is None else was_ns + lifetime_ns
        fact = Fact(key, value, source, was_ns, self._clock.tick(now_ns), expires_ns, confidence, frame)
        encode_fact(fact)  # what cannot be shared is refused where it is written
        self._take(fact, now_ns)
        for wrote in self._writers:
            wrote(fact)
        return fact

    def apply(self, fact: Fact) -> bool:
        """Take a fact that was written elsewhere; whether it holds now and can be seen.

        Raises `FactError` where its stamp is too far in the future, or memory is full.
        """
        now_ns = self._clocks.utc_ns()
        if fact.stamp.wall_ns > now_ns + MAX_CLOCK_AHEAD_NS:
            ahead_s = ns_to_seconds(fact.stamp.wall_ns - now_ns)
            raise FactError(
                f"the fact '{fact.key}' was written by '{fact.stamp.daemon}' {ahead_s:.0f} s in the future",
                remedy="set the clocks of both daemons",
            )
        self._clock.observe(fact.stamp)
        held = self._facts.get(fact.key)
        if merge(held, fact) is held:
            return False
        self._take(fact, now_ns)
        if fact.expired(now_ns):
            return False
        self._replicated += fact.stamp.daemon != self.daemon
        return True

    def get(self, key: str) -> Fact | None:
        """The fact, if there is one that is worth something."""
        fact = self._facts.get(key)
        return None if fact is None or fact.expired(self._clocks.utc_ns()) else fact

    def query(self, prefix: str = "") -> list[Fact]:
        """The facts under a prefix, by key. A prefix ends where a word of the key ends; the empty one is above all."""
        now_ns = self._clocks.utc_ns()
        facts = (fact for key, fact in sorted(self._facts.items()) if _is_under(prefix, key))
        return [fact for fact in facts if not fact.expired(now_ns)]

    def held(self, key: str) -> Fact | None:
        """The fact by which others are judged, expired or not."""
        return self._facts.get(key)

    def own(self) -> list[Fact]:
        """The facts that this daemon wrote and that still hold."""
        return [fact for fact in self.query() if fact.stamp.daemon == self.daemon]

    @contextmanager
    def watch(self, prefix: str = "") -> Iterator[Watch]:
        """Changes from now on, as long as the context is open. A fact that expires is not a change."""
        watch = Watch(prefix)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    @contextmanager
    def each_written(self, wrote: Callable[[Fact], None]) -> Iterator[None]:
        """Call `wrote` with each fact that is written here, as long as the context is open."""
        self._writers.append(wrote)
        try:
            yield
        finally:
            self._writers.remove(wrote)

    def _take(self, fact: Fact, now_ns: int) -> None:
        if fact.key not in self._facts and len(self._facts) >= self._capacity:
            self._forget(now_ns)
            if len(self._facts) >= self._capacity:
                raise FactError(
                    f"memory is full: there is no room for '{fact.key}' beside {len(self._facts)} facts",
                    remedy="give facts a lifetime",
                )
        self._facts[fact.key] = fact
        if not fact.expired(now_ns):
            for watch in self._watches:
                watch.tell(fact)

    def _forget(self, now_ns: int) -> None:
        for key in [key for key, fact in self._facts.items() if fact.expired(now_ns - FORGET_AFTER_NS)]:
            del self._facts[key]


def _is_under(prefix: str, key: str) -> bool:
    """Whether the key is the prefix or lies below it: `robot/drone1` is above `robot/drone1/pose`, not `robot/drone10`."""
    prefix = prefix.rstrip("/")
    return not prefix or key == prefix or key.startswith(f"{prefix}/")
