from __future__ import annotations

import pytest

from roost_daemon.logic import formula as ltl
from roost_daemon.logic.formula import FALSE, TRUE, is_stutter_invariant
from roost_daemon.logic.parser import parse
from roost_daemon.logic.words import describe

A, B = map(ltl.atom, "ab")


@pytest.mark.parametrize(
    ("built", "simple"),
    [
        (ltl.and_(), TRUE),
        (ltl.or_(), FALSE),
        (ltl.and_(A, TRUE, A), A),
        (ltl.and_(A, ltl.not_(A)), FALSE),
        (ltl.or_(A, B, ltl.not_(A)), TRUE),
        (ltl.and_(A, ltl.and_(B, A)), ltl.and_(A, B)),
        (ltl.not_(ltl.not_(A)), A),
        (ltl.implies(A, FALSE), ltl.not_(A)),
        (ltl.implies(A, A), TRUE),
        (ltl.until(A, TRUE), TRUE),
        (ltl.until(FALSE, B), B),
        (ltl.release(FALSE, B), ltl.globally(B)),
        (ltl.next_(FALSE), FALSE),
        (ltl.weak_next(TRUE), TRUE),
        (ltl.finally_(ltl.finally_(A)), ltl.finally_(A)),
    ],
)
def test_constructors_simplify(built: ltl.Formula, simple: ltl.Formula) -> None:
    assert built == simple


def test_a_strong_next_of_true_says_that_the_trace_goes_on() -> None:
    assert ltl.next_(TRUE) != TRUE


def test_atoms_stand_in_reading_order() -> None:
    assert parse("(b U a) & G b").atoms() == ("b", "a")


@pytest.mark.parametrize("text", ["!a & b", "(!a U b) & F b", "(a -> b) -> F b", "G (a | b)", "X WX a", "(a U b) U a"])
def test_printing_brackets_only_what_needs_it(text: str) -> None:
    assert str(parse(text)) == text


def test_stutter_invariance_is_judged_by_syntax() -> None:
    assert is_stutter_invariant(parse("G !a & (b U a)"))
    assert not is_stutter_invariant(parse("G (a -> WX b)"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("G !at(drone1,yard)", "never at(drone1,yard)"),
        ("(!b U a) & F b", "(not b before a, which must come) and (at some time b)"),
        ("G (a -> F b)", "always (if a, then (at some time b))"),
        ("a R b", "b to the end, or up to and including the moment when a"),
        ("X a | WX b", "either (there is a next moment and there a) or (at the next moment, if there is one, b)"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert describe(parse(text)) == words


def test_atoms_have_the_words_that_the_caller_gives() -> None:
    assert describe(parse("G !a"), lambda name: f"<{name}>") == "never <a>"
