"""A shortest run that satisfies a specification in a world that is true enough: what the verifier shows as evidence.

The formulas alone would let a robot be in two places and a step be done anywhere. The scenario adds what holds of every
run: a robot is in one place at a time; a step is done where its skill leaves the robot, after it was wherever the skill goes
before; a group is not done before its children.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from roost_daemon.brain.compiler import NamedFormula
from roost_daemon.brain.tree import Group, Step, TaskTree, at, done
from roost_daemon.logic import formula as ltl
from roost_daemon.logic.automaton import Letter, Trace, shortest_satisfying_trace
from roost_daemon.logic.formula import Formula, Operator


@dataclass(frozen=True, slots=True)
class Visit:
    """A step and the places where its robot must be for it, in order; it is done in the last."""

    step: Step
    places: tuple[str, ...]


def satisfying_run(tree: TaskTree, formulas: Iterable[NamedFormula], visits: Sequence[Visit]) -> Trace | None:
    """A shortest run that satisfies the formulas, or None where none does.

    Requirements that share no proposition are looked at apart, which is exact: none uses next, so a shorter run may wait
    (repeat its last letter) until the longest is over.

    Raises `logic.diagram.LogicLimitError`.
    """
    requirements = [*(named.formula for named in formulas), *_world(tree, visits)]
    runs = []
    for part in _independent(requirements):
        run = shortest_satisfying_trace(ltl.and_(*part))
        if run is None:
            return None
        runs.append(run)
    length = max((len(run) for run in runs), default=1)
    return tuple(_union(_letter(run, position) for run in runs) for position in range(length))


def run_words(tree: TaskTree, run: Trace) -> tuple[str, ...]:
    """The run in plain words, a line a position."""
    lines = ["a shortest run that keeps all of this:"]
    told: set[str] = set()
    for number, letter in enumerate(run, start=1):
        moments = []
        for robot in tree.robots():
            completed = [step.label for step in tree.steps() if step.robot == robot and done(step.node) in letter - told]
            place = f"{robot} in the {' and the '.join(_places(robot, letter)) or 'open'}"
            moments.append(f"{place} ({', '.join(completed)}: done)" if completed else place)
        told |= {proposition for proposition in letter if proposition.startswith("done(")}
        lines.append(f"  {number}. {', '.join(moments)}")
    return tuple(lines)


def _world(tree: TaskTree, visits: Sequence[Visit]) -> Iterator[Formula]:
    seen: dict[str, dict[str, None]] = {}
    for visit in visits:
        robot, step_done = visit.step.robot, ltl.atom(done(visit.step.node))
        for place in visit.places:
            seen.setdefault(robot, {})[place] = None
        for before in visit.places[:-1]:
            yield _not_before(step_done, ltl.atom(at(robot, before)))
        if visit.places:
            yield ltl.globally(ltl.implies(step_done, ltl.atom(at(robot, visit.places[-1]))))
    for rule in tree.rules:
        seen.setdefault(rule.robot, {})[rule.place] = None
    for robot, places in seen.items():
        for one, other in combinations(places, 2):
            yield ltl.globally(ltl.not_(ltl.and_(ltl.atom(at(robot, one)), ltl.atom(at(robot, other)))))
    for node in tree.nodes():
        if isinstance(node, Group) and node is not tree.root:
            for child in node.children:
                yield _not_before(ltl.atom(done(node.node)), ltl.atom(done(child.node)))


def _not_before(later: Formula, earlier: Formula) -> Formula:
    """The later does not hold before the earlier has; at one position both may."""
    return ltl.release(earlier, ltl.or_(ltl.not_(later), earlier))


def _independent(requirements: Iterable[Formula]) -> list[list[Formula]]:
    """The requirements' conjuncts in groups that share no atom with one another."""
    groups: list[tuple[set[str], list[Formula]]] = []
    for requirement in requirements:
        for part in requirement.operands if requirement.operator is Operator.AND else (requirement,):
            atoms, parts = set(part.atoms()), [part]
            apart = []
            for group in groups:
                if group[0].isdisjoint(atoms):
                    apart.append(group)
                else:
                    atoms |= group[0]
                    parts = group[1] + parts
            groups = [*apart, (atoms, parts)]
    return [parts for _, parts in groups]


def _letter(run: Trace, position: int) -> Letter:
    return run[min(position, len(run) - 1)]


def _union(letters: Iterable[Letter]) -> Letter:
    return frozenset[str]().union(*letters)


def _places(robot: str, letter: Letter) -> list[str]:
    prefix = f"at({robot},"
    return sorted(proposition[len(prefix) : -1] for proposition in letter if proposition.startswith(prefix))
