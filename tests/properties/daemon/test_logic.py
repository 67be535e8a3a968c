"""The automata against the definition: random formulas on random traces."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from roost_daemon.logic import formula as ltl
from roost_daemon.logic.automaton import (
    Verdict,
    are_equivalent,
    build_automaton,
    shortest_satisfying_trace,
    shortest_violating_trace,
)
from roost_daemon.logic.formula import Formula, FormulaTooDeepError, is_stutter_invariant
from roost_daemon.logic.monitor import Monitor
from roost_daemon.logic.normal import negation_normal_form
from roost_daemon.logic.parser import FormulaSyntaxError, parse
from roost_daemon.logic.semantics import holds
from roost_daemon.logic.words import describe

ATOMS = ("a", "b", "at(r,p)")


def extend(smaller: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    one = st.sampled_from((ltl.not_, ltl.next_, ltl.weak_next, ltl.finally_, ltl.globally))
    two = st.sampled_from((ltl.and_, ltl.or_, ltl.implies, ltl.until, ltl.release))
    return st.one_of(
        st.builds(lambda build, operand: build(operand), one, smaller),
        st.builds(lambda build, left, right: build(left, right), two, smaller, smaller),
    )


formulas = st.recursive(st.sampled_from((ltl.TRUE, ltl.FALSE, *map(ltl.atom, ATOMS))), extend, max_leaves=7)
letters = st.frozensets(st.sampled_from(ATOMS))
traces = st.lists(letters, min_size=1, max_size=6)


@given(formulas, st.lists(traces, min_size=1, max_size=5))
def test_the_automaton_accepts_exactly_what_the_definition_calls_true(
    formula: Formula, some: list[list[frozenset[str]]]
) -> None:
    automaton = build_automaton(formula)
    for trace in some:
        state = 0
        for letter in trace:
            state = automaton.advance(state, letter)
        accepted = automaton.verdicts[state] in (Verdict.SATISFIED, Verdict.CURRENTLY_SATISFIED)
        assert accepted == holds(formula, trace)


@given(formulas, traces)
def test_normal_form_and_notation_keep_the_meaning(formula: Formula, trace: list[frozenset[str]]) -> None:
    truth = holds(formula, trace)
    assert holds(negation_normal_form(formula), trace) == truth
    assert holds(parse(str(formula)), trace) == truth


@given(formulas)
def test_the_printed_form_is_read_back_as_the_same_formula(formula: Formula) -> None:
    assert parse(str(formula)) == formula


@given(formulas)
def test_witnesses_are_witnesses(formula: Formula) -> None:
    satisfying = shortest_satisfying_trace(formula)
    violating = shortest_violating_trace(formula)
    assert satisfying is not None or violating is not None
    if satisfying is not None:
        assert holds(formula, satisfying)
    if violating is not None:
        assert not holds(formula, violating)


@given(formulas, traces)
def test_no_trace_is_shorter_than_the_witness(formula: Formula, trace: list[frozenset[str]]) -> None:
    satisfying = shortest_satisfying_trace(formula)
    if holds(formula, trace):
        assert satisfying is not None
        assert len(satisfying) <= len(trace)


@given(formulas, traces, traces)
def test_a_final_verdict_is_for_good_and_a_current_one_can_change(
    formula: Formula, first: list[frozenset[str]], rest: list[frozenset[str]]
) -> None:
    monitor = Monitor("rule", formula)
    for letter in first:
        verdict = monitor.advance(letter)
    assert monitor.position == len(first) - 1
    assert (verdict in (Verdict.SATISFIED, Verdict.CURRENTLY_SATISFIED)) == holds(formula, first)
    if verdict.is_final:
        assert holds(formula, first + rest) == (verdict is Verdict.SATISFIED)
        for letter in rest:
            assert monitor.advance(letter) is verdict


@given(formulas, st.lists(letters, min_size=1, max_size=3))
def test_a_current_verdict_could_still_turn(formula: Formula, trace: list[frozenset[str]]) -> None:
    automaton = build_automaton(formula)
    state = 0
    for letter in trace:
        state = automaton.advance(state, letter)
    verdict = automaton.verdicts[state]
    reached, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        for bits in range(1 << len(ATOMS)):
            target = automaton.advance(here, frozenset(name for i, name in enumerate(ATOMS) if bits >> i & 1))
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    accepts = {automaton.verdicts[here] in (Verdict.SATISFIED, Verdict.CURRENTLY_SATISFIED) for here in reached}
    assert verdict.is_final == (len(accepts) == 1)


@given(formulas, traces, st.integers(0, 5))
def test_a_repeated_letter_cannot_change_a_formula_without_next(
    formula: Formula, trace: list[frozenset[str]], repeated: int
) -> None:
    index = repeated % len(trace)
    if is_stutter_invariant(formula):
        assert holds(formula, trace) == holds(formula, [*trace[: index + 1], *trace[index:]])


@given(formulas, formulas)
def test_equivalence_is_equality_of_languages(left: Formula, right: Formula) -> None:
    assert are_equivalent(left, ltl.not_(ltl.not_(left)))
    if are_equivalent(left, right):
        witness = shortest_satisfying_trace(left)
        assert witness is None or holds(right, witness)


@settings(max_examples=300)
@given(st.text(alphabet="ab()!&|->UXWFGR, .1\u00e9", max_size=40) | st.text(max_size=40))
def test_the_parser_never_crashes(text: str) -> None:
    try:
        formula = parse(text)
    except FormulaSyntaxError as error:
        assert 0 <= error.position <= len(text)
        assert error.expected
    except FormulaTooDeepError as error:
        assert error.remedy
    else:
        assert parse(str(formula)) == formula


@given(formulas)
def test_every_formula_has_words(formula: Formula) -> None:
    words = describe(formula)
    assert words
    assert words.count("(") == words.count(")")
