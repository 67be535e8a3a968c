"""All that a running skill may touch: its robot, the daemon's cameras and models, the time, and a voice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from roost.client import RoostClient
from roost.clock import Clocks, Deadline
from roost.robot import Robot
from roost.skill import Look, Perception, Rectangle


@dataclass(frozen=True, slots=True)
class RunContext:
    """The context of one run. voice: takes what `say` says."""

    robot: Robot
    perception: Perception
    clocks: Clocks
    deadline: Deadline
    voice: Callable[[str], Awaitable[None]]

    async def say(self, message: str) -> None:
        """Tell whoever watches what the skill does now."""
        await self.voice(message)


@dataclass(frozen=True, slots=True)
class DaemonPerception:
    """The frame's road behind the daemon. No look may end later than the run, whatever the skill asks for.

    camera: the robot's own, looked through where the skill names none. run_deadline: by when the run must be done.
    """

    client: RoostClient
    camera: str
    run_deadline: Deadline

    async def look(
        self,
        model: str,
        *,
        camera: str = "",
        frame_id: int = 0,
        region: Rectangle | None = None,
        deadline: Deadline | None = None,
    ) -> Look:
        """Run a model on a frame by a deadline; see `roost.skill.Perception`."""
        return await self.client.infer(
            model,
            camera=camera or self.camera,
            frame_id=frame_id,
            region=region,
            deadline=self.run_deadline.earlier(deadline),
        )
