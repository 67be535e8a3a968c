"""The face for authors of skills: a contract and one coroutine.

    class Wave:
        contract = SkillContract(name="wave", …)

        async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
            await context.say("waving")
            …

A skill is an object with these two members. It runs in a process of its own, without ROS; it reaches the robot and the
cameras only through the `SkillContext` that it is handed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from roost.clock import Clocks, Deadline
from roost.contract import SkillContract
from roost.robot import Robot


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a frame in pixels, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that a model found: class, confidence from 0 to 1, where, and what was read if it is text."""

    label: str
    score: float
    region: Rectangle
    text: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One look through a camera by one model. outcome: `on_time`, `late` or `dropped`; target: `edge`, `cloud`, `none`."""

    model: str
    frame_id: int
    outcome: str
    target: str
    drop_reason: str
    sightings: tuple[Sighting, ...]


class Perception(Protocol):
    """The frame's road as a skill sees it."""

    async def look(
        self,
        model: str,
        *,
        camera: str = "",
        frame_id: int = 0,
        region: Rectangle | None = None,
        deadline: Deadline | None = None,
    ) -> Look:
        """Run a model on the robot's camera (or a named one), on its newest frame (or a frame named before), by a deadline.

        Raises `roost.errors.UnknownNameError` for a model or camera that does not exist.
        """
        ...


class SkillContext(Protocol):
    """All that a running skill may touch."""

    @property
    def robot(self) -> Robot:
        """The robot that this run acts on."""
        ...

    @property
    def perception(self) -> Perception:
        """The cameras and models of the daemon."""
        ...

    @property
    def clocks(self) -> Clocks:
        """The time."""
        ...

    @property
    def deadline(self) -> Deadline | None:
        """By when this run must be done."""
        ...

    async def say(self, message: str) -> None:
        """Tell whoever watches what the skill does now."""
        ...


class Skill(Protocol):
    """A contract and what fulfils it."""

    contract: SkillContract

    async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Do it; the result is what was found, as plain JSON values.

        Raises `roost.errors.RoostError` types for failures. A cancelled run must leave what its contract says.
        """
        ...
