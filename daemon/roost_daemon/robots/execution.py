"""One command on its way through a gateway: what was asked, how it stands, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import anyio

from roost.clock import Deadline
from roost.errors import RoostError
from roost.robot import Pose
from roost_daemon.robots.command_gate import Route


@dataclass(frozen=True, slots=True)
class Navigate:
    """Go to a place, or to a pose where `place` is empty."""

    place: str = ""
    pose: Pose | None = None

    def __str__(self) -> str:
        if self.pose is not None and not self.place:
            return f"navigate ({self.pose.x_m:.2f}, {self.pose.y_m:.2f})"
        return f"navigate {self.place}"


@dataclass(frozen=True, slots=True)
class Grasp:
    """Take an object at the robot's place."""

    object_name: str

    def __str__(self) -> str:
        return f"grasp {self.object_name}"


@dataclass(frozen=True, slots=True)
class Release:
    """Put down what the robot holds."""

    def __str__(self) -> str:
        return "release"


@dataclass(frozen=True, slots=True)
class RobotCommand:
    """What is asked. issuer: who asks; avoid: areas to keep out of besides the standing rules; closed: closed passages."""

    action: Navigate | Grasp | Release
    issuer: str = ""
    avoid: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    deadline: Deadline | None = None

    def __str__(self) -> str:
        return f"{self.action} ({self.issuer})" if self.issuer else str(self.action)


class End(Enum):
    """The ways in which a command ends. One that is refused never begins."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(eq=False, slots=True)
class Execution:
    """A command that was accepted. end: how it will have ended once `finished` is set; leg: the
    number of the present one; at_rest: whether the robot was brought to rest at its end.
    """

    command: RobotCommand
    route: Route | None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    finished: anyio.Event = field(default_factory=anyio.Event)
    end: End | None = None
    error: RoostError | None = None
    leg: int = 0
    at_rest: bool = False

    def conclude(self, end: End, error: RoostError | None = None) -> None:
        """Settle how it ends, and interrupt what it does; only the first call counts."""
        if self.end is None:
            self.end, self.error = end, error
            self.scope.cancel()
