"""The task tree: what a goal asks for, typed, before any planning.

Leaves are steps (a skill with its arguments on a robot), inner nodes order their children. Rules stand beside the tree: what
must never happen while the mission runs. Atomic propositions that the rest of the house speaks about a mission:

    at(ROBOT,PLACE)   the robot's odometry lies in the area PLACE
    done(NODE)        the step or group NODE completed, true at the one position of the trace where it did
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["sequence", "parallel"]


@dataclass(frozen=True, slots=True)
class Step:
    """A leaf: one skill on one robot. node: its place in the tree ("1.2"); robot: empty until one is chosen."""

    node: str
    label: str
    skill: str
    robot: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """An inner node: its children one after the other, or side by side."""

    node: str
    label: str
    order: Order
    children: tuple[Node, ...]


Node = Step | Group


@dataclass(frozen=True, slots=True)
class KeepOut:
    """A rule of one mission: the robot never enters the place. robot: empty for every robot, until the tree is grounded."""

    robot: str
    place: str


@dataclass(frozen=True, slots=True)
class TaskTree:
    """A goal, understood: its text, its tree, its rules. notes: where the text left a choice, what was chosen, in words."""

    goal: str
    root: Node
    rules: tuple[KeepOut, ...] = ()
    notes: tuple[str, ...] = ()

    def steps(self) -> Iterator[Step]:
        """The leaves from left to right."""
        return (node for node in self.nodes() if isinstance(node, Step))

    def nodes(self) -> Iterator[Node]:
        """All nodes, each before its children."""
        return _nodes(self.root)

    def robots(self) -> tuple[str, ...]:
        """The robots that it moves, each once, from left to right."""
        return tuple(dict.fromkeys(step.robot for step in self.steps() if step.robot))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Group):
        for child in node.children:
            yield from _nodes(child)


def at(robot: str, place: str) -> str:
    """The proposition that the robot is in the place."""
    return f"at({robot},{place})"


def done(node: str) -> str:
    """The proposition that the node completes now."""
    return f"done({node})"
