"""Planning on the demo's site: the order of the tree, the ways that the rules leave, robots chosen, and honest refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import roost_daemon.demo
from roost_daemon.brain.tree import Group, KeepOut, Step, TaskTree
from roost_daemon.planning.allocate import allocate
from roost_daemon.planning.check import UnsoundPlanError, check
from roost_daemon.planning.plan import ImpossibleError, Plan, PlannedStep, World
from roost_daemon.planning.repair import Failure, repair, why_not_again
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point, Site
from roost_daemon.site.way import Way
from roost_skills.registry import standard_skills

CONTRACTS = standard_skills().contracts


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(roost_daemon.demo.__file__).parent / "site.yaml")


@pytest.fixture
def world(site: Site) -> World:
    return World(
        robots={name: Point(robot.home.x_m, robot.home.y_m) for name, robot in site.robots.items()},
        objects={name: thing.area for name, thing in site.objects.items()},
    )


def demo_tree(inspector: str = "drone1") -> TaskTree:
    depot = Step("1.1", "inspect the depot", "inspect", inspector, {"place": "depot"})
    dock = Step("1.2", "inspect the dock", "inspect", inspector, {"place": "dock"})
    crate = Step("2", "bring the crate to the gate", "carry", "robot2", {"object": "crate", "place": "gate"})
    first = Group("1", "inspect the depot, then the dock", "sequence", (depot, dock))
    return TaskTree("the demo's goal", Group("0", "both", "parallel", (first, crate)), (KeepOut("drone1", "yard"),))


def step_of(plan: Plan, node: str) -> PlannedStep:
    step = plan.step(node)
    assert step is not None
    return step


def test_the_demo_goal_gets_a_sound_plan_that_keeps_out_of_the_yard(site: Site, world: World) -> None:
    plan = allocate(demo_tree(), site, CONTRACTS, world)
    check(plan, demo_tree(), site, CONTRACTS, world)
    assert [way.passages for way in step_of(plan, "1.2").ways] == [("lane_west", "lane_east")]
    assert step_of(plan, "1.2").after == ("1.1",)
    assert step_of(plan, "1.2").avoid == ("yard",)
    assert step_of(plan, "2").arguments == {"object": "crate", "place": "gate", "source": "store"}
    assert step_of(plan, "2").start_s == 0.0
    assert plan.makespan_s == max(step_of(plan, "1.2").end_s, step_of(plan, "2").end_s)


def test_the_plan_is_said_in_plain_words(site: Site, world: World) -> None:
    lines = allocate(demo_tree(), site, CONTRACTS, world).words()
    assert lines[0] == "1.1 drone1: inspect the depot, 4.6 m by ramp (0-4 s)"
    assert lines[1].startswith("1.2 drone1: inspect the dock, ")
    assert ", after 1.1 (" in lines[1]
    assert lines[-1].startswith("the plan takes about ")


def test_an_open_step_goes_to_the_robot_that_is_done_first(site: Site, world: World) -> None:
    step = Step("1", "go to the gate", "navigate", "", {"place": "gate"})
    plan = allocate(TaskTree("go", step), site, CONTRACTS, world)
    assert step_of(plan, "1").robot == "robot2"


def test_a_robot_does_side_by_side_tasks_one_after_the_other(site: Site, world: World) -> None:
    steps = tuple(
        Step(str(number), f"go to the {place}", "navigate", "drone1", {"place": place})
        for number, place in enumerate(("depot", "store"), start=1)
    )
    tree = TaskTree("go", Group("0", "both", "parallel", steps))
    plan = allocate(tree, site, CONTRACTS, world)
    check(plan, tree, site, CONTRACTS, world)
    assert step_of(plan, "2").after == ("1",)
    assert step_of(plan, "2").start_s == step_of(plan, "1").end_s


@pytest.mark.parametrize(
    ("step", "rules", "line"),
    [
        (
            Step("1", "go to the dock", "navigate", "robot2", {"place": "dock"}),
            (),
            "1 (go to the dock) is impossible, because robot2 may not enter dock: the dock has no railing "
            "(standing rule 'ground robots keep off the dock'); name another place",
        ),
        (
            Step("1", "go to the yard", "navigate", "drone1", {"place": "yard"}),
            (KeepOut("drone1", "yard"),),
            "1 (go to the yard) is impossible, because the goal itself keeps drone1 out of yard; name another place",
        ),
        (
            Step("1", "inspect the gate", "inspect", "robot2", {"place": "gate"}),
            (),
            "1 (inspect the gate) is impossible, because robot2 has no skill 'inspect'; it has navigate, carry",
        ),
        (
            Step("1", "bring the vase to the gate", "carry", "robot2", {"object": "vase", "place": "gate"}),
            (),
            "1 (bring the vase to the gate) is impossible, because nobody knows where the vase is",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    site: Site, world: World, step: Step, rules: tuple[KeepOut, ...], line: str
) -> None:
    with pytest.raises(ImpossibleError) as caught:
        allocate(TaskTree("goal", step, rules), site, CONTRACTS, world)
    assert str(caught.value) == line


def test_repair_goes_another_way_when_a_passage_has_closed(site: Site, world: World) -> None:
    plan = allocate(demo_tree(), site, CONTRACTS, world)
    stuck = replace(world, robots={**world.robots, "drone1": Point(1.5, 8.0)})
    failure = Failure(step_of(plan, "1.2"), "lane_west is blocked", passage="lane_west")
    running = {"2": step_of(plan, "2")}
    repaired = repair(demo_tree(), site, CONTRACTS, stuck, failure, done=frozenset({"1.1"}), running=running)
    check(
        repaired,
        demo_tree(),
        site,
        CONTRACTS,
        replace(stuck, closed=repaired.closed),
        done=frozenset({"1.1"}),
        running=frozenset({"2"}),
    )
    assert repaired.closed == {"lane_west"}
    assert step_of(repaired, "1.2").ways[0].passages[-4:] == ("ramp", "base_store", "store_gate", "gate_dock")
    assert step_of(repaired, "2").robot == "robot2"
    assert repaired.step("1.1") is None


def test_repair_says_why_when_no_way_is_left(site: Site, world: World) -> None:
    plan = allocate(demo_tree(), site, CONTRACTS, world)
    shut = replace(world, robots={**world.robots, "drone1": Point(2.0, 6.0)}, closed=frozenset({"gate_dock"}))
    failure = Failure(step_of(plan, "1.2"), "lane_west is blocked", passage="lane_west")
    with pytest.raises(ImpossibleError) as caught:
        repair(demo_tree(), site, CONTRACTS, shut, failure, done=frozenset({"1.1", "2"}), running={})
    assert caught.value.message == (
        "1.2 (inspect the dock) is impossible for drone1, because there is no way from depot to dock: "
        "yard is forbidden, gate_dock is closed, lane_west is closed"
    )


def test_a_robot_that_holds_the_object_need_not_fetch_it(site: Site, world: World) -> None:
    holds = replace(world, objects={}, holding={"robot2": "crate"})
    plan = allocate(demo_tree(), site, CONTRACTS, holds)
    check(plan, demo_tree(), site, CONTRACTS, holds)
    assert step_of(plan, "2").arguments["source"] == ""
    assert len(step_of(plan, "2").ways) == 1


def test_what_must_not_be_repeated_is_not_tried_again(site: Site, world: World) -> None:
    failure = Failure(step_of(allocate(demo_tree(), site, CONTRACTS, world), "2"), "it fell")
    once = {**CONTRACTS, "carry": replace(CONTRACTS["carry"], repeatable=False)}
    assert why_not_again(failure, once, 0, 3) == "carry must not be repeated"
    assert why_not_again(failure, CONTRACTS, 0, 3) == ""
    assert why_not_again(failure, CONTRACTS, 3, 3) == "the mission was repaired 3 times already"


def reordered(plan: Plan) -> Plan:
    return replace(plan, steps=tuple(replace(step, after=()) for step in plan.steps))


def swapped_robot(plan: Plan) -> Plan:
    return replace(plan, steps=tuple(replace(step, robot="robot2") for step in plan.steps))


def through_the_yard(plan: Plan) -> Plan:
    step = step_of(plan, "1.2")
    start, goal = step.ways[0].points[0], step.ways[0].points[-1]
    straight = replace(step, ways=(Way((start, goal), ("yard_west", "yard_east")),))
    return replace(plan, steps=tuple(straight if step.node == "1.2" else step for step in plan.steps))


def by_magic(plan: Plan) -> Plan:
    return replace(plan, steps=tuple(replace(step, start_s=0.0, end_s=0.1) for step in plan.steps))


def without_the_crate(plan: Plan) -> Plan:
    return replace(plan, steps=tuple(step for step in plan.steps if step.node != "2"))


def across_the_wall(plan: Plan) -> Plan:
    way = Way((Point(1.5, 1.5), Point(0.2, 3.7), Point(2.0, 6.0)), ("ramp",))
    return replace(plan, steps=tuple(replace(step, ways=(way,)) if step.node == "1.1" else step for step in plan.steps))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (reordered, "1.2 does not wait for 1.1"),
        (swapped_robot, "1.1 was meant for drone1, not for robot2"),
        (through_the_yard, "1.2: the way enters yard"),
        (by_magic, "1.2 starts before 1.1 ends"),
        (without_the_crate, "2 is not planned"),
        (across_the_wall, "1.1: the way leaves the free ground between (1.5, 1.5) and (0.2, 3.7)"),
    ],
)
def test_the_checker_finds_what_a_wrong_planner_would_do(
    site: Site, world: World, spoil: Callable[[Plan], Plan], fault: str
) -> None:
    plan = spoil(allocate(demo_tree(), site, CONTRACTS, world))
    with pytest.raises(UnsoundPlanError) as caught:
        check(plan, demo_tree(), site, CONTRACTS, world)
    assert fault in caught.value.faults


def test_the_checker_refuses_a_way_through_a_closed_passage(site: Site, world: World) -> None:
    plan = allocate(demo_tree(), site, CONTRACTS, world)
    with pytest.raises(UnsoundPlanError) as caught:
        check(plan, demo_tree(), site, CONTRACTS, replace(world, closed=frozenset({"lane_east"})))
    assert "1.2: the way leads through lane_east, which is closed" in caught.value.faults
