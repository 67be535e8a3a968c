from __future__ import annotations

import pytest

from roost_daemon.logic import formula as ltl
from roost_daemon.logic.formula import MAX_DEPTH, FormulaTooDeepError
from roost_daemon.logic.parser import MAX_BRACKETS, FormulaSyntaxError, parse

A, B, C = map(ltl.atom, "abc")


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("a", A),
        ("G !at(drone1,yard)", ltl.globally(ltl.not_(ltl.atom("at(drone1,yard)")))),
        ("G !at( drone1 , yard )", ltl.globally(ltl.not_(ltl.atom("at(drone1,yard)")))),
        (
            "F (done(1.1) & F done(1.2))",
            ltl.finally_(ltl.and_(ltl.atom("done(1.1)"), ltl.finally_(ltl.atom("done(1.2)")))),
        ),
        ("!a U b", ltl.until(ltl.not_(A), B)),
        ("X a & WX b", ltl.and_(ltl.next_(A), ltl.weak_next(B))),
        ("a->b->c", ltl.implies(A, ltl.implies(B, C))),
        ("a | b & c", ltl.or_(A, ltl.and_(B, C))),
        ("a U b R c", ltl.until(A, ltl.release(B, C))),
        ("~a && b || c", ltl.or_(ltl.and_(ltl.not_(A), B), C)),
        ("F(a)", ltl.finally_(A)),
        ("G(a)->F(b)", ltl.implies(ltl.globally(A), ltl.finally_(B))),
        ("true U a", ltl.finally_(A)),
        ("lane-west", ltl.atom("lane-west")),
        ("!at(drone1, Hof süd 2)", ltl.not_(ltl.atom("at(drone1,Hof süd 2)"))),
    ],
)
def test_notation(text: str, formula: ltl.Formula) -> None:
    assert parse(text) == formula


@pytest.mark.parametrize(
    ("text", "position", "line"),
    [
        ("", 0, "the formula cannot be read at its end; expected an atom, '(' or one of ! X WX F G true false"),
        ("a &", 3, "the formula cannot be read at its end; expected an atom, '(' or one of ! X WX F G true false"),
        (
            "a & ) b",
            4,
            "the formula cannot be read at ')' (character 4); expected an atom, '(' or one of ! X WX F G true false",
        ),
        ("(a | b", 6, "the formula cannot be read at its end; expected an operator (-> | & U R) or ')'"),
        ("a b", 2, "the formula cannot be read at 'b' (character 2); expected an operator (-> | & U R) or the end"),
        (
            "a & §",
            4,
            "the formula cannot be read at '§' (character 4); expected an atom, '(' or one of ! X WX F G true false",
        ),
        ("a" * 100_001, 100_000, "the formula has 100001 characters; expected at most 100000 characters"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, position: int, line: str) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        parse(text)
    assert caught.value.position == position
    assert str(caught.value) == line


def test_depth_is_bounded() -> None:
    assert parse("X " * (MAX_DEPTH - 1) + "a").depth == MAX_DEPTH
    with pytest.raises(FormulaTooDeepError, match="nests deeper than 128 operators; split it"):
        parse("X " * MAX_DEPTH + "a")
    assert parse("(" * MAX_BRACKETS + "a" + ")" * MAX_BRACKETS) == A
    with pytest.raises(FormulaTooDeepError, match="opens more than 64 brackets at character 64"):
        parse("(" * 5000 + "a" + ")" * 5000)


def test_a_long_conjunction_is_flat() -> None:
    assert parse(" & ".join(f"F a{i}" for i in range(1000))).depth == 3
