from __future__ import annotations

from roost_daemon.logic.monitor import Monitor, Verdict
from roost_daemon.logic.parser import parse

IN_YARD = frozenset({"at(drone1,yard)"})
IN_DOCK = frozenset({"at(drone1,dock)"})


def test_a_ban_is_kept_until_it_is_broken_for_good() -> None:
    monitor = Monitor("no yard", parse("G !at(drone1,yard)"))
    assert (monitor.verdict, monitor.position, monitor.changed_at) == (Verdict.CURRENTLY_SATISFIED, -1, -1)

    assert monitor.advance(IN_DOCK) is Verdict.CURRENTLY_SATISFIED
    assert monitor.advance(IN_YARD) is Verdict.VIOLATED
    assert monitor.advance(IN_DOCK) is Verdict.VIOLATED

    assert (monitor.position, monitor.changed_at) == (2, 1)


def test_an_order_is_pending_then_satisfied_for_good() -> None:
    monitor = Monitor("order", parse("(!done(1.2) U (done(1.1) & !done(1.2))) & F done(1.2)"))
    verdicts = [monitor.advance(letter) for letter in (IN_DOCK, frozenset({"done(1.1)"}), IN_DOCK, frozenset({"done(1.2)"}))]
    assert verdicts == [Verdict.CURRENTLY_VIOLATED] * 3 + [Verdict.SATISFIED]
    assert monitor.changed_at == 3


def test_a_broken_order_is_violated_at_once() -> None:
    monitor = Monitor("order", parse("(!done(1.2) U (done(1.1) & !done(1.2))) & F done(1.2)"))
    assert monitor.advance(frozenset({"done(1.2)"})) is Verdict.VIOLATED


def test_a_contradiction_is_violated_before_anything_happens() -> None:
    assert Monitor("never", parse("F a & G !a")).verdict is Verdict.VIOLATED
    assert Monitor("always", parse("true")).verdict is Verdict.SATISFIED


def test_verdicts_are_the_words_of_the_interface() -> None:
    assert {verdict.value for verdict in Verdict} == {"satisfied", "violated", "currently_satisfied", "currently_violated"}
