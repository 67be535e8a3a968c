"""Negation normal form: `not` before atoms only, no implication; what progression starts from."""

from __future__ import annotations

from collections.abc import Callable

from roost_daemon.logic import formula as ltl
from roost_daemon.logic.formula import Formula, Operator

_BUILD: dict[Operator, Callable[..., Formula]] = {
    Operator.AND: ltl.and_,
    Operator.OR: ltl.or_,
    Operator.NEXT: ltl.next_,
    Operator.WEAK_NEXT: ltl.weak_next,
    Operator.UNTIL: ltl.until,
    Operator.RELEASE: ltl.release,
    Operator.FINALLY: ltl.finally_,
    Operator.GLOBALLY: ltl.globally,
}
_DUAL = {
    Operator.AND: Operator.OR,
    Operator.OR: Operator.AND,
    Operator.NEXT: Operator.WEAK_NEXT,
    Operator.WEAK_NEXT: Operator.NEXT,
    Operator.UNTIL: Operator.RELEASE,
    Operator.RELEASE: Operator.UNTIL,
    Operator.FINALLY: Operator.GLOBALLY,
    Operator.GLOBALLY: Operator.FINALLY,
}


def negation_normal_form(formula: Formula) -> Formula:
    """The same language with `not` before atoms only and without implication.

    Source: De Giacomo and Vardi, IJCAI 2013, section 2 (X and WX are duals on finite traces).
    """
    return _positive(formula, False, {})


def _positive(formula: Formula, negated: bool, known: dict[tuple[Formula, bool], Formula]) -> Formula:
    key = (formula, negated)
    if key in known:
        return known[key]
    operator, operands = formula.operator, formula.operands
    match operator:
        case Operator.TRUE | Operator.FALSE | Operator.ATOM:
            result = ltl.not_(formula) if negated else formula
        case Operator.NOT:
            result = _positive(operands[0], not negated, known)
        case Operator.IMPLIES:
            condition = _positive(operands[0], not negated, known)
            consequence = _positive(operands[1], negated, known)
            result = ltl.and_(condition, consequence) if negated else ltl.or_(condition, consequence)
        case _:
            build = _BUILD[_DUAL[operator] if negated else operator]
            result = build(*(_positive(operand, negated, known) for operand in operands))
    known[key] = result
    return result
