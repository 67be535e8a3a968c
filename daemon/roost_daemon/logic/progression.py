"""Progression: what remains to be shown of a formula after a letter, in a canonical form that keeps the states few.

A state is a positive Boolean function over obligations "φ holds at the next position, which must exist" (strong) and "φ holds
at the next position if there is one" (weak), kept as a decision diagram: two states that mean the same by propositional
reasoning are the same number, so there are finitely many and mostly as few as in the minimal automaton. The successors
of a state are one diagram too: atoms above, states at its ends, so letters are never listed.

Source of the expansion rules: Bacchus and Kabanza, "Planning for Temporally Extended Goals", 1998, with the weak next of De
Giacomo and Vardi, IJCAI 2013; of states as diagrams: the LTLf translation of Spot (Duret-Lutz et al.).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from roost_daemon.logic.diagram import FALSE, TRUE, Diagrams, LogicLimitError
from roost_daemon.logic.formula import Formula, Operator
from roost_daemon.logic.normal import negation_normal_form

NODE_LIMIT = 400_000
"""Diagram nodes of one progression, about 100 MB at the worst."""

VARIABLE_LIMIT = 300
"""Atoms, and obligations, of one progression: diagrams recurse once a variable."""

_FIRST_OBLIGATION = 1 << 20
"""Obligations are numbered from here, atoms from 0: in every diagram the atoms stand above."""


class Progression:
    """The states of one formula and how letters lead from one to the next, worked out as asked for.

    formula: over non-empty traces. initial: the state before the first letter. Raises `LogicLimitError` where the formula
    needs more than `NODE_LIMIT` or `VARIABLE_LIMIT`.
    """

    def __init__(self, formula: Formula) -> None:
        self._diagrams = Diagrams(NODE_LIMIT)
        self._atoms = {name: number for number, name in enumerate(formula.atoms())}
        if len(self._atoms) > VARIABLE_LIMIT:
            raise LogicLimitError(
                f"the formula has {len(self._atoms)} atoms, more than {VARIABLE_LIMIT}",
                remedy="split it into several formulas",
            )
        self._names = tuple(self._atoms)
        self._obligations: list[tuple[Formula, bool]] = []
        self._variables: dict[tuple[Formula, bool], int] = {}
        self._expansions: dict[Formula, int] = {}
        self._successors: dict[int, int] = {FALSE: FALSE, TRUE: TRUE}
        self._accepting: dict[int, bool] = {FALSE: False, TRUE: True}
        self.initial = self._start(negation_normal_form(formula))

    def accepts(self, state: int) -> bool:
        """Whether the trace may end here (for the initial state: what an empty trace would leave, by convention)."""
        known = self._accepting.get(state)
        if known is None:
            variable, low, high = self._diagrams.node(state)
            _, strong = self._obligations[variable - _FIRST_OBLIGATION]
            known = self._accepting[state] = self.accepts(low if strong else high)
        return known

    def advance(self, state: int, letter: AbstractSet[str]) -> int:
        """The state after the letter."""
        diagram = self.successors(state)
        while not self.is_state(diagram):
            variable, low, high = self._diagrams.node(diagram)
            diagram = high if self._names[variable] in letter else low
        return diagram

    def edges(self, state: int) -> Iterator[tuple[frozenset[str], int]]:
        """The different next states, each with one letter that leads there and holds no atom without need."""
        seen = set()
        waiting: list[tuple[int, tuple[str, ...]]] = [(self.successors(state), ())]
        while waiting:
            diagram, letter = waiting.pop()
            if diagram in seen:
                continue
            seen.add(diagram)
            if self.is_state(diagram):
                yield frozenset(letter), diagram
            else:
                variable, low, high = self._diagrams.node(diagram)
                waiting.append((high, (*letter, self._names[variable])))
                waiting.append((low, letter))

    def successors(self, state: int) -> int:
        """All next states as one diagram: its tests are atoms (`branch`) until `is_state`."""
        known = self._successors.get(state)
        if known is None:
            variable, low, high = self._diagrams.node(state)
            obligation, _ = self._obligations[variable - _FIRST_OBLIGATION]
            # States are monotone in their obligations, so "if p then high else low" is "low or (p and high)".
            met = self._diagrams.conjunction(self._expansion(obligation), self.successors(high))
            known = self._successors[state] = self._diagrams.disjunction(self.successors(low), met)
        return known

    def is_state(self, diagram: int) -> bool:
        """Whether a diagram of `successors` tests no atom any more."""
        return diagram in (FALSE, TRUE) or self._diagrams.node(diagram)[0] >= _FIRST_OBLIGATION

    def branch(self, diagram: int) -> tuple[str, int, int]:
        """The atom that the diagram tests, the diagram where it is false, the diagram where it is true."""
        variable, low, high = self._diagrams.node(diagram)
        return self._names[variable], low, high

    def _start(self, formula: Formula) -> int:
        """The formula as a state: each part as the obligation of the kind that it will have again after a letter."""
        match formula.operator:
            case Operator.TRUE:
                return TRUE
            case Operator.FALSE:
                return FALSE
            case Operator.AND | Operator.OR:
                return self._junction(formula.operator, [self._start(operand) for operand in formula.operands])
            case operator:
                weak = (Operator.GLOBALLY, Operator.RELEASE, Operator.WEAK_NEXT)
                return self._obligation(formula, strong=operator not in weak)

    def _expansion(self, formula: Formula) -> int:
        """The formula here as a function of this letter and the obligations that it leaves."""
        known = self._expansions.get(formula)
        if known is None:
            known = self._expansions[formula] = self._expand(formula)
        return known

    def _expand(self, formula: Formula) -> int:
        conjunction, disjunction = self._diagrams.conjunction, self._diagrams.disjunction
        operator, operands = formula.operator, formula.operands
        match operator:
            case Operator.TRUE:
                return TRUE
            case Operator.FALSE:
                return FALSE
            case Operator.ATOM:
                return self._diagrams.choose(self._atoms[formula.name], FALSE, TRUE)
            case Operator.NOT:
                return self._diagrams.choose(self._atoms[operands[0].name], TRUE, FALSE)
            case Operator.AND | Operator.OR:
                return self._junction(operator, [self._expansion(operand) for operand in operands])
            case Operator.NEXT:
                return self._next(operands[0], strong=True)
            case Operator.WEAK_NEXT:
                return self._next(operands[0], strong=False)
            case Operator.FINALLY:
                return disjunction(self._expansion(operands[0]), self._obligation(formula, strong=True))
            case Operator.GLOBALLY:
                return conjunction(self._expansion(operands[0]), self._obligation(formula, strong=False))
            case Operator.UNTIL:
                stays = conjunction(self._expansion(operands[0]), self._obligation(formula, strong=True))
                return disjunction(self._expansion(operands[1]), stays)
            case Operator.RELEASE:
                freed = disjunction(self._expansion(operands[0]), self._obligation(formula, strong=False))
                return conjunction(self._expansion(operands[1]), freed)
            case _:
                raise AssertionError(f"{operator} is not in negation normal form")

    def _next(self, formula: Formula, *, strong: bool) -> int:
        """Next distributes over and, or: smaller obligations meet more often, so the states stay few."""
        match formula.operator:
            case Operator.AND | Operator.OR:
                return self._junction(formula.operator, [self._next(operand, strong=strong) for operand in formula.operands])
            case _:
                return self._obligation(formula, strong=strong)

    def _junction(self, operator: Operator, diagrams: list[int]) -> int:
        join = self._diagrams.conjunction if operator is Operator.AND else self._diagrams.disjunction
        result = diagrams[0]
        for diagram in diagrams[1:]:
            result = join(result, diagram)
        return result

    def _obligation(self, formula: Formula, *, strong: bool) -> int:
        key = (formula, strong)
        if key not in self._variables:
            if len(self._obligations) >= VARIABLE_LIMIT:
                raise LogicLimitError(
                    f"the formula has more than {VARIABLE_LIMIT} obligations", remedy="split it into several formulas"
                )
            self._variables[key] = _FIRST_OBLIGATION + len(self._obligations)
            self._obligations.append(key)
        return self._diagrams.choose(self._variables[key], FALSE, TRUE)
