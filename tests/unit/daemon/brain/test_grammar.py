from __future__ import annotations

from dataclasses import replace

import pytest

from roost.contract import Parameter, SkillContract
from roost_daemon.brain.grammar import parse_goal
from roost_daemon.brain.providers import GroundingContext, NotUnderstoodError
from roost_daemon.brain.sentence import MAX_WORDS
from roost_daemon.brain.tree import Group, KeepOut, Step

EXAMPLE = (
    "say it like this, in names of this site: "
    "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"
)


def test_the_goal_of_the_demo(context: GroundingContext) -> None:
    text = (
        "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"
    )
    tree = parse_goal(text, context)
    assert tree.goal == text
    assert tree.root == Group(
        "1",
        "side by side",
        "parallel",
        (
            Group(
                "1.1",
                "one after the other",
                "sequence",
                (
                    Step("1.1.1", "inspect the depot", "inspect", "drone1", {"place": "depot"}),
                    Step("1.1.2", "inspect the dock", "inspect", "drone1", {"place": "dock"}),
                ),
            ),
            Step("1.2", "bring the crate to the gate", "carry", "robot2", {"object": "crate", "place": "gate"}),
        ),
    )
    assert tree.rules == (KeepOut("drone1", "yard"),)
    assert tree.notes == ()
    assert [step.node for step in tree.steps()] == ["1.1.1", "1.1.2", "1.2"]
    assert [node.node for node in tree.nodes()] == ["1", "1.1", "1.1.1", "1.1.2", "1.2"]
    assert tree.robots() == ("drone1", "robot2")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" \n", f"the goal is empty; {EXAMPLE}"),
        (
            "qwertz uiop",
            f"the goal is not understood at 'qwertz' (word 1); expected a task such as 'inspect the depot'; {EXAMPLE}",
        ),
        ("drone1, inspect", f"the goal breaks off after 'inspect'; expected a place; {EXAMPLE}"),
        (
            "drone1, inspect the depot if it rains",
            "the goal is not understood at 'if' (word 6); expected 'and', 'then', 'meanwhile' or the end; "
            "conditions are not understood",
        ),
        (
            "drone1, stop",
            "the goal is not understood at 'stop' (word 3); expected a task such as 'inspect the depot'; "
            "to stop robots use `roost stop`, to end a mission `roost cancel`",
        ),
        ("drone1, inspect § dock", f"the goal cannot be read at '§' (character 17); {EXAMPLE}"),
        ("go " * 401, f"the goal has more than {MAX_WORDS} words; give it in smaller goals"),
        ("never enter the yard", f"the goal has rules but asks for nothing to be done; {EXAMPLE}"),
        ("robot2, pick up the crate", f"the goal does not say where to bring 'crate'; {EXAMPLE}"),
        (
            "drone1",
            f"the goal names 'drone1' but not what it is to do; expected a task such as 'inspect the depot'; {EXAMPLE}",
        ),
    ],
)
def test_what_is_not_understood_is_said_in_one_line(text: str, line: str, context: GroundingContext) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        parse_goal(text, context)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "text",
    [
        "drone1, go to the dock but never avoid the yard",
        "drone1, go to the dock, not without entering the yard",
        "nobody keeps out of the yard; drone1, go to the dock",
        "drone1, inspect the depot, not the dock",
    ],
)
def test_no_negation_is_turned_into_its_opposite(text: str, context: GroundingContext) -> None:
    with pytest.raises(NotUnderstoodError):
        parse_goal(text, context)


def test_a_choice_that_the_text_left_is_told(context: GroundingContext) -> None:
    tree = parse_goal("drone1, inspect the depot and the dock", context)
    assert tree.notes == ("'and' between 'inspect the depot' and 'inspect the dock' is taken as the order of the text",)
    assert parse_goal("drone1, inspect the depot and the dock at the same time", context).notes == ()
    tree = parse_goal("robot2, take the crate from the store to the gate", context)
    assert tree.notes == ("'from the store' is not checked: an object is fetched from where it is",)


def test_a_skill_of_ones_own_is_a_verb(context: GroundingContext) -> None:
    wave = SkillContract(
        name="wave",
        description="Wave at a place.",
        parameters=(Parameter("place", "place", "Where."), Parameter("times", "number", "How often.")),
        preconditions=(),
        effects=(),
        repeatable=True,
        resources=("robot",),
        duration_bound_s=10.0,
        cancel="The robot rests.",
    )
    tree = parse_goal(
        "drone1 waves at the gate 3, then inspect the dock", replace(context, skills={**context.skills, "wave": wave})
    )
    assert [(step.skill, step.arguments) for step in tree.steps()] == [
        ("wave", {"place": "gate", "times": "3"}),
        ("inspect", {"place": "dock"}),
    ]


@pytest.mark.parametrize("written", ["the lane west", "lane-west", "Lane_West"])
def test_names_may_be_written_as_people_write_them(written: str, context: GroundingContext) -> None:
    site = context.site
    areas = {**site.areas, "lane_west": replace(site.areas["lane"], name="lane_west")}
    tree = parse_goal(
        f"drone1, go to {written} and then the dock", GroundingContext(replace(site, areas=areas), context.skills)
    )
    assert [step.arguments["place"] for step in tree.steps()] == ["lane_west", "dock"]


def test_several_objects_are_brought_one_after_the_other(context: GroundingContext) -> None:
    site = context.site
    objects = {**site.objects, "box": replace(site.objects["crate"], name="box")}
    tree = parse_goal(
        "robot2, bring the crate and the box to the gate", GroundingContext(replace(site, objects=objects), context.skills)
    )
    assert isinstance(tree.root, Group)
    assert tree.root.order == "sequence"
    assert [step.arguments for step in tree.steps()] == [
        {"object": "crate", "place": "gate"},
        {"object": "box", "place": "gate"},
    ]
