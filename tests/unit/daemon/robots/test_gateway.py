"""The gateway's core on a robot that can be made to misbehave. (The real driver is proved in tests/integration/robots.)"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from roost.clock import Clocks, seconds_to_ns
from roost.errors import RoostError
from roost.robot import Pose
from roost_daemon import demo
from roost_daemon.robots.driver import Outcome
from roost_daemon.robots.execution import End, Execution, Grasp, Navigate, RobotCommand
from roost_daemon.robots.gateway import Gateway
from roost_daemon.robots.heartbeat import Heartbeats
from roost_daemon.robots.motion import Motion, Odometry, follow
from roost_daemon.site.load import load_site

pytestmark = pytest.mark.anyio
SITE = load_site(Path(demo.__file__).parent / "site.yaml")
CLOCKS = Clocks()
PERIOD_S = 0.02


class SimpleRobot:
    """Moves in a straight line to its target, at a speed; strays to `astray` when it is set."""

    def __init__(self, pose: Pose) -> None:
        self.pose, self.target = pose, pose
        self.speed_mps = 1.0
        self.astray: Pose | None = None
        self.cancelled = 0
        self.holds: str | None = ""
        self._motion: Motion | None = None

    async def run(self) -> None:
        while True:
            before = self.pose
            distance_m = math.dist((self.pose.x_m, self.pose.y_m), (self.target.x_m, self.target.y_m))
            share = min(1.0, self.speed_mps * PERIOD_S / distance_m) if distance_m else 1.0
            self.pose = self.astray or Pose(
                before.x_m + (self.target.x_m - before.x_m) * share, before.y_m + (self.target.y_m - before.y_m) * share
            )
            speed_mps = math.dist((before.x_m, before.y_m), (self.pose.x_m, self.pose.y_m)) / PERIOD_S
            now_ns = CLOCKS.monotonic_ns()
            stamp_ns = seconds_to_ns(PERIOD_S) + (self._motion.odometry.stamp_ns if self._motion else 0)
            self._motion = follow(self._motion, Odometry(self.pose, speed_mps, 0.0, stamp_ns, now_ns))
            await anyio.sleep(PERIOD_S)

    def motion(self) -> Motion | None:
        return self._motion

    def holding(self) -> str | None:
        return self.holds

    async def go_to(self, target: Pose) -> Outcome:
        self.target = target
        while (self.pose.x_m, self.pose.y_m) != (target.x_m, target.y_m):
            await anyio.sleep(PERIOD_S)
        return Outcome(True)

    async def cancel_all(self) -> None:
        self.cancelled += 1
        self.target = self.pose

    async def grasp(self) -> Outcome:
        return Outcome(True)

    async def release(self) -> Outcome:
        return Outcome(False, "its gripper is jammed", 7)


@asynccontextmanager
async def gateway_of(robot: SimpleRobot, name: str = "drone1") -> AsyncIterator[Gateway]:
    heartbeats = Heartbeats(name, seconds_to_ns(30), seconds_to_ns(30), CLOCKS.monotonic_ns())
    gateway = Gateway(SITE, name, robot, CLOCKS, heartbeats)
    gateway.beat("edge1", 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(robot.run)
        tasks.start_soon(gateway.run)
        with anyio.fail_after(5):
            while gateway.problem() is not None:
                await anyio.sleep(PERIOD_S)
        yield gateway
        tasks.cancel_scope.cancel()


async def end_of(execution: Execution) -> tuple[End | None, str]:
    with anyio.fail_after(10):
        await execution.finished.wait()
    return execution.end, "" if execution.error is None else execution.error.message


async def test_it_cancels_before_it_accepts_anything() -> None:
    robot = SimpleRobot(Pose(1.5, 1.5))
    robot.target = Pose(2.5, 1.5)
    async with gateway_of(robot):
        assert robot.cancelled
        assert robot.pose.x_m < 1.7


async def test_a_robot_that_strays_into_a_forbidden_area_is_stopped_with_the_rule() -> None:
    robot = SimpleRobot(Pose(5.4, 1.5))
    async with gateway_of(robot, "robot2") as gateway:
        execution = gateway.begin(RobotCommand(Navigate("gate")))
        with anyio.fail_after(5):
            while robot.pose.x_m < 5.5:
                await anyio.sleep(PERIOD_S)
        robot.astray = Pose(9.5, 5.0)
        assert await end_of(execution) == (
            End.FAILED,
            "robot2 entered dock: ground robots keep off the dock (the dock has no railing)",
        )
        assert execution.at_rest


async def test_a_robot_that_somebody_else_drives_into_a_forbidden_area_is_stopped_too() -> None:
    robot = SimpleRobot(Pose(10.5, 4.0))
    async with gateway_of(robot, "robot2") as gateway:
        robot.target = Pose(10.5, 6.0)
        with anyio.fail_after(5):
            while (problem := gateway.problem()) is None or problem.reason != "HELD":
                await anyio.sleep(PERIOD_S)
        assert problem.message.startswith("robot2 is being stopped: robot2 entered dock")
        with anyio.fail_after(5):
            while gateway.problem() is not None:
                await anyio.sleep(PERIOD_S)
        assert robot.pose.y_m < 5.0


async def test_a_robot_that_runs_away_is_stopped() -> None:
    robot = SimpleRobot(Pose(1.5, 1.5))
    async with gateway_of(robot) as gateway:
        robot.speed_mps = 2.0
        end, message = await end_of(gateway.begin(RobotCommand(Navigate("depot"))))
        assert (end, message) == (End.FAILED, "drone1 runs at 2.00 m/s, its bound is 1.20 m/s")


async def test_a_new_owner_ends_the_command_of_the_old() -> None:
    robot = SimpleRobot(Pose(1.5, 1.5))
    async with gateway_of(robot) as gateway:
        execution = gateway.begin(RobotCommand(Navigate("depot"), issuer="mission 1"))
        gateway.beat("edge1", 1)
        assert execution.end is None
        gateway.beat("edge2", 2)
        assert await end_of(execution) == (End.CANCELLED, "'edge2' has taken drone1 over")
        assert gateway.problem() is None


async def test_an_object_that_it_does_not_hold_was_not_grasped() -> None:
    async with gateway_of(SimpleRobot(Pose(5.4, 1.5)), "robot2") as gateway:
        end = await end_of(gateway.begin(RobotCommand(Grasp("crate"))))
        assert end == (End.FAILED, "robot2 should hold crate but holds nothing")


async def test_while_it_is_stopped_nothing_else_is_accepted() -> None:
    robot = SimpleRobot(Pose(1.5, 1.5))
    async with gateway_of(robot) as gateway, anyio.create_task_group() as tasks:
        gateway.begin(RobotCommand(Navigate("depot")))
        await anyio.sleep(5 * PERIOD_S)
        tasks.start_soon(gateway.stop, "stop all")
        await anyio.sleep(2 * PERIOD_S)
        assert gateway.state().activity == "stopping"
        with pytest.raises(RoostError) as caught:
            gateway.begin(RobotCommand(Navigate("base")))
        assert caught.value.reason == "HELD"


async def test_what_is_left_of_the_way_shrinks() -> None:
    robot = SimpleRobot(Pose(1.5, 1.5))
    async with gateway_of(robot) as gateway:
        execution = gateway.begin(RobotCommand(Navigate("depot")))
        assert execution.route is not None
        begin_m = gateway.remaining_m(execution)
        assert begin_m == pytest.approx(execution.route.way.length_m, abs=0.1)
        await anyio.sleep(20 * PERIOD_S)
        assert gateway.remaining_m(execution) < begin_m - 0.1
