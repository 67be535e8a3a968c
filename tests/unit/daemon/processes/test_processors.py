"""The engine gets the first CPU of the set, all else the second; one CPU is refused."""

from __future__ import annotations

import pytest

from roost.errors import ConfigurationError
from roost_daemon.processes.processors import ProcessorPlan, plan_processors


def test_the_first_is_the_engines_and_the_second_everybody_elses() -> None:
    assert plan_processors({6, 2, 4}, pin=True) == ProcessorPlan(2, frozenset({4}))


def test_one_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan_processors({0}, pin=True)
    assert str(caught.value) == (
        "the engine wants a core of its own, and this process may use only one; "
        "allow it at least two (taskset, cpuset), or set processors.pin to false and expect missed deadlines"
    )


def test_without_pinning_nothing_is_said() -> None:
    assert plan_processors({0}, pin=False) == ProcessorPlan()
