"""The port to a robot: what a gateway needs of it. `roost_daemon.ros.navigation` implements it for ROS 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from roost.robot import Pose
from roost_daemon.robots.motion import Motion


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action of the robot ended, in its own words."""

    succeeded: bool
    message: str = ""
    error_code: int = 0


class Driver(Protocol):
    """A robot. Its calls may wait for ever: whoever calls sets the bound."""

    def motion(self) -> Motion | None:
        """What its odometry says so far; None before the first report."""
        ...

    def holding(self) -> str | None:
        """What it says that it holds; None if it never said."""
        ...

    async def go_to(self, target: Pose) -> Outcome:
        """Send it straight to a pose near by. Cancelling the call gives up waiting; only `cancel_all` stops the robot.

        Raises `roost.errors.UnavailableError` where it has no one to ask.
        """
        ...

    async def cancel_all(self) -> None:
        """Cancel everything that it does, whoever asked for it; returns when it has heard.

        Raises `roost.errors.UnavailableError` where it has no one to ask.
        """
        ...

    async def grasp(self) -> Outcome:
        """Take the object at its place. Raises `roost.errors.UnavailableError`."""
        ...

    async def release(self) -> Outcome:
        """Put down what it holds. Raises `roost.errors.UnavailableError`."""
        ...
