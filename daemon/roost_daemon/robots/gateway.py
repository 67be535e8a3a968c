"""The live core of a robot's gateway: it accepts what the gate lets pass, watches the robot while it does it, and has it
brought to rest whenever something ends before its time.

One task watches; one settles the robot at the start and after every silence; one carries out the command, if there is one.
All of them belong to `run`, none to a caller: a caller that goes away takes nothing along but its command.
"""

from __future__ import annotations

import logging
import math
from enum import Enum

import anyio
from anyio.abc import TaskGroup

from roost.clock import Clocks
from roost.errors import DeadlineExceededError, RoostError
from roost.robot import CommandFailedError, Pose, RobotState
from roost_daemon.robots.command_gate import CommandGate, RobotView, Route
from roost_daemon.robots.driver import Driver
from roost_daemon.robots.execution import End, Execution, Grasp, Navigate, RobotCommand
from roost_daemon.robots.heartbeat import Heartbeats
from roost_daemon.robots.pilot import Pilot
from roost_daemon.robots.refusals import KeepOutError, NotAcceptingError, SilentRobotError, SpeedError
from roost_daemon.site.model import Point, Site

WATCH_PERIOD_S = 0.05
# Whoever waits for the end of a command is told soon that the robot does not answer.
SILENT_S = 0.5


class Departure(Enum):
    """Why a gateway ends."""

    ASKED = "it was asked to end"
    HEARTBEAT_LOST = "the daemon's heartbeat is lost"


