"""From tasks in the order of the text to a tree: who waits for whom.

Side by side is looser than one after the other: "A; meanwhile B, then C" is A beside (B, then C). Tasks joined by "and" are
side by side where they name different robots, and in the order of the text where they are one robot's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from roost_daemon.brain.tree import Group, Node, Order, Step
from roost_daemon.brain.words import GROUP_LABELS, step_label


class Joint(Enum):
    """How a task is joined to what stands before it."""

    FIRST = "first"
    AND = "and"
    THEN = "then"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Task:
    """What one robot (empty: whoever can) is to do, with names as the text has them."""

    robot: str
    skill: str
    arguments: Mapping[str, str]


class Arrangement:
    """Collects tasks into branches: one after the other within a branch, the branches side by side."""

    def __init__(self) -> None:
        self._branches: list[list[tuple[Joint, Task]]] = []
        self._last_branches: list[int] = []
        self._notes: dict[str, None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no task was added."""
        return not self._branches

    def note(self, note: str) -> None:
        """Keep a choice that was made, in words."""
        self._notes[note] = None

    def add(self, joint: Joint, tasks: Sequence[Task]) -> None:
        """Add what one part of the text asks for: the same task of each of its robots."""
        added = []
        for number, task in enumerate(tasks):
            branch = self._branch_for(joint if number == 0 or joint is Joint.THEN else Joint.AND, task, len(tasks))
            self._branches[branch].append((joint, task))
            added.append(branch)
        self._last_branches = added

    def last_two_beside(self) -> None:
        """The text ended with "at the same time": the last task is beside the one before it."""
        for branch in self._last_branches:
            if len(self._branches[branch]) > 1:
                self._branches.append([self._branches[branch].pop()])

    def tree(self) -> tuple[Node, tuple[str, ...]]:
        """The root, its nodes numbered from "1", and the choices that were made."""
        for branch in self._branches:
            for (_, before), (joint, task) in pairwise(branch):
                if joint is Joint.AND:
                    self.note(f"'and' between '{_label(before)}' and '{_label(task)}' is taken as the order of the text")
        sequences = [_Unnumbered("sequence", [_Unnumbered(task=task) for _, task in branch]) for branch in self._branches]
        return _Unnumbered("parallel", sequences).node("1"), tuple(self._notes)

    def _branch_for(self, joint: Joint, task: Task, robots: int) -> int:
        own = [index for index, branch in enumerate(self._branches) if branch and branch[-1][1].robot == task.robot]
        continues = joint is Joint.AND or (joint is Joint.THEN and robots > 1)
        if continues and own:
            return own[-1]
        if joint is Joint.THEN and self._branches and robots == 1:
            return self._last_branches[-1]
        self._branches.append([])
        return len(self._branches) - 1


class _Unnumbered:
    """A tree before its nodes have numbers; a group of one is that one."""

    def __init__(self, order: Order = "sequence", children: Sequence[_Unnumbered] = (), task: Task | None = None) -> None:
        self._order = order
        self._children = children
        self._task = task

    def node(self, number: str) -> Node:
        if self._task is not None:
            task = self._task
            return Step(number, _label(task), task.skill, task.robot, dict(task.arguments))
        if len(self._children) == 1:
            return self._children[0].node(number)
        nodes = tuple(child.node(f"{number}.{index}") for index, child in enumerate(self._children, start=1))
        return Group(number, GROUP_LABELS[self._order], self._order, nodes)


def _label(task: Task) -> str:
    return step_label(task.skill, task.arguments)
