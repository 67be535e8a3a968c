"""The grammar on any text: a tree or one exact refusal, the same every time, and nothing that the text did not name."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

import roost_daemon.demo
from roost.errors import RoostError
from roost_daemon.brain.compiler import compile_tree
from roost_daemon.brain.grammar import parse_goal
from roost_daemon.brain.grounding import ground
from roost_daemon.brain.providers import GroundingContext, NotUnderstoodError
from roost_daemon.brain.verifier import verify
from roost_daemon.logic.semantics import holds
from roost_daemon.site.parse import parse_site
from roost_skills.registry import standard_skills

SITE = parse_site(yaml.safe_load((Path(roost_daemon.demo.__path__[0]) / "site.yaml").read_text())["site"])
CONTEXT = GroundingContext(SITE, standard_skills().contracts)

ROBOTS, PLACES = tuple(SITE.robots), tuple(SITE.areas)
SMALL = "the to and then but never enter avoid while meanwhile , ; . : it there first from without not let should home nobody"
VERBS = "go inspect inspects brings carry take pick up returns entering keep out of look at at the same time"
words = st.lists(st.sampled_from((*ROBOTS, *PLACES, "crate", "anvil", *SMALL.split(), *VERBS.split())), max_size=25).map(
    " ".join
)


@given(words | st.text(max_size=60))
def test_any_text_gives_a_tree_or_a_refusal(text: str) -> None:
    try:
        tree = parse_goal(text, CONTEXT)
    except NotUnderstoodError as error:
        assert error.remedy
        return
    assert list(tree.steps())
    assert tree == parse_goal(text, CONTEXT)


@given(words)
def test_what_passes_has_a_run_that_keeps_every_requirement(text: str) -> None:
    try:
        tree = ground(parse_goal(text, CONTEXT), CONTEXT)
        checked = verify(tree, compile_tree(tree, SITE), CONTEXT)
    except RoostError as error:
        assert error.reason != "SPECIFICATION_INCOMPLETE"
        return
    assert all(holds(named.formula, checked.evidence) for named in checked.specification.formulas)


errands = st.lists(st.tuples(st.sampled_from(("inspect the", "go to the")), st.sampled_from(PLACES)), min_size=1, max_size=6)


@given(errands, st.lists(st.sampled_from(PLACES), max_size=3, unique=True))
def test_what_is_said_in_order_is_asked_in_order(errand: list[tuple[str, str]], forbidden: list[str]) -> None:
    text = "drone1, " + ", then ".join(" ".join(task) for task in errand)
    text += ", but never enter " + " or ".join(forbidden) if forbidden else ""
    tree = parse_goal(text, CONTEXT)
    skills = {"inspect the": "inspect", "go to the": "navigate"}
    assert [(step.skill, step.arguments["place"]) for step in tree.steps()] == [
        (skills[verb], place) for verb, place in errand
    ]
    assert [rule.place for rule in tree.rules] == forbidden
    assert {step.robot for step in tree.steps()} == {"drone1"}