class Gateway:
    """Commands one robot, as long as `run` runs."""

    def __init__(self, site: Site, robot: str, driver: Driver, clocks: Clocks, heartbeats: Heartbeats) -> None:
        self._site, self._driver, self._clocks, self._heartbeats = site, driver, clocks, heartbeats
        self._robot = site.robot(robot)
        self._gate = CommandGate(site, self._robot, heartbeats.timeout_ns)
        self._pilot = Pilot(self._robot, driver, self._gate, clocks, self._judge_leg)
        self._log = logging.getLogger(f"roost.gateway.{robot}")
        self._tasks: TaskGroup | None = None
        self._execution: Execution | None = None
        self._unsettled = "it waits until the robot rests"
        self._settling = False
        self._stops: list[str] = []
        self._holding = ""
        self._departure: Departure | None = None

    async def run(self) -> bool:
        """Serve until `leave` or the loss of the heartbeat, then bring the robot to rest; whether odometry showed it."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            while self._departure is None:
                self._watch()
                if self._unsettled and not self._settling:
                    self._settling = True
                    tasks.start_soon(self._settle)
                await anyio.sleep(WATCH_PERIOD_S)
            self._unsettled = self._departure.value
            self._log.info("ending: %s", self._departure.value)
            execution = self._execution
            if execution is not None:
                error = NotAcceptingError(
                    f"the gateway of {self._robot.name} ends: {self._unsettled}", remedy="start it again"
                )
                execution.conclude(End.CANCELLED, error)
            # As long as odometry shows that it moves, there is something to do; if it is gone, the declared time must do.
            rested = await self._pilot.bring_to_rest(bound_s=None, silence_bound_s=self._robot.rest_time_s)
            if execution is not None:
                with anyio.move_on_after(SILENT_S):
                    await execution.finished.wait()
            tasks.cancel_scope.cancel()
        return rested

    @property
    def departure(self) -> Departure | None:
        """Why it ends, once it does."""
        return self._departure

    def leave(self) -> None:
        """Have `run` end."""
        self._departure = self._departure or Departure.ASKED

    def beat(self, owner: str, fencing_token: int) -> int:
        """Hear the daemon; the time in ns within which it must be heard again.

        A larger token takes the robot over, and the former owner's command ends. Raises
        `roost_daemon.robots.heartbeat.FencedError`.
        """
        taken = self._heartbeats.beat(owner, fencing_token, self._clocks.monotonic_ns())
        if taken and self._execution is not None:
            error = NotAcceptingError(f"'{owner}' has taken {self._robot.name} over", remedy="command it from there")
            self._execution.conclude(End.CANCELLED, error)
        return self._heartbeats.timeout_ns

    def begin(self, command: RobotCommand) -> Execution:
        """Judge a command and begin it.

        Raises the reason why not: an exact type of `roost_daemon.robots.refusals`.
        """
        view, action, route = self._view(), command.action, None
        if isinstance(action, Navigate) and action.pose is not None and not action.place:
            route = self._gate.judge_pose(view, action.pose, command.avoid, command.closed)
        elif isinstance(action, Navigate):
            route = self._gate.judge_place(view, action.place, command.avoid, command.closed)
        elif isinstance(action, Grasp):
            self._gate.judge_object(view, action.object_name)
        else:
            self._gate.judge_ready(view)
        assert self._tasks is not None  # the gate refuses until `run` has settled the robot
        self._execution = execution = Execution(command, route)
        self._log.info("begin: %s", command)
        self._tasks.start_soon(self._carry_out, execution)
        return execution

    async def stop(self, reason: str) -> bool:
        """Cancel whatever the robot does and refuse commands until it rests; whether it does within twice its rest time."""
        reason = reason or "somebody asked for it"
        self._stops.append(reason)
        self._log.info("stop: %s", reason)
        try:
            execution = self._execution
            if execution is not None:
                error = CommandFailedError(f"{self._robot.name} was stopped: {reason}", remedy="command it anew")
                execution.conclude(End.CANCELLED, error)
                await execution.finished.wait()
            rests = execution is not None and execution.at_rest
            return rests or await self._bring_to_rest()
        finally:
            self._stops.remove(reason)

    def state(self) -> RobotState:
        """The robot as it is now."""
        now_ns, motion, holding = self._clocks.monotonic_ns(), self._driver.motion(), self._driver.holding()
        pose = Pose(0.0, 0.0) if motion is None else motion.pose
        return RobotState(
            robot=self._robot.name,
            pose=pose,
            speed_mps=0.0 if motion is None else motion.odometry.speed_mps,
            odometry_age_ns=now_ns if motion is None else motion.age_ns(now_ns),
            place="" if motion is None else self._site.area_of(Point(pose.x_m, pose.y_m)),
            holding=self._holding if holding is None else holding,
            activity=self._activity(),
        )

    def problem(self) -> RoostError | None:
        """Why it would accept no command now; None if it would."""
        try:
            self._gate.judge_ready(self._view())
        except RoostError as error:
            return error
        return None

    def remaining_m(self, execution: Execution) -> float:
        """What is left of a command's way."""
        motion, route = self._driver.motion(), execution.route
        if motion is None or route is None:
            return 0.0
        points = [(pose.x_m, pose.y_m) for pose in (motion.pose, *route.legs[execution.leg :])]
        return sum(map(math.dist, points, points[1:]))

    def _activity(self) -> str:
        execution = self._execution
        if self._silent():
            return "offline"
        if self._stops or self._departure is not None or (execution is not None and execution.end is not None):
            return "stopping"
        if self._unsettled:
            return "held"
        return "idle" if execution is None else "moving"

    def _silent(self) -> bool:
        try:
            self._gate.judge_alive(self._view())
        except SilentRobotError:
            return True
        except RoostError:
            return False
        return False

    def _view(self) -> RobotView:
        now_ns = self._clocks.monotonic_ns()
        return RobotView(
            now_ns=now_ns,
            motion=self._driver.motion(),
            heartbeat_age_ns=self._heartbeats.age_ns(now_ns),
            unsettled=self._unsettled,
            held=self._stops[0] if self._stops else "",
            busy="" if self._execution is None else str(self._execution.command),
        )

    def _judge_leg(self, route: Route, target: Pose) -> None:
        self._gate.judge_leg(self._view(), route, target)

    def _watch(self) -> None:
        execution = self._execution
        if self._heartbeats.lost(self._clocks.monotonic_ns()):
            self._departure = Departure.HEARTBEAT_LOST
            return
        try:
            self._gate.judge_motion(self._view(), None if execution is None else execution.route)
            deadline = None if execution is None else execution.command.deadline
            if deadline is not None and deadline.remaining_ns(self._clocks) <= 0:
                raise DeadlineExceededError(f"{self._robot.name} did not end '{execution and execution.command}' in time")
        except RoostError as error:
            if isinstance(error, SilentRobotError):
                self._unsettled = "the robot does not answer"
            if execution is not None and execution.end is None:
                self._log.warning("%s", error)
                execution.conclude(End.FAILED, error)
            elif (
                isinstance(error, KeepOutError | SpeedError) and not self._stops and self._tasks is not None and self._moves()
            ):
                self._log.warning("%s", error)
                self._tasks.start_soon(self.stop, error.message)

    def _moves(self) -> bool:
        motion = self._driver.motion()
        return motion is not None and motion.rest_since_ns is None

    async def _settle(self) -> None:
        """Nothing is accepted before old goals are cancelled and the robot rests, at the start and after every silence."""
        while self._departure is None and not await self._bring_to_rest():
            pass
        self._settling = False
        if self._departure is None:
            self._unsettled = ""
            self._log.info("the robot rests; commands are accepted")

    async def _carry_out(self, execution: Execution) -> None:
        with execution.scope:
            try:
                await self._act(execution)
                execution.conclude(End.DONE)
            except RoostError as error:
                self._log.warning("%s", error)
                execution.conclude(End.FAILED, error)
        if execution.end is not End.DONE:
            execution.at_rest = await self._bring_to_rest()
        self._execution = None
        self._log.info("end: %s: %s", execution.command, execution.end.value if execution.end else "")
        execution.finished.set()

    async def _act(self, execution: Execution) -> None:
        action, route = execution.command.action, execution.route
        if route is not None:

            def begin_leg(number: int) -> None:
                execution.leg = number

            await self._pilot.follow(route, begin_leg)
        elif isinstance(action, Grasp):
            await self._pilot.grasp(action.object_name)
            self._holding = action.object_name
        else:
            await self._pilot.release()
            self._holding = ""

    async def _bring_to_rest(self) -> bool:
        return await self._pilot.bring_to_rest(bound_s=2 * self._robot.rest_time_s, silence_bound_s=SILENT_S)
