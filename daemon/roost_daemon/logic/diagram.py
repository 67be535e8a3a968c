"""Binary decision diagrams: Boolean functions in a shared, canonical form, so that equal functions are the same number.

Source: Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", IEEE Transactions on Computers 35(8), 1986. Only
what progression needs: literals, and, or. A diagram is an integer that means something within its `Diagrams` only.
"""

from __future__ import annotations

from roost.errors import RoostError

FALSE = 0
TRUE = 1
_LEAF = 1 << 60


class LogicLimitError(RoostError):
    """A formula needs more states, variables or diagram nodes than it may have."""

    reason = "TOO_LARGE"


class Diagrams:
    """A store of diagrams over numbered variables; a smaller number stands nearer to the root.

    node_limit: more nodes are refused with `LogicLimitError`, so that no formula takes unbounded memory or time.
    """

    def __init__(self, node_limit: int) -> None:
        self._node_limit = node_limit
        self._nodes: list[tuple[int, int, int]] = [(_LEAF, FALSE, FALSE), (_LEAF, TRUE, TRUE)]
        self._number: dict[tuple[int, int, int], int] = {}
        self._and: dict[tuple[int, int], int] = {}
        self._or: dict[tuple[int, int], int] = {}

    def node(self, diagram: int) -> tuple[int, int, int]:
        """Variable, diagram where it is false, diagram where it is true. Not for `FALSE` and `TRUE`."""
        return self._nodes[diagram]

    def choose(self, variable: int, low: int, high: int) -> int:
        """If the variable then high else low; both over variables of larger numbers.

        Raises `LogicLimitError`.
        """
        if low == high:
            return low
        key = (variable, low, high)
        number = self._number.get(key)
        if number is None:
            if len(self._nodes) >= self._node_limit:
                raise LogicLimitError(
                    f"the formula needs more than {self._node_limit} diagram nodes", remedy="split it into several formulas"
                )
            number = self._number[key] = len(self._nodes)
            self._nodes.append(key)
        return number

    def conjunction(self, left: int, right: int) -> int:
        """And."""
        if left == right or right == TRUE:
            return left
        if left == TRUE:
            return right
        if FALSE in (left, right):
            return FALSE
        key = (left, right) if left < right else (right, left)
        result = self._and.get(key)
        if result is None:
            variable, (left_low, left_high), (right_low, right_high) = self._split(left, right)
            low = self.conjunction(left_low, right_low)
            result = self._and[key] = self.choose(variable, low, self.conjunction(left_high, right_high))
        return result

    def disjunction(self, left: int, right: int) -> int:
        """Or."""
        if left == right or right == FALSE:
            return left
        if left == FALSE:
            return right
        if TRUE in (left, right):
            return TRUE
        key = (left, right) if left < right else (right, left)
        result = self._or.get(key)
        if result is None:
            variable, (left_low, left_high), (right_low, right_high) = self._split(left, right)
            low = self.disjunction(left_low, right_low)
            result = self._or[key] = self.choose(variable, low, self.disjunction(left_high, right_high))
        return result

    def _split(self, left: int, right: int) -> tuple[int, tuple[int, int], tuple[int, int]]:
        """The topmost variable of both, and each diagram's two halves by it."""
        left_variable, left_low, left_high = self._nodes[left]
        right_variable, right_low, right_high = self._nodes[right]
        if left_variable == right_variable:
            return left_variable, (left_low, left_high), (right_low, right_high)
        if left_variable < right_variable:
            return left_variable, (left_low, left_high), (right, right)
        return right_variable, (left, left), (right_low, right_high)
