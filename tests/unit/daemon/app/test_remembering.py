"""What a skill found at a place becomes facts; what it was told does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from roost.clock import Clocks
from roost_daemon.app.remembering import RememberingHosts
from roost_daemon.memory.store import FactStore
from roost_daemon.missions.ports import StepOrder
from roost_daemon.planning.plan import PlannedStep

pytestmark = pytest.mark.anyio


class Finds:
    """Skill hosts whose every run finds the same."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    async def run(self, order: StepOrder, say: Callable[[str], Awaitable[None]]) -> Mapping[str, Any]:
        return self._found

    async def wait_ready(self, robot: str) -> None:
        return


async def silent(message: str) -> None:
    return


async def remembered(found: Mapping[str, Any], arguments: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """The facts, by key, that are there after one run: value and source."""
    store = FactStore("hangar", Clocks())
    step = PlannedStep(
        node="1",
        label="look",
        skill="inspect",
        robot="drone1",
        arguments=dict(arguments),
        after=(),
        avoid=(),
        ways=(),
        start_s=0.0,
        end_s=1.0,
    )
    result = await RememberingHosts(Finds(found), store).run(StepOrder("mission-1", step, frozenset(), None), silent)
    assert result == found, "whoever asked gets what was found"
    return {fact.key: (fact.value, fact.source) for fact in store.query("")}


async def test_what_was_found_at_a_place_is_known_with_who_saw_it() -> None:
    facts = await remembered({"place": "depot", "sign": "DEPOT3", "vest": False}, {"place": "depot"})
    assert facts == {"seen/depot/sign": ("DEPOT3", "drone1"), "seen/depot/vest": (False, "drone1")}


async def test_what_was_found_nowhere_is_not_kept() -> None:
    assert await remembered({"battery": 4}, {}) == {}


async def test_what_cannot_be_a_fact_is_left_out_and_the_rest_kept() -> None:
    facts = await remembered({"two words": 1, "sign": "DEPOT3"}, {"place": "depot"})
    assert facts == {"seen/depot/sign": ("DEPOT3", "drone1")}
