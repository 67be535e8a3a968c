"""Automata of formulas: is it satisfiable, by which shortest trace; can it be broken; do two formulas mean the same.

Two ways to ask. The questions walk the states as they find them and stop at the first answer. `Automaton` is the whole
deterministic automaton with every state coloured by its verdict, for monitors: a table walk an event, nothing left to blow up
while a robot moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from roost_daemon.logic import formula as ltl
from roost_daemon.logic.diagram import LogicLimitError
from roost_daemon.logic.formula import Formula
from roost_daemon.logic.progression import Progression

STATE_LIMIT = 4096
"""States of one automaton, and states looked at by one question."""

Letter = frozenset[str]
Trace = tuple[Letter, ...]


class Verdict(str, Enum):
    """What is known of a formula while its trace still grows (RV-LTL's four values, exact on finite traces).

    satisfied, violated: for good, whatever comes. currently_satisfied, currently_violated: if the trace ended here.
    """

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    CURRENTLY_SATISFIED = "currently_satisfied"
    CURRENTLY_VIOLATED = "currently_violated"

    @property
    def is_final(self) -> bool:
        """Whether no letter can change it."""
        return self in (Verdict.SATISFIED, Verdict.VIOLATED)


@dataclass(frozen=True, slots=True)
class Branch:
    """A test of one atom on the way from a state to the next; `low` where the letter lacks the atom. An `int` is a state."""

    atom: str
    low: Guard
    high: Guard


Guard = Branch | int


@dataclass(frozen=True, slots=True)
class Automaton:
    """The deterministic automaton of a formula; states are numbered from 0, the initial one.

    verdicts: each state's. guards: each state's way to the next by the letter's atoms.
    """

    formula: Formula
    verdicts: tuple[Verdict, ...]
    guards: tuple[Guard, ...]

    def advance(self, state: int, letter: AbstractSet[str]) -> int:
        """The state after the letter. Atoms that the formula does not name do not matter."""
        guard = self.guards[state]
        while isinstance(guard, Branch):
            guard = guard.high if guard.atom in letter else guard.low
        return guard


def build_automaton(formula: Formula, state_limit: int = STATE_LIMIT) -> Automaton:
    """The whole automaton.

    Raises `LogicLimitError` where it has more than `state_limit` states or its diagrams outgrow their own bound.
    """
    progression = Progression(formula)
    numbers = {progression.initial: 0}
    waiting = deque([progression.initial])
    edges: list[list[int]] = []
    while waiting:
        targets = []
        for _, target in progression.edges(waiting.popleft()):
            if target not in numbers:
                if len(numbers) >= state_limit:
                    raise _too_many_states(formula, state_limit)
                numbers[target] = len(numbers)
                waiting.append(target)
            targets.append(numbers[target])
        edges.append(targets)
    accepting = [progression.accepts(state) for state in numbers]
    can_hold = _can_reach(accepting, edges)
    can_fail = _can_reach([not accepts for accepts in accepting], edges)
    known: dict[int, Guard] = {}
    return Automaton(
        formula=formula,
        verdicts=tuple(map(_verdict, accepting, can_hold, can_fail)),
        guards=tuple(_guard(progression, progression.successors(state), numbers, known) for state in numbers),
    )


def shortest_satisfying_trace(formula: Formula, state_limit: int = STATE_LIMIT) -> Trace | None:
    """A shortest trace on which the formula holds, with no atom without need; `None` if there is none.

    Raises `LogicLimitError` where the answer was not found within `state_limit` states.
    """
    progression = Progression(formula)
    came_from: dict[int, tuple[int, Letter]] = {}
    waiting = deque([progression.initial])
    # The initial state is looked at first but not "reached" before a letter leads to it: traces are not empty.
    looked_at = 0
    while waiting:
        state = waiting.popleft()
        looked_at += 1
        if looked_at > state_limit:
            raise _too_many_states(formula, state_limit)
        for letter, target in progression.edges(state):
            if progression.accepts(target):
                return (*_trace_to(state, progression.initial, came_from), letter)
            if target not in came_from and target != progression.initial:
                came_from[target] = (state, letter)
                waiting.append(target)
    return None


def shortest_violating_trace(formula: Formula, state_limit: int = STATE_LIMIT) -> Trace | None:
    """A shortest trace on which the formula does not hold; `None` if it holds on all.

    Raises `LogicLimitError` as `shortest_satisfying_trace` does.
    """
    return shortest_satisfying_trace(ltl.not_(formula), state_limit)


def is_satisfiable(formula: Formula, state_limit: int = STATE_LIMIT) -> bool:
    """Whether some trace satisfies it.

    Raises `LogicLimitError` as `shortest_satisfying_trace` does.
    """
    return shortest_satisfying_trace(formula, state_limit) is not None


def are_equivalent(left: Formula, right: Formula, state_limit: int = STATE_LIMIT) -> bool:
    """Whether the same traces satisfy both.

    Raises `LogicLimitError` as `shortest_satisfying_trace` does.
    """
    differ = ltl.or_(ltl.and_(left, ltl.not_(right)), ltl.and_(ltl.not_(left), right))
    return not is_satisfiable(differ, state_limit)


def _trace_to(state: int, initial: int, came_from: dict[int, tuple[int, Letter]]) -> Trace:
    letters = []
    while state != initial:
        state, letter = came_from[state]
        letters.append(letter)
    return tuple(reversed(letters))


def _can_reach(goal: list[bool], edges: list[list[int]]) -> list[bool]:
    """For each state, whether a state of the goal can be reached from it, itself included."""
    sources: list[list[int]] = [[] for _ in edges]
    for source, targets in enumerate(edges):
        for target in targets:
            sources[target].append(source)
    reached = list(goal)
    waiting = [state for state, is_goal in enumerate(goal) if is_goal]
    while waiting:
        for source in sources[waiting.pop()]:
            if not reached[source]:
                reached[source] = True
                waiting.append(source)
    return reached


def _verdict(accepting: bool, can_hold: bool, can_fail: bool) -> Verdict:
    if accepting:
        return Verdict.CURRENTLY_SATISFIED if can_fail else Verdict.SATISFIED
    return Verdict.CURRENTLY_VIOLATED if can_hold else Verdict.VIOLATED


def _guard(progression: Progression, diagram: int, numbers: dict[int, int], known: dict[int, Guard]) -> Guard:
    if progression.is_state(diagram):
        return numbers[diagram]
    if diagram not in known:
        atom, low, high = progression.branch(diagram)
        known[diagram] = Branch(atom, _guard(progression, low, numbers, known), _guard(progression, high, numbers, known))
    return known[diagram]


def _too_many_states(formula: Formula, state_limit: int) -> LogicLimitError:
    text = str(formula)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return LogicLimitError(
        f"the automaton of '{shown}' has more than {state_limit} states", remedy="split it into several formulas"
    )
