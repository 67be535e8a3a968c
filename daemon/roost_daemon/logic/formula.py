"""The syntax of LTL over finite traces: immutable formulas and constructors that simplify as they build.

Build formulas with the functions below, never with `Formula(…)` itself: they keep `and` and `or` flat and free of
repetitions, drop what is trivially true or false, and bound the depth, so that every walk over a formula is safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from roost.errors import RoostError

MAX_DEPTH = 128
"""Formulas nest no deeper; a walk that recurses once a level stays far from the interpreter's limit."""


class FormulaTooDeepError(RoostError):
    """A formula would nest deeper than `MAX_DEPTH`."""

    reason = "TOO_LARGE"


class Operator(str, Enum):
    """What stands at the root of a formula; the value is its sign in the infix notation."""

    TRUE = "true"
    FALSE = "false"
    ATOM = "atom"
    NOT = "!"
    AND = "&"
    OR = "|"
    IMPLIES = "->"
    NEXT = "X"
    WEAK_NEXT = "WX"
    UNTIL = "U"
    RELEASE = "R"
    FINALLY = "F"
    GLOBALLY = "G"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula: its root operator, the formulas below, and the name if it is an atom.

    Equal when built equally; the hash is computed once. `str` gives the infix notation that `parser` reads.
    """

    operator: Operator
    operands: tuple[Formula, ...] = ()
    name: str = ""
    depth: int = field(init=False, compare=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        depth = 1 + max((operand.depth for operand in self.operands), default=0)
        if depth > MAX_DEPTH:
            raise FormulaTooDeepError(
                f"the formula nests deeper than {MAX_DEPTH} operators", remedy="split it into several formulas"
            )
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "_hash", hash((self.operator, self.operands, self.name)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return _infix(self)

    def atoms(self) -> tuple[str, ...]:
        """The names of its atoms, each once, in the order in which they first stand in it."""
        return tuple(dict.fromkeys(part.name for part in self.parts() if part.operator is Operator.ATOM))

    def parts(self) -> Iterator[Formula]:
        """The different sub-formulas, itself first, each before what stands below it and from left to right."""
        seen: set[Formula] = set()
        waiting = [self]
        while waiting:
            part = waiting.pop()
            if part not in seen:
                seen.add(part)
                yield part
                waiting.extend(reversed(part.operands))


TRUE = Formula(Operator.TRUE)
FALSE = Formula(Operator.FALSE)


def atom(name: str) -> Formula:
    """The atom of that name: true at a position whose letter holds it."""
    return Formula(Operator.ATOM, name=name)


def not_(operand: Formula) -> Formula:
    """The negation."""
    if operand.operator is Operator.TRUE:
        return FALSE
    if operand.operator is Operator.FALSE:
        return TRUE
    if operand.operator is Operator.NOT:
        return operand.operands[0]
    return Formula(Operator.NOT, (operand,))


def and_(*operands: Formula) -> Formula:
    """The conjunction of any number; of none it is true."""
    return _junction(Operator.AND, operands, neutral=TRUE, dominant=FALSE)


def or_(*operands: Formula) -> Formula:
    """The disjunction of any number; of none it is false."""
    return _junction(Operator.OR, operands, neutral=FALSE, dominant=TRUE)


def implies(condition: Formula, consequence: Formula) -> Formula:
    """If the condition holds, so does the consequence."""
    if condition == TRUE:
        return consequence
    if condition in (FALSE, consequence) or consequence == TRUE:
        return TRUE
    if consequence == FALSE:
        return not_(condition)
    return Formula(Operator.IMPLIES, (condition, consequence))


def next_(operand: Formula) -> Formula:
    """There is a next position and the operand holds there (strong)."""
    return FALSE if operand == FALSE else Formula(Operator.NEXT, (operand,))


def weak_next(operand: Formula) -> Formula:
    """This is the last position, or the operand holds at the next one."""
    return TRUE if operand == TRUE else Formula(Operator.WEAK_NEXT, (operand,))


def until(left: Formula, right: Formula) -> Formula:
    """The right operand holds at some position from here on, the left one at every position before that."""
    if right in (TRUE, FALSE) or left in (FALSE, right):
        return right
    return finally_(right) if left == TRUE else Formula(Operator.UNTIL, (left, right))


def release(left: Formula, right: Formula) -> Formula:
    """The right operand holds up to and including the first position of the left one, or to the end."""
    if right in (TRUE, FALSE) or left in (TRUE, right):
        return right
    return globally(right) if left == FALSE else Formula(Operator.RELEASE, (left, right))


def finally_(operand: Formula) -> Formula:
    """The operand holds at some position from here on."""
    trivial = operand in (TRUE, FALSE) or operand.operator is Operator.FINALLY
    return operand if trivial else Formula(Operator.FINALLY, (operand,))


def globally(operand: Formula) -> Formula:
    """The operand holds at every position from here on."""
    trivial = operand in (TRUE, FALSE) or operand.operator is Operator.GLOBALLY
    return operand if trivial else Formula(Operator.GLOBALLY, (operand,))


def is_stutter_invariant(formula: Formula) -> bool:
    """Whether repeating a letter can never change its truth, judged by its syntax: no next, strong or weak."""
    return all(part.operator not in (Operator.NEXT, Operator.WEAK_NEXT) for part in formula.parts())


def _junction(operator: Operator, operands: tuple[Formula, ...], neutral: Formula, dominant: Formula) -> Formula:
    kept: dict[Formula, None] = {}
    for operand in operands:
        for part in operand.operands if operand.operator is operator else (operand,):
            if part != neutral:
                kept[part] = None
    if dominant in kept or any(part.operator is Operator.NOT and part.operands[0] in kept for part in kept):
        return dominant
    if len(kept) <= 1:
        return next(iter(kept), neutral)
    return Formula(operator, tuple(kept))


_BINDING = {Operator.IMPLIES: 1, Operator.OR: 2, Operator.AND: 3, Operator.UNTIL: 4, Operator.RELEASE: 4}
_TIGHTEST = 5


def _infix(formula: Formula) -> str:
    operator, operands = formula.operator, formula.operands
    if operator is Operator.ATOM:
        return formula.name
    if not operands:
        return str(operator.value)
    binding = _BINDING.get(operator, _TIGHTEST)
    if len(operands) == 1:
        operand = _guarded(operands[0], binding)
        return f"!{operand}" if operator is Operator.NOT else f"{operator.value} {operand}"
    return f" {operator.value} ".join(_guarded(operand, binding + 1) for operand in operands)


def _guarded(formula: Formula, binding: int) -> str:
    text = _infix(formula)
    if formula.operator in (Operator.UNTIL, Operator.RELEASE):
        return f"({text})"  # nobody remembers how tightly they bind
    return text if _BINDING.get(formula.operator, _TIGHTEST) >= binding else f"({text})"
