"""The definition: when a formula holds on a finite trace. Slow and plain; the automata are tested against it.

Source: De Giacomo and Vardi, "Linear Temporal Logic and Linear Dynamic Logic on Finite Traces", IJCAI 2013, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from roost_daemon.logic.formula import Formula, Operator


def holds(formula: Formula, trace: Sequence[AbstractSet[str]]) -> bool:
    """Whether the formula holds at the first position of the trace.

    Raises `ValueError` for the empty trace, on which LTL over finite traces is not defined.
    """
    if not trace:
        raise ValueError("a trace has at least one letter")
    return _truth(formula, trace, {})[0]


def _truth(formula: Formula, trace: Sequence[AbstractSet[str]], known: dict[Formula, list[bool]]) -> list[bool]:
    """The formula's truth at every position."""
    if formula in known:
        return known[formula]
    below = [_truth(operand, trace, known) for operand in formula.operands]
    positions = range(len(trace))
    match formula.operator:
        case Operator.TRUE:
            truth = [True for _ in positions]
        case Operator.FALSE:
            truth = [False for _ in positions]
        case Operator.ATOM:
            truth = [formula.name in letter for letter in trace]
        case Operator.NOT:
            truth = [not here for here in below[0]]
        case Operator.AND:
            truth = [all(operand[i] for operand in below) for i in positions]
        case Operator.OR:
            truth = [any(operand[i] for operand in below) for i in positions]
        case Operator.IMPLIES:
            truth = [not below[0][i] or below[1][i] for i in positions]
        case Operator.NEXT:
            truth = [*below[0][1:], False]
        case Operator.WEAK_NEXT:
            truth = [*below[0][1:], True]
        case Operator.FINALLY:
            truth = [any(below[0][i:]) for i in positions]
        case Operator.GLOBALLY:
            truth = [all(below[0][i:]) for i in positions]
        case Operator.UNTIL:
            truth = [_until(below[0], below[1], i) for i in positions]
        case Operator.RELEASE:
            # The dual of until, spelled out by negation.
            truth = [not _until([not x for x in below[0]], [not x for x in below[1]], i) for i in positions]
    known[formula] = truth
    return truth


def _until(left: Sequence[bool], right: Sequence[bool], start: int) -> bool:
    return any(right[end] and all(left[start:end]) for end in range(start, len(right)))
