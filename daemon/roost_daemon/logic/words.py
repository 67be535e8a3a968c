"""Formulas in plain English. What an atom means is the caller's to say."""

from __future__ import annotations

from collections.abc import Callable

from roost_daemon.logic.formula import Formula, Operator


def describe(formula: Formula, atom_words: Callable[[str], str] = lambda name: name) -> str:
    """The formula as an English clause, without a full stop.

    atom_words: an atom's clause ("drone1 is in the yard") by its name. Brackets keep apart what English would not.
    """
    return _clause(formula, atom_words)


def _clause(formula: Formula, atom_words: Callable[[str], str]) -> str:
    def part(index: int) -> str:
        return _part(formula.operands[index], atom_words)

    match formula.operator:
        case Operator.TRUE:
            return "whatever happens"
        case Operator.FALSE:
            return "nothing that can happen"
        case Operator.ATOM:
            return atom_words(formula.name)
        case Operator.NOT:
            return f"not {part(0)}"
        case Operator.AND:
            return " and ".join(_part(operand, atom_words) for operand in formula.operands)
        case Operator.OR:
            return "either " + " or ".join(_part(operand, atom_words) for operand in formula.operands)
        case Operator.IMPLIES:
            return f"if {part(0)}, then {part(1)}"
        case Operator.NEXT:
            return f"there is a next moment and there {part(0)}"
        case Operator.WEAK_NEXT:
            return f"at the next moment, if there is one, {part(0)}"
        case Operator.FINALLY:
            return f"at some time {part(0)}"
        case Operator.GLOBALLY if formula.operands[0].operator is Operator.NOT:
            return f"never {_part(formula.operands[0].operands[0], atom_words)}"
        case Operator.GLOBALLY:
            return f"always {part(0)}"
        case Operator.UNTIL if formula.operands[0].operator is Operator.NOT:
            return f"not {_part(formula.operands[0].operands[0], atom_words)} before {part(1)}, which must come"
        case Operator.UNTIL:
            return f"{part(0)} until {part(1)}, which must come"
        case _:
            return f"{part(1)} to the end, or up to and including the moment when {part(0)}"


def _part(formula: Formula, atom_words: Callable[[str], str]) -> str:
    clause = _clause(formula, atom_words)
    return clause if formula.operator is Operator.ATOM else f"({clause})"
