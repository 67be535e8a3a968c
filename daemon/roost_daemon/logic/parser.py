"""The infix notation: `G !at(drone1,yard)`, `F (done(1.1) & F done(1.2))`, `!a U b`, `X a`, `WX a`.

Binding from loose to tight: `->` (to the right), `|`, `&`, `U` and `R` (to the right), then `!`, `X`, `WX`, `F`, `G`. An atom
is a name (letters, digits, `_`, `.`, `-`; not one of the operators' names), with or without arguments in brackets, which may
hold anything but `( ) & | ! ~ ,`; blanks around an argument do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from roost.errors import RoostError
from roost_daemon.logic import formula as ltl
from roost_daemon.logic.formula import Formula, FormulaTooDeepError

MAX_LENGTH = 100_000
"""Characters; a longer text is refused before it is read."""

MAX_BRACKETS = 64
"""Open at once. A bracket costs five calls of the reader, so it has a bound below that of a formula's depth."""


class FormulaSyntaxError(RoostError):
    """The text is no formula. position: the character, from 0, at which reading stopped; expected: what could stand there."""

    reason = "FORMULA_SYNTAX"

    def __init__(self, message: str, *, position: int, expected: str) -> None:
        super().__init__(message, remedy=f"expected {expected}")
        self.position = position
        self.expected = expected


def parse(text: str) -> Formula:
    """The formula that the text denotes, simplified as the constructors do.

    Raises `FormulaSyntaxError`, and `FormulaTooDeepError` where it nests deeper than `formula.MAX_DEPTH`.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaSyntaxError(
            f"the formula has {len(text)} characters", position=MAX_LENGTH, expected=f"at most {MAX_LENGTH} characters"
        )
    return _Reader(text).whole()


_SIGNS = re.compile(r"->|&&?|\|\|?|[()!~]")
_NAME = r"\w(?:[\w.]|-(?!>))*"
_ARGUMENT = r"[^()&|!~,\r\n]+"
_ATOM = re.compile(rf"(?P<name>{_NAME})(?P<arguments>\({_ARGUMENT}(?:,{_ARGUMENT})*\))?")
_AROUND = re.compile(r"\s*([(),])\s*")
_SPELLING = {"&&": "&", "||": "|", "~": "!"}
_PREFIX: dict[str, Callable[[Formula], Formula]] = {
    "!": ltl.not_,
    "X": ltl.next_,
    "WX": ltl.weak_next,
    "F": ltl.finally_,
    "G": ltl.globally,
}
_TEMPORAL: dict[str, Callable[[Formula, Formula], Formula]] = {"U": ltl.until, "R": ltl.release}
_CONSTANTS = {"true": ltl.TRUE, "false": ltl.FALSE}
_OPERAND = "an atom, '(' or one of ! X WX F G true false"


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    position: int
    is_atom: bool = False


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        sign = _SIGNS.match(text, position)
        if sign:
            tokens.append(_Token(_SPELLING.get(sign.group(), sign.group()), position))
            position = sign.end()
            continue
        word = _ATOM.match(text, position)
        if not word:
            raise FormulaSyntaxError(
                f"the formula cannot be read at '{text[position]}' (character {position})",
                position=position,
                expected=_OPERAND,
            )
        name = word["name"]
        if name in _PREFIX or name in _TEMPORAL or name in _CONSTANTS:
            tokens.append(_Token(name, position))
            position += len(name)
        else:
            tokens.append(_Token(name + _AROUND.sub(r"\1", word["arguments"] or ""), position, is_atom=True))
            position = word.end()
    tokens.append(_Token("", len(text)))
    return tokens


class _Reader:
    """Recursive descent."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._index = 0
        self._brackets = 0

    def whole(self) -> Formula:
        formula = self._implication()
        if self._token.text:
            raise self._unexpected("an operator (-> | & U R) or the end")
        return formula

    @property
    def _token(self) -> _Token:
        return self._tokens[self._index]

    def _accept(self, *texts: str) -> str:
        """The token's text if it is one of these, which are then read; the empty string otherwise."""
        token = self._token
        if token.is_atom or token.text not in texts:
            return ""
        self._index += 1
        return token.text

    def _implication(self) -> Formula:
        parts = [self._disjunction()]
        while self._accept("->"):
            parts.append(self._disjunction())
        formula = parts.pop()
        while parts:
            formula = ltl.implies(parts.pop(), formula)
        return formula

    def _disjunction(self) -> Formula:
        parts = [self._conjunction()]
        while self._accept("|"):
            parts.append(self._conjunction())
        return ltl.or_(*parts)

    def _conjunction(self) -> Formula:
        parts = [self._temporal()]
        while self._accept("&"):
            parts.append(self._temporal())
        return ltl.and_(*parts)

    def _temporal(self) -> Formula:
        parts = [self._operand()]
        operators = []
        while operator := self._accept(*_TEMPORAL):
            operators.append(_TEMPORAL[operator])
            parts.append(self._operand())
        formula = parts.pop()
        while parts:
            formula = operators.pop()(parts.pop(), formula)
        return formula

    def _operand(self) -> Formula:
        prefixes = []
        while prefix := self._accept(*_PREFIX):
            prefixes.append(_PREFIX[prefix])
        formula = self._primary()
        while prefixes:
            formula = prefixes.pop()(formula)
        return formula

    def _primary(self) -> Formula:
        token = self._token
        if token.is_atom:
            self._index += 1
            return ltl.atom(token.text)
        if constant := self._accept(*_CONSTANTS):
            return _CONSTANTS[constant]
        if not self._accept("("):
            raise self._unexpected(_OPERAND)
        self._brackets += 1
        if self._brackets > MAX_BRACKETS:
            raise FormulaTooDeepError(
                f"the formula opens more than {MAX_BRACKETS} brackets at character {token.position}",
                remedy="split it into several formulas",
            )
        formula = self._implication()
        if not self._accept(")"):
            raise self._unexpected("an operator (-> | & U R) or ')'")
        self._brackets -= 1
        return formula

    def _unexpected(self, expected: str) -> FormulaSyntaxError:
        token = self._token
        found = f"at '{token.text}' (character {token.position})" if token.text else "at its end"
        return FormulaSyntaxError(f"the formula cannot be read {found}", position=token.position, expected=expected)
