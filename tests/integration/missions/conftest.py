"""A site, a journal and a runner whose robots and skill hosts can be made to fail at will."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import roost_daemon.demo
from roost.clock import Clocks
from roost.errors import UnavailableError
from roost.robot import CommandFailedError, Pose, RobotState
from roost_daemon.brain.grammar import GrammarProvider
from roost_daemon.goals import Goals
from roost_daemon.logic.monitor import monitor_for
from roost_daemon.missions.journal import Journal, open_journal
from roost_daemon.missions.planner import Planner
from roost_daemon.missions.ports import RobotReport, StepOrder
from roost_daemon.missions.runner import MissionRunner, RunnerSettings
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point, Site
from roost_skills.registry import standard_skills

SITE = load_site(Path(roost_daemon.demo.__file__).parent / "site.yaml")


@dataclass
class PaperFleet:
    """Robots that are where they are put. lost: those whose gateway does not answer."""

    site: Site = SITE
    lost: set[str] = field(default_factory=set)
    stopped: list[str] = field(default_factory=list)
    positions: dict[str, Point] = field(init=False)
    holding: dict[str, str] = field(default_factory=dict)
    _moved: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.positions = {name: Point(robot.home.x_m, robot.home.y_m) for name, robot in self.site.robots.items()}

    @property
    def robots(self) -> tuple[str, ...]:
        return tuple(self.positions)

    def put(self, robot: str, position: Point) -> None:
        self.positions[robot] = position
        self._changed()

    def lose(self, robot: str) -> None:
        self.lost.add(robot)
        self._changed()

    async def report(self, robot: str) -> RobotReport:
        if robot in self.lost:
            raise UnavailableError(f"the gateway of {robot} does not answer")
        position = self.positions[robot]
        place, holding = self.site.area_of(position), self.holding.get(robot, "")
        return RobotReport(RobotState(robot, Pose(position.x_m, position.y_m), 0.0, 0, place, holding, "idle"))

    async def watch(self, robot: str) -> AsyncIterator[RobotReport]:
        while True:
            moved = self._moved
            yield await self.report(robot)
            await moved.wait()

    async def stop(self, robot: str, reason: str) -> None:
        if robot in self.lost:
            raise UnavailableError(f"the gateway of {robot} does not answer")
        self.stopped.append(robot)

    def _changed(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()


@dataclass
class PaperHosts:
    """Skill hosts that move the paper robots along their planned ways.

    shut: passages that are closed for real. hold: nodes whose run waits until it is cancelled. fail: errors to raise, by
    skill, each once.
    """

    fleet: PaperFleet
    shut: set[str] = field(default_factory=set)
    hold: bool = False
    fail: dict[str, list[Exception]] = field(default_factory=dict)
    orders: list[StepOrder] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def wait_ready(self, robot: str) -> None:
        return

    async def run(self, order: StepOrder, say: Callable[[str], Awaitable[None]]) -> Mapping[str, Any]:
        self.orders.append(order)
        await say(f"{order.step.skill} begins")
        if self.fail.get(order.step.skill):
            raise self.fail[order.step.skill].pop(0)
        if self.hold:
            try:
                await anyio.sleep_forever()
            finally:
                self.cancelled.append(order.step.node)
        for way in order.step.ways:
            await self._go(order, way.points, way.passages)
        return {"sign": "DEPOT3"} if order.step.skill == "inspect" else {}

    async def _go(self, order: StepOrder, points: tuple[Point, ...], passages: tuple[str, ...]) -> None:
        blocked = next((name for name in passages if name in self.shut and name not in order.closed), "")
        ends = self.fleet.site.passages[blocked].ends if blocked else ()
        for point in points:
            if point in ends:
                near, far = ends if point == ends[0] else (ends[1], ends[0])
                inside = Point(0.75 * near.x_m + 0.25 * far.x_m, 0.75 * near.y_m + 0.25 * far.y_m)
                self.fleet.put(order.step.robot, inside)
                raise CommandFailedError(f"{order.step.robot} cannot pass {blocked}", failed_passage=blocked)
            self.fleet.put(order.step.robot, point)
            await anyio.lowlevel.checkpoint()


@dataclass
class House:
    """All parts of the goal's road."""

    goals: Goals
    runner: MissionRunner
    fleet: PaperFleet
    hosts: PaperHosts
    journal: Journal

    async def ended(self, mission_id: str) -> list[str]:
        """Watch a mission to its end; its events in words."""
        with anyio.fail_after(20):
            return [f"{update.event.kind.value} {update.event.node}".strip() async for update in self.goals.watch(mission_id)]

    async def until(self, mission_id: str, kind: str) -> None:
        """Wait for an event of a kind."""
        with anyio.fail_after(20):
            async for update in self.goals.watch(mission_id):
                if update.event.kind.value == kind:
                    return
        raise AssertionError(f"{mission_id} ended without {kind}")


Open = Callable[[], Any]


@pytest.fixture
def house(tmp_path: Path) -> Open:
    """Opens the house over the test's journal, as often as the test likes."""
    ids = iter(f"m{number}" for number in range(1, 100))

    @asynccontextmanager
    async def opened() -> AsyncIterator[House]:
        clocks, fleet = Clocks(), PaperFleet()
        hosts = PaperHosts(fleet)
        planner = Planner(SITE, standard_skills().contracts)
        journal = await open_journal(tmp_path / "journal.db")
        async with anyio.create_task_group() as tasks:
            runner = MissionRunner(
                tasks,
                journal,
                fleet,
                hosts,
                planner,
                clocks,
                monitor_for=monitor_for,
                settings=RunnerSettings(robot_return_s=1.5),
            )
            runner.follow_robots()
            goals = Goals(GrammarProvider(), planner, journal, runner, clocks, lambda: next(ids))
            yield House(goals, runner, fleet, hosts, journal)
            tasks.cancel_scope.cancel()
        await journal.close()

    return opened
