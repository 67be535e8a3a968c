from __future__ import annotations

import pytest

from roost_daemon.brain.compiler import compile_tree, sequence_formula
from roost_daemon.brain.grammar import parse_goal
from roost_daemon.brain.grounding import ground
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.tree import Group, Step, TaskTree
from roost_daemon.logic.formula import is_stutter_invariant
from roost_daemon.logic.monitor import Monitor, Verdict
from roost_daemon.site.model import Site

GOAL = "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"


def test_the_specification_of_the_demo(context: GroundingContext) -> None:
    specification = compile_tree(ground(parse_goal(GOAL, context), context), context.site)
    assert [(named.kind, named.name, str(named.formula), named.words) for named in specification.formulas] == [
        (
            "task",
            "1.1",
            "(!done(1.1.2) U (done(1.1.1) & !done(1.1.2))) & F done(1.1.2)",
            "first drone1 inspects the depot, then drone1 inspects the dock",
        ),
        ("task", "1.2", "F done(1.2)", "robot2 brings the crate to the gate"),
        ("rule", "drone1 keeps out of yard", "G !at(drone1,yard)", "drone1 never enters the yard"),
        (
            "standing",
            "ground robots keep off the dock (robot2)",
            "G !at(robot2,dock)",
            "robot2 never enters the dock (standing rule 'ground robots keep off the dock': the dock has no railing)",
        ),
    ]
    assert all(is_stutter_invariant(named.formula) for named in specification.formulas)
    assert [named.name for named in specification.of_kind("rule")] == ["drone1 keeps out of yard"]


def test_a_single_step_must_be_done(context: GroundingContext) -> None:
    specification = compile_tree(ground(parse_goal("drone1, inspect the dock", context), context), context.site)
    assert [(named.name, str(named.formula), named.words) for named in specification.formulas] == [
        ("1", "F done(1)", "drone1 inspects the dock")
    ]


def sequence(count: int) -> Group:
    return Group("1", "", "sequence", tuple(Step(f"1.{i}", "", "navigate", "r", {}) for i in range(1, count + 1)))


@pytest.mark.parametrize(
    ("completions", "verdict"),
    [
        (["1.1", "1.2", "1.3"], Verdict.SATISFIED),
        (["1.1", "1.2"], Verdict.CURRENTLY_VIOLATED),
        (["1.2"], Verdict.VIOLATED),
        (["1.1", "1.3"], Verdict.VIOLATED),
    ],
)
def test_a_sequence_over_completions(completions: list[str], verdict: Verdict) -> None:
    monitor = Monitor("order", sequence_formula(sequence(3)))
    for node in completions:
        monitor.advance(frozenset({f"done({node})"}))
        monitor.advance(frozenset())
    assert monitor.verdict is verdict


def test_a_group_in_a_sequence_is_ordered_by_its_own_completion() -> None:
    beside = Group("1.1", "", "parallel", (Step("1.1.1", "a", "wave", "r", {}), Step("1.1.2", "b", "wave", "s", {})))
    tree = TaskTree("", Group("1", "", "sequence", (beside, Step("1.2", "c", "wave", "r", {}))))
    specification = compile_tree(tree, Site("empty", {}))
    assert [(named.node, str(named.formula), named.words) for named in specification.formulas] == [
        (
            "1",
            "(!done(1.2) U (done(1.1) & !done(1.2))) & F done(1.2)",
            "first (r does 'a' and s does 'b', side by side), then r does 'c'",
        ),
        ("1.1.1", "F done(1.1.1)", "r does 'a'"),
        ("1.1.2", "F done(1.1.2)", "s does 'b'"),
    ]


def test_two_of_a_sequence_do_not_complete_at_once() -> None:
    monitor = Monitor("order", sequence_formula(sequence(2)))
    assert monitor.advance(frozenset({"done(1.1)", "done(1.2)"})) is Verdict.VIOLATED
