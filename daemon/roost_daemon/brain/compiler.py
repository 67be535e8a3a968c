"""From a grounded task tree to formulas over finite traces. Code writes the logic, by one template a relation; no model does.

Every sequence has one formula over the completions of its children; every step that stands in none has one of its own, so
that side by side costs no product; every mission rule and every standing rule has one for each robot that it binds.
Together they are the mission's specification. Each has a monitor (`logic.monitor`), so that a verdict names what was kept or
broken. The hierarchy's semantics: `docs/logic.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from roost_daemon.brain.tree import Group, KeepOut, Node, Step, TaskTree, at, done
from roost_daemon.brain.words import node_clause
from roost_daemon.logic import formula as ltl
from roost_daemon.logic.formula import Formula
from roost_daemon.site.model import Site

Kind = Literal["task", "rule", "standing"]


@dataclass(frozen=True, slots=True)
class NamedFormula:
    """One requirement of a mission.

    name: unique within its specification. kind: `task` (must come about), `rule` (the goal's own ban), `standing` (the
    site's). words: what it says, in plain English. node: the node of the tree that a task formula is about.
    """

    name: str
    kind: Kind
    formula: Formula
    words: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Specification:
    """All that must hold along a mission's trace."""

    formulas: tuple[NamedFormula, ...]

    def of_kind(self, kind: Kind) -> tuple[NamedFormula, ...]:
        """The requirements of one kind, in order."""
        return tuple(formula for formula in self.formulas if formula.kind == kind)


def compile_tree(tree: TaskTree, site: Site) -> Specification:
    """The specification of a grounded tree on a site with its standing rules."""
    tasks = list(_tasks(tree.root))
    rules = [
        NamedFormula(f"{rule.robot} keeps out of {rule.place}", "rule", keep_out(rule), _never(rule.robot, rule.place))
        for rule in tree.rules
    ]
    standing = [
        NamedFormula(
            f"{rule.name} ({robot})",
            "standing",
            keep_out(KeepOut(robot, rule.area)),
            f"{_never(robot, rule.area)} (standing rule '{rule.name}': {rule.reason})",
        )
        for robot in tree.robots()
        for rule in site.rules
        if robot in rule.robots
    ]
    return Specification((*tasks, *rules, *standing))


def sequence_formula(group: Group) -> Formula:
    """Every child completes, none before or together with the one in front of it.

    `!done(b) U (done(a) & !done(b))` for each neighbour b of a, and `F done` of the last.
    """
    completions = [_completes(child) for child in group.children]
    in_order = [ltl.until(ltl.not_(second), ltl.and_(first, ltl.not_(second))) for first, second in pairwise(completions)]
    return ltl.and_(*in_order, ltl.finally_(completions[-1]))


def keep_out(rule: KeepOut) -> Formula:
    """`G !at(robot,place)`."""
    return ltl.globally(ltl.not_(ltl.atom(at(rule.robot, rule.place))))


def _tasks(node: Node) -> Iterator[NamedFormula]:
    """What a node asks for beside its parent: of a parallel group that is what its children ask for."""
    if isinstance(node, Step):
        yield NamedFormula(node.node, "task", ltl.finally_(_completes(node)), node_clause(node), node.node)
        return
    if node.order == "sequence":
        yield NamedFormula(node.node, "task", sequence_formula(node), node_clause(node), node.node)
    for child in node.children:
        if node.order == "parallel" or isinstance(child, Group):
            yield from _tasks(child)


def _completes(node: Node) -> Formula:
    return ltl.atom(done(node.node))


def _never(robot: str, place: str) -> str:
    return f"{robot} never enters the {place}"
