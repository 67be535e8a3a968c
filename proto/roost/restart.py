"""Whether and when a dead child is started again: a limit of restarts within a window, with growing delay.

Pure, and the same for every process that Roost starts: gateways, skill hosts, engine workers, broker.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roost.clock import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """At most `limit` restarts within `window_ns`; the first waits `first_delay_ns`, each further twice as long."""

    limit: int = 5
    window_ns: int = 60 * NANOSECONDS_PER_SECOND
    first_delay_ns: int = 200 * NANOSECONDS_PER_MILLISECOND
    longest_delay_ns: int = 5 * NANOSECONDS_PER_SECOND


@dataclass(slots=True)
class RestartWindow:
    """Counts a child's restarts against its policy."""

    policy: RestartPolicy
    _restarts_ns: list[int] = field(default_factory=list)

    def next_delay_ns(self, now_ns: int) -> int | None:
        """The delay before the restart that is due now, counted as done; None: give up."""
        self._restarts_ns = [instant for instant in self._restarts_ns if now_ns - instant < self.policy.window_ns]
        count = len(self._restarts_ns)
        if count >= self.policy.limit:
            return None
        self._restarts_ns.append(now_ns)
        return min(self.policy.first_delay_ns << count, self.policy.longest_delay_ns)
