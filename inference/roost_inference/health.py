"""Whether a target takes work, judged by how its last runs ended, and when to try it again."""

from __future__ import annotations

from roost.clock import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND

FIRST_BACK_OFF_NS = 250 * NANOSECONDS_PER_MILLISECOND
LONGEST_BACK_OFF_NS = 5 * NANOSECONDS_PER_SECOND


class TargetHealth:
    """A circuit breaker: `limit` failures in a row open it, for longer each time; the next run after that is the trial."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self._back_off_ns = FIRST_BACK_OFF_NS
        self.healthy = True
        self.message = ""

    def succeeded(self) -> bool:
        """A run was done. True where the target was thought to be down, or on trial, until now."""
        recovered = self.message != ""
        self._failures = 0
        self._back_off_ns = FIRST_BACK_OFF_NS
        self.healthy = True
        self.message = ""
        return recovered

    def failed(self, message: str) -> int | None:
        """A run failed because the target did not work. How long to leave it alone, None for not at all."""
        self._failures += 1
        if self._failures < self._limit or not self.healthy:
            return None
        self.healthy = False
        self.message = message
        back_off_ns, self._back_off_ns = self._back_off_ns, min(2 * self._back_off_ns, LONGEST_BACK_OFF_NS)
        return back_off_ns

    def on_trial(self) -> None:
        """The time is over: one more failure and it is down again."""
        self.healthy = True
        self._failures = self._limit - 1
