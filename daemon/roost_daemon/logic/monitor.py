"""Monitors: the verdict of a formula while its trace grows, a letter at a time."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from roost_daemon.logic.automaton import Automaton, Verdict, build_automaton
from roost_daemon.logic.formula import Formula
from roost_daemon.logic.parser import parse

__all__ = ["Monitor", "Verdict", "monitor_for"]


class Monitor:
    """Follows one formula along one trace.

    The automaton is built here, once; a letter then costs a short table walk. A caller that samples a state (odometry) may
    feed only letters that differ from the last: a formula without next cannot tell (`formula.is_stutter_invariant`).
    Events that are true at one position must not be fed twice.

    position: the index of the last letter read, from 0; -1 before the first. changed_at: the position at which the verdict
    became what it is. Before the first letter the verdict is what holds if nothing ever happens: a duty is pending
    (currently violated), a ban is kept (currently satisfied).

    Raises `diagram.LogicLimitError` where the formula's automaton outgrows its bound.
    """

    def __init__(self, name: str, formula: Formula) -> None:
        self.name = name
        self._automaton: Automaton = build_automaton(formula)
        self._state = 0
        self.position = -1
        self.changed_at = -1

    @property
    def formula(self) -> Formula:
        """What is followed."""
        return self._automaton.formula

    @property
    def verdict(self) -> Verdict:
        """What is known after the letters read so far."""
        return self._automaton.verdicts[self._state]

    def advance(self, letter: AbstractSet[str]) -> Verdict:
        """Read the next letter: the atoms that are true now. Returns the verdict after it."""
        before = self.verdict
        self.position += 1
        if before.is_final:
            return before
        self._state = self._automaton.advance(self._state, letter)
        verdict = self.verdict
        if verdict is not before:
            self.changed_at = self.position
        return verdict


def monitor_for(formula: str) -> Monitor:
    """A monitor of a formula's text, as the journal holds it.

    Raises what `parse` and `Monitor` raise.
    """
    return Monitor(formula, parse(formula))
