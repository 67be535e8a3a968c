"""The robot port: what drivers implement and what skills see of a robot.

A skill holds a `Robot` and nothing else that could move anything. Behind it stands the robot's gateway, which checks every
command against the standing rules and bounds before the robot hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from roost.clock import Deadline
from roost.errors import RoostError


@dataclass(frozen=True, slots=True)
class Pose:
    """Position in metres and heading in radians (counter-clockwise from east) in the frame `map`."""

    x_m: float
    y_m: float
    yaw_rad: float = 0.0
    z_m: float = 0.0


@dataclass(frozen=True, slots=True)
class RobotState:
    """A robot by its own odometry. place: the place it is in, empty for none; holding: the object it holds, or empty."""

    robot: str
    pose: Pose
    speed_mps: float
    odometry_age_ns: int
    place: str
    holding: str
    activity: str


class CommandFailedError(RoostError):
    """The robot could not do what was asked. `failed_passage` names the passage in which it failed, if known."""

    reason = "COMMAND_FAILED"

    def __init__(self, message: str, *, remedy: str = "", failed_passage: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.failed_passage = failed_passage


class Robot(Protocol):
    """A robot as a skill sees it. Every call returns when it is done; cancelling the caller cancels the command.

    Raises `CommandFailedError` where the robot could not, `roost.errors.RefusedError` where a rule or bound forbids it,
    and `roost.errors.UnavailableError` where its gateway does not answer.
    """

    async def state(self) -> RobotState:
        """Read where it is and what it does."""
        ...

    async def navigate(self, place: str, deadline: Deadline | None = None) -> None:
        """Go to a place by name."""
        ...

    async def grasp(self, object_name: str, deadline: Deadline | None = None) -> None:
        """Take an object at the robot's place."""
        ...

    async def release(self, deadline: Deadline | None = None) -> None:
        """Put down what it holds."""
        ...

    async def stop(self) -> None:
        """Cancel whatever it does; returns when odometry shows rest."""
        ...
