"""The gold goals: what people say, and what it must be understood as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.errors import RoostError
from roost_daemon.brain.grammar import GrammarProvider
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.road import understand
from roost_daemon.brain.tree import Group, Node, TaskTree

GOLD = [
    goal
    for file in ("gold_goals.yaml", "more_goals.yaml")
    for goal in yaml.safe_load((Path(__file__).parent / file).read_text())
]


def shape(node: Node) -> Any:
    if isinstance(node, Group):
        return {node.order: [shape(child) for child in node.children]}
    return " ".join((node.robot, node.skill, *node.arguments.values()))


async def understood(text: str, context: GroundingContext) -> TaskTree:
    return (await understand(text, GrammarProvider(), context.site, context.skills)).tree


@pytest.mark.anyio
@pytest.mark.parametrize("gold", [g for g in GOLD if "tree" in g], ids=lambda gold: gold["goal"][:60])
async def test_understood(gold: dict[str, Any], context: GroundingContext) -> None:
    tree = await understood(gold["goal"], context)
    assert shape(tree.root) == gold["tree"]
    assert [f"{rule.robot} {rule.place}" for rule in tree.rules] == gold.get("never", [])


@pytest.mark.anyio
@pytest.mark.parametrize("gold", [g for g in GOLD if "refused" in g], ids=lambda gold: gold["goal"][:60])
async def test_refused(gold: dict[str, Any], context: GroundingContext) -> None:
    with pytest.raises(RoostError) as caught:
        await understood(gold["goal"], context)
    assert caught.value.reason == gold["refused"]
    assert gold.get("about", "") in str(caught.value)
    assert caught.value.remedy
