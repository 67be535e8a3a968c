from __future__ import annotations

from dataclasses import replace

import pytest

from roost.errors import RoostError
from roost_daemon.brain.compiler import NamedFormula, Specification, compile_tree
from roost_daemon.brain.grammar import GrammarProvider, parse_goal
from roost_daemon.brain.grounding import ground
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.road import understand
from roost_daemon.brain.tree import KeepOut, TaskTree
from roost_daemon.brain.verifier import (
    ContradictionError,
    RuleForbidsError,
    SpecificationIncompleteError,
    UnfitNameError,
    verify,
)
from roost_daemon.logic.parser import parse
from roost_daemon.logic.semantics import holds

GOAL = "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"


def grounded(text: str, context: GroundingContext) -> TaskTree:
    return ground(parse_goal(text, context), context)


@pytest.mark.anyio
async def test_the_goal_of_the_demo_is_explained_with_evidence(context: GroundingContext) -> None:
    checked = await understand(GOAL, GrammarProvider(), context.site, context.skills)
    assert checked.explanation == (
        "first drone1 inspects the depot, then drone1 inspects the dock",
        "robot2 brings the crate to the gate",
        "drone1 never enters the yard",
        "robot2 never enters the dock (standing rule 'ground robots keep off the dock': the dock has no railing)",
        "a shortest run that keeps all of this:",
        "  1. drone1 in the depot (inspect the depot: done), robot2 in the store",
        "  2. drone1 in the dock (inspect the dock: done), robot2 in the gate (bring the crate to the gate: done)",
    )
    assert all(holds(named.formula, checked.evidence) for named in checked.specification.formulas)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "robot2, go to the dock",
            "'go to the dock' needs robot2 in the dock, which the standing rule 'ground robots keep off the dock' forbids: "
            "the dock has no railing; choose another place, or a robot that the rule does not bind (drone1)",
        ),
        (
            "drone1, inspect the yard but never enter the yard",
            "'inspect the yard' needs drone1 in the yard, which the goal itself forbids: drone1 never enters the yard; "
            "drop the step or the rule",
        ),
        (
            "robot2, bring the crate to the gate without entering the store",
            "'bring the crate to the gate' needs robot2 in the store, which the goal itself forbids: robot2 never enters the "
            "store; drop the step or the rule",
        ),
    ],
)
async def test_a_step_at_a_forbidden_place_is_refused_with_the_rule(text: str, line: str, context: GroundingContext) -> None:
    with pytest.raises(RuleForbidsError) as caught:
        await understand(text, GrammarProvider(), context.site, context.skills)
    assert str(caught.value) == line


@pytest.mark.anyio
async def test_an_object_is_fetched_from_where_it_is_now(context: GroundingContext) -> None:
    text = "robot2, bring the crate to the gate"
    with pytest.raises(RuleForbidsError, match="needs robot2 in the dock"):
        await understand(text, GrammarProvider(), context.site, context.skills, object_places={"crate": "dock"})


@pytest.mark.anyio
async def test_an_object_is_where_the_step_before_brought_it(context: GroundingContext) -> None:
    text = "robot2, bring the crate to the gate and then to the base"
    checked = await understand(text, GrammarProvider(), context.site, context.skills)
    places = [sorted(letter) for letter in checked.evidence]
    assert places == [["at(robot2,store)"], ["at(robot2,gate)", "done(1.1)"], ["at(robot2,base)", "done(1.2)"]]


@pytest.mark.anyio
async def test_a_robot_must_not_begin_where_it_must_not_be(context: GroundingContext) -> None:
    text = "drone1, inspect the dock but never enter the yard"
    with pytest.raises(RuleForbidsError) as caught:
        await understand(text, GrammarProvider(), context.site, context.skills, robot_places={"drone1": "yard"})
    assert str(caught.value) == "drone1 is in the yard now, which the goal itself forbids; bring drone1 out of the yard first"


def test_a_lost_standing_rule_is_noticed(context: GroundingContext) -> None:
    tree = grounded("robot2, go to the gate", context)
    whole = compile_tree(tree, context.site)
    with pytest.raises(SpecificationIncompleteError, match="'ground robots keep off the dock' is not in the specification"):
        verify(tree, Specification(whole.of_kind("task")), context)


def test_a_name_that_would_change_the_meaning_of_the_text_is_refused(context: GroundingContext) -> None:
    name = "yard) | at(drone1,yard"
    site = replace(context.site, areas={**context.site.areas, name: replace(context.site.areas["yard"], name=name)})
    odd = GroundingContext(site, context.skills)
    tree = replace(grounded("drone1, inspect the dock", context), rules=(KeepOut("drone1", name),))
    with pytest.raises(UnfitNameError) as caught:
        verify(tree, compile_tree(tree, site), odd)
    assert str(caught.value) == (
        "'G !at(drone1,yard) | at(drone1,yard)' cannot be read back as a formula; "
        "use letters, digits, blanks, '_', '.' and '-' in the names of places and robots"
    )


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        (["F a & G !a"], "this can never hold: F a & G !a; drop it or say it otherwise"),
        (["G a", "F b", "G !a"], "these cannot hold together: G a; G !a; drop one of them"),
        (["!done(1) U stop"], ""),
        (
            ["G !at(drone1,dock)"],
            "these cannot hold together: drone1 inspects the dock; G !at(drone1,dock); drop one of them",
        ),
    ],
)
def test_contradictions_are_named_by_what_contradicts(extra: list[str], line: str, context: GroundingContext) -> None:
    tree = grounded("drone1, inspect the dock", context)
    formulas = tuple(NamedFormula(text, "rule", parse(text), text) for text in extra)
    specification = Specification((*compile_tree(tree, context.site).formulas, *formulas))
    if not line:
        assert verify(tree, specification, context).evidence
        return
    with pytest.raises(ContradictionError) as caught:
        verify(tree, specification, context)
    assert str(caught.value) == line


def test_the_verifier_trusts_no_provider(context: GroundingContext) -> None:
    tree = grounded("drone1, inspect the dock", context)
    (step,) = tree.steps()
    for change, reason in [
        ({"robot": "nobody"}, "UNKNOWN_NAME"),
        ({"skill": "fly"}, "UNKNOWN_NAME"),
        ({"skill": "carry"}, "ROBOT_LACKS_SKILL"),
        ({"arguments": {}}, "WRONG_ARGUMENTS"),
        ({"arguments": {"place": "moon"}}, "UNKNOWN_NAME"),
    ]:
        wrong = replace(tree, root=replace(step, **change))
        with pytest.raises(RoostError) as caught:
            verify(wrong, compile_tree(wrong, context.site), context)
        assert caught.value.reason == reason


def test_many_robots_are_checked_quickly(context: GroundingContext) -> None:
    drone = context.site.robots["drone1"]
    robots = {f"drone{i}": replace(drone, name=f"drone{i}") for i in range(1, 13)}
    many = GroundingContext(replace(context.site, robots=robots, rules=()), context.skills)
    text = "; ".join(f"drone{i}, inspect the depot, then the dock, then the gate, then go to the base" for i in range(1, 13))
    tree = grounded(text, many)
    checked = verify(tree, compile_tree(tree, many.site), many)
    assert len(checked.evidence) == 4
