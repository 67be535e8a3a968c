from __future__ import annotations

from dataclasses import replace

import pytest

from roost.contract import Parameter
from roost.errors import RoostError
from roost_daemon.brain.grounding import ground
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.tree import Group, KeepOut, Step, TaskTree


def tree_of(*steps: Step, rules: tuple[KeepOut, ...] = ()) -> TaskTree:
    return TaskTree("a goal", steps[0] if len(steps) == 1 else Group("1", "", "parallel", steps), rules)


def step(robot: str, skill: str, node: str = "1", **arguments: str) -> Step:
    return Step(node, f"{skill} it", skill, robot, arguments)


def test_names_become_the_sites_own(context: GroundingContext) -> None:
    grounded = ground(tree_of(step("Drone 1", "INSPECT", place="Depot"), rules=(KeepOut("DRONE1", "Yard"),)), context)
    assert grounded.root == Step("1", "inspect the depot", "inspect", "drone1", {"place": "depot"})
    assert grounded.rules == (KeepOut("drone1", "yard"),)


def test_a_robot_that_was_left_out_is_chosen_where_one_alone_can(context: GroundingContext) -> None:
    grounded = ground(tree_of(step("", "inspect", place="dock")), context)
    assert grounded.robots() == ("drone1",)
    assert grounded.notes == ("drone1 was chosen to inspect it: no other robot can inspect",)


def test_a_rule_without_a_robot_binds_every_robot_of_the_mission(context: GroundingContext) -> None:
    steps = (step("robot2", "navigate", "1.1", place="gate"), step("drone1", "inspect", "1.2", place="dock"))
    grounded = ground(tree_of(*steps, rules=(KeepOut("", "yard"), KeepOut("drone1", "yard"))), context)
    assert grounded.rules == (KeepOut("robot2", "yard"), KeepOut("drone1", "yard"))


def test_home_is_where_the_robot_lives(context: GroundingContext) -> None:
    root = ground(tree_of(step("robot2", "navigate", place="home")), context).root
    assert isinstance(root, Step)
    assert root.arguments == {"place": "store"}


@pytest.mark.parametrize(
    ("asked", "reason", "line"),
    [
        (
            step("drone1", "inspect", place="dok"),
            "UNKNOWN_NAME",
            "there is no place 'dok' here; did you mean 'dock'? known are base, depot, dock, gate, lane, store, yard",
        ),
        (
            step("drone9", "inspect", place="dock"),
            "UNKNOWN_NAME",
            "there is no robot 'drone9' here; did you mean 'drone1'? known are drone1, robot2",
        ),
        (
            step("drone1", "paint", place="dock"),
            "UNKNOWN_NAME",
            "there is no skill 'paint' here; known are carry, inspect, navigate",
        ),
        (
            step("robot2", "carry", object="anvil", place="gate"),
            "UNKNOWN_NAME",
            "there is no object 'anvil' here; known are crate",
        ),
        (
            step("robot2", "inspect", place="dock"),
            "ROBOT_LACKS_SKILL",
            "robot2 cannot inspect: its skills are navigate, carry; ask drone1",
        ),
        (
            step("", "navigate", place="gate"),
            "ROBOT_UNCLEAR",
            "'navigate it' does not say which robot: drone1 and robot2 can navigate; name one, as in 'drone1, navigate it'",
        ),
        (
            step("robot2", "carry", place="gate"),
            "WRONG_ARGUMENTS",
            "'carry it' lacks 'object', which the skill carry needs; say it: What to bring.",
        ),
        (
            step("robot2", "navigate", place="gate", speed="5"),
            "WRONG_ARGUMENTS",
            "'navigate it' gives 'speed', which the skill navigate does not take; it takes place",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(asked: Step, reason: str, line: str, context: GroundingContext) -> None:
    with pytest.raises(RoostError) as caught:
        ground(tree_of(asked), context)
    assert (caught.value.reason, str(caught.value)) == (reason, line)


def test_a_skill_that_no_robot_has(context: GroundingContext) -> None:
    robots = {name: replace(robot, skills=("navigate",)) for name, robot in context.site.robots.items()}
    bare = GroundingContext(replace(context.site, robots=robots), context.skills)
    with pytest.raises(RoostError) as caught:
        ground(tree_of(step("", "inspect", place="dock")), bare)
    assert str(caught.value) == "no robot here can inspect, which 'inspect it' needs; give a robot the skill 'inspect'"


def test_a_number_must_be_one(context: GroundingContext) -> None:
    navigate = context.skills["navigate"]
    slow = replace(navigate, parameters=(*navigate.parameters, Parameter("speed_mps", "number", "How fast.")))
    skilled = GroundingContext(context.site, {**context.skills, "navigate": slow})
    assert ground(tree_of(step("drone1", "navigate", place="dock", speed_mps="0.5")), skilled).robots() == ("drone1",)
    with pytest.raises(RoostError) as caught:
        ground(tree_of(step("drone1", "navigate", place="dock", speed_mps="fast")), skilled)
    assert str(caught.value) == "'navigate it' gives 'fast' as 'speed_mps', which is no number; give a number"
