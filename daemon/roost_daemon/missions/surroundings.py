"""What missions know of the world while they run: where the robots are, where the objects lie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import structlog

from roost.contract import SkillContract
from roost.errors import RoostError, UnavailableError
from roost.robot import RobotState
from roost_daemon.missions.ports import Fleet
from roost_daemon.planning.plan import PlannedStep, moved_objects
from roost_daemon.site.model import Site

_LOOK_AGAIN_S = 0.2


class Surroundings:
    """The robots through their gateways, and the objects as finished steps have left them.

    object_areas: the area where each object lies, by name.
    """

    def __init__(self, fleet: Fleet, site: Site, contracts: Mapping[str, SkillContract]) -> None:
        self._fleet = fleet
        self._contracts = contracts
        self._log = structlog.get_logger("missions")
        self.object_areas: dict[str, str] = {name: thing.area for name, thing in site.objects.items()}

    @property
    def robots(self) -> tuple[str, ...]:
        """The robots of the fleet."""
        return self._fleet.robots

    def note_done(self, step: PlannedStep) -> None:
        """Remember where a step that is done has put an object."""
        if step.skill in self._contracts:
            self.object_areas.update(moved_objects(self._contracts[step.skill], step.arguments))

    async def states(self) -> dict[str, RobotState]:
        """Where each robot is now; those whose gateway does not answer are left out."""
        states: dict[str, RobotState] = {}

        async def ask(robot: str) -> None:
            try:
                states[robot] = (await self._fleet.report(robot)).state
            except RoostError as error:
                self._log.warning(str(error), robot=robot)

        async with anyio.create_task_group() as tasks:
            for robot in self._fleet.robots:
                tasks.start_soon(ask, robot)
        return states

    async def until_accepting(self, robot: str) -> None:
        """Return when the robot's gateway takes commands."""
        while True:
            try:
                if (await self._fleet.report(robot)).accepting:
                    return
            except UnavailableError as error:
                self._log.debug(str(error), robot=robot)
            await anyio.sleep(_LOOK_AGAIN_S)

    async def follow(self, robot: str, moved: Callable[[str, str], Awaitable[None]]) -> None:
        """Follow a robot's odometry for ever; `moved` hears the robot and its place (or none) whenever that changes."""
        place: str | None = None
        said = ""
        while True:
            try:
                async for report in self._fleet.watch(robot):
                    said = ""
                    if report.state.place != place:
                        place = report.state.place
                        await moved(robot, place)
            except RoostError as error:
                if str(error) != said:  # once, not at every look
                    said = str(error)
                    self._log.warning(said, robot=robot)
            await anyio.sleep(_LOOK_AGAIN_S)

    async def stop_robots(self, reason: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Stop every robot; returns those that rest, and those whose gateway does not answer."""
        stopped: list[str] = []

        async def stop(robot: str) -> None:
            try:
                await self._fleet.stop(robot, reason)
            except RoostError as error:
                self._log.error(str(error), robot=robot)
            else:
                stopped.append(robot)

        async with anyio.create_task_group() as tasks:
            for robot in self._fleet.robots:
                tasks.start_soon(stop, robot)
        return tuple(sorted(stopped)), tuple(sorted(set(self._fleet.robots) - set(stopped)))
