"""Who runs on which CPU: the edge engine has a core of its own, all else shares the second.

An engine that shares its core loses half of it to whatever else runs, and every deadline with it (measured: a model's time
doubles). The core of its own is the first of the set that this process may use.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from roost.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ProcessorPlan:
    """The engine's CPU and the CPUs of all else; None and the empty set where nothing is pinned."""

    engine: int | None = None
    others: frozenset[int] = frozenset()


def plan_processors(usable: Set[int], *, pin: bool) -> ProcessorPlan:
    """Split the CPUs that this process may use.

    Raises `ConfigurationError` where there is only one.
    """
    if not pin:
        return ProcessorPlan()
    ordered = sorted(usable)
    if len(ordered) < 2:
        raise ConfigurationError(
            "the engine wants a core of its own, and this process may use only one",
            remedy="allow it at least two (taskset, cpuset), or set processors.pin to false and expect missed deadlines",
        )
    return ProcessorPlan(ordered[0], frozenset({ordered[1]}))
