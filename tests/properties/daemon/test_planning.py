"""Whatever the goal: a plan that is made passes the checker, and so does what is left of it after a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import roost_daemon.demo
from roost_daemon.brain.tree import Group, KeepOut, Node, Step, TaskTree
from roost_daemon.planning.allocate import allocate
from roost_daemon.planning.check import check
from roost_daemon.planning.plan import ImpossibleError, World
from roost_daemon.planning.repair import Failure, repair
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point
from roost_skills.registry import standard_skills

CONTRACTS = standard_skills().contracts
SITE = load_site(Path(roost_daemon.demo.__file__).parent / "site.yaml")
WORLD = World(
    robots={name: Point(robot.home.x_m, robot.home.y_m) for name, robot in SITE.robots.items()},
    objects={name: thing.area for name, thing in SITE.objects.items()},
)
PLACES = st.sampled_from(sorted(SITE.areas))


def leaves() -> st.SearchStrategy[Step]:
    robots = st.sampled_from(["", "drone1", "robot2"])
    going = st.builds(
        lambda skill, robot, place: Step("", f"{skill} {place}", skill, robot, {"place": place}),
        st.sampled_from(["navigate", "inspect"]),
        robots,
        PLACES,
    )
    carrying = st.builds(lambda place: Step("", "carry", "carry", "robot2", {"object": "crate", "place": place}), PLACES)
    return st.one_of(going, carrying)


def groups(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda order, nodes: Group("", "group", order, tuple(nodes)),
        st.sampled_from(["sequence", "parallel"]),
        st.lists(children, min_size=1, max_size=3),
    )


def numbered(node: Node, name: str) -> Node:
    if isinstance(node, Step):
        return replace(node, node=name)
    children = tuple(numbered(child, f"{name}.{index}") for index, child in enumerate(node.children, start=1))
    return replace(node, node=name, children=children)


TREES = st.builds(
    lambda root, kept_out: TaskTree("goal", numbered(root, "1"), tuple(KeepOut("drone1", place) for place in kept_out)),
    st.recursive(leaves(), groups, max_leaves=6),
    st.sets(PLACES, max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(TREES, st.sets(st.sampled_from(sorted(SITE.passages)), max_size=2))
def test_a_plan_that_is_made_passes_the_checker(tree: TaskTree, closed: set[str]) -> None:
    world = replace(WORLD, closed=frozenset(closed))
    try:
        plan = allocate(tree, SITE, CONTRACTS, world)
    except ImpossibleError as error:
        assert "because" in error.message
        return
    check(plan, tree, SITE, CONTRACTS, world)


@settings(max_examples=100, deadline=None)
@given(TREES, st.data())
def test_a_repair_keeps_what_is_done_and_passes_the_checker(tree: TaskTree, data: st.DataObject) -> None:
    try:
        plan = allocate(tree, SITE, CONTRACTS, WORLD)
    except ImpossibleError:
        assume(False)
    done_count = data.draw(st.integers(0, len(plan.steps) - 1))
    done = frozenset(step.node for step in plan.steps[:done_count])
    failed = plan.steps[done_count]
    passage = data.draw(st.sampled_from(["", *sorted(SITE.passages)]))
    robots = dict(WORLD.robots)
    for step in plan.steps[:done_count]:
        robots[step.robot] = step.ways[-1].points[-1]
    world = replace(WORLD, robots=robots)
    try:
        repaired = repair(tree, SITE, CONTRACTS, world, Failure(failed, "it failed", passage), done=done, running={})
    except ImpossibleError as error:
        assert passage
        assert f"{passage} is closed" in error.message
        return
    assert {step.node for step in repaired.steps} == {step.node for step in plan.steps} - done
    assert not passage or all(passage not in way.passages for step in repaired.steps for way in step.ways)
    check(repaired, tree, SITE, CONTRACTS, replace(world, closed=repaired.closed), done=done)
