"""The words of planning: what is known of the world, a planned step, a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from roost.contract import SkillContract
from roost.errors import RefusedError
from roost_daemon.site.model import Point
from roost_daemon.site.way import Way

_AT = re.compile(r"at\((\w+),(\w+)\)")


class ImpossibleError(RefusedError):
    """No plan does what is asked; the message says which step cannot be done and because of what."""

    reason = "IMPOSSIBLE"


@dataclass(frozen=True, slots=True)
class World:
    """What is known when a plan is made.

    robots: where each robot is, in metres on the map. objects: the area where each object lies that lies somewhere.
    holding: the object that a robot holds, by robot. closed: passages that are known to be closed.
    """

    robots: Mapping[str, Point]
    objects: Mapping[str, str]
    holding: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One skill on one robot. after: the nodes that must be done before; start_s, end_s: estimated, from the plan's start.

    avoid: the areas that this robot keeps out of, by the mission's rules and the standing ones. ways: one for each place
    that the skill visits, in order.
    """

    node: str
    label: str
    skill: str
    robot: str
    arguments: Mapping[str, str]
    after: tuple[str, ...]
    avoid: tuple[str, ...]
    ways: tuple[Way, ...]
    start_s: float
    end_s: float

    @property
    def length_m(self) -> float:
        """The length of its way."""
        return sum(way.length_m for way in self.ways)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which they may begin, and the passages that it was told are closed."""

    steps: tuple[PlannedStep, ...]
    closed: frozenset[str] = frozenset()
    _by_node: Mapping[str, PlannedStep] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_node", {step.node: step for step in self.steps})

    @property
    def makespan_s(self) -> float:
        """How long it is estimated to take, from the start of the first step to the end of the last."""
        return max((step.end_s for step in self.steps), default=0.0)

    def step(self, node: str) -> PlannedStep | None:
        """The step of a node, None where the plan has none."""
        return self._by_node.get(node)

    def words(self) -> tuple[str, ...]:
        """The plan in plain words, a line a step and one for the whole."""
        lines = [_words(step) for step in self.steps]
        closed = f", with {', '.join(sorted(self.closed))} closed" if self.closed else ""
        return (*lines, f"the plan takes about {self.makespan_s:.0f} s{closed}")


def moved_objects(contract: SkillContract, arguments: Mapping[str, str]) -> dict[str, str]:
    """The area where each object lies after a run, of those that the skill's effects `at(object,place)` move."""
    moved = {}
    for effect in contract.effects:
        match = _AT.fullmatch(effect)
        if match and match[1] in arguments and match[2] in arguments:
            moved[arguments[match[1]]] = arguments[match[2]]
    return moved


def _words(step: PlannedStep) -> str:
    after = f", after {', '.join(step.after)}" if step.after else ""
    passages = [passage for way in step.ways for passage in way.passages]
    way = f", {step.length_m:.1f} m by {', '.join(passages)}" if passages else ""
    return f"{step.node} {step.robot}: {step.label}{way}{after} ({step.start_s:.0f}-{step.end_s:.0f} s)"
