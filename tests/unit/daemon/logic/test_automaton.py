from __future__ import annotations

import pytest

from roost_daemon.logic.automaton import (
    are_equivalent,
    build_automaton,
    is_satisfiable,
    shortest_satisfying_trace,
    shortest_violating_trace,
)
from roost_daemon.logic.diagram import LogicLimitError
from roost_daemon.logic.parser import parse
from roost_daemon.logic.semantics import holds


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("true", 1),
        ("G !a", 2),
        ("F a", 2),
        ("G (a -> F b)", 2),
        ("(!b U (a & !b)) & F b", 4),
        (" & ".join(f"F a{i}" for i in range(8)), 256),
        ("F(a0 & F(a1 & F(a2 & F a3)))", 5),
        ("F (a & X X X X b)", 17),
    ],
)
def test_automata_are_no_larger_than_the_minimal_ones(text: str, states: int) -> None:
    assert len(build_automaton(parse(text)).verdicts) == states


def test_a_witness_is_shortest_and_holds_no_atom_without_need() -> None:
    assert shortest_satisfying_trace(parse("(!b U (a & !b)) & F b & G !c")) == (frozenset("a"), frozenset("b"))


def test_a_counter_example_breaks_the_formula() -> None:
    assert shortest_violating_trace(parse("G (a -> X b)")) == (frozenset("a"),)
    assert shortest_violating_trace(parse("F a | G !a")) is None


@pytest.mark.parametrize("text", ["F a & G !a", "X a & !X true", "G X a", "(a U b) & G !b"])
def test_contradictions_are_found(text: str) -> None:
    assert not is_satisfiable(parse(text))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("!(a U b)", "!a R !b", True),
        ("!X a", "WX !a", True),
        ("X a", "WX a", False),
        ("F (a & F b)", "F a & F b", False),
        ("G (a & b)", "G a & G b", True),
        ("(!b U (a & !b)) & F b", "F (a & X F b) & (!b U a)", False),
        ("(!b U (a & !b)) & F b", "F (a & X F b) & (!b U (a & !b))", True),
    ],
)
def test_equivalence(left: str, right: str, same: bool) -> None:
    assert are_equivalent(parse(left), parse(right)) is same


def test_too_many_states_are_refused_in_one_line() -> None:
    with pytest.raises(LogicLimitError) as caught:
        build_automaton(parse(" & ".join(f"F a{i}" for i in range(5))), state_limit=20)
    assert str(caught.value) == (
        "the automaton of 'F a0 & F a1 & F a2 & F a3 & F a4' has more than 20 states; split it into several formulas"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" & ".join(f"F a{i}" for i in range(40)), "the formula needs more than 400000 diagram nodes"),
        (" & ".join(f"F a{i}" for i in range(1000)), "the formula has 1000 atoms, more than 300"),
        (" & ".join(f"F (a{i} & b)" for i in range(290)), "the formula needs more than 400000 diagram nodes"),
    ],
)
def test_the_enormous_is_refused_before_it_costs_much(text: str, line: str) -> None:
    with pytest.raises(LogicLimitError, match=line):
        build_automaton(parse(text))


def test_the_definition_needs_a_letter() -> None:
    with pytest.raises(ValueError, match="at least one letter"):
        holds(parse("a"), [])
