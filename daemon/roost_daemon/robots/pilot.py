"""Makes a robot do what the gate has let pass, one leg at a time, and brings it to rest. Every wait has a bound.

What a robot says of itself is not enough: an arrival and a rest must show in its odometry.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable

import anyio

from roost.clock import Clocks, seconds_to_ns
from roost.errors import UnavailableError
from roost.robot import CommandFailedError, Pose
from roost_daemon.robots.command_gate import CommandGate, Route
from roost_daemon.robots.driver import Driver, Outcome
from roost_daemon.site.model import RobotDescription

POLL_S = 0.05
CANCEL_PERIOD_S = 0.5
ARRIVAL_M = 0.3
ARRIVAL_BOUND_S = 1.0
ACTION_BOUND_S = 10.0
# A leg may take this long beyond three times what it takes at full speed.
LEG_MARGIN_S = 5.0


class Pilot:
    """Drives one robot. judge_leg: raises where the robot may not be sent to a target of its route from where it is now."""

    def __init__(
        self,
        robot: RobotDescription,
        driver: Driver,
        gate: CommandGate,
        clocks: Clocks,
        judge_leg: Callable[[Route, Pose], None],
    ) -> None:
        self._robot, self._driver, self._gate, self._clocks, self._judge_leg = robot, driver, gate, clocks, judge_leg
        self._log = logging.getLogger(f"roost.gateway.{robot.name}")

    async def follow(self, route: Route, begin_leg: Callable[[int], None]) -> None:
        """Drive a route to its end; tells the number of each leg as it begins.

        Raises what the judge raises, `CommandFailedError` and `roost.errors.UnavailableError`.
        """
        bound_s = LEG_MARGIN_S + 3 * self._robot.leash_m / self._robot.max_speed_mps
        for number, target in enumerate(route.legs):
            self._judge_leg(route, target)
            begin_leg(number)
            outcome = await self._bounded(self._driver.go_to(target), bound_s, f"a leg to {route.goal}")
            if not outcome.succeeded:
                raise self._leg_failed(route, target, outcome)
            await self._confirm_arrival(target)

    async def grasp(self, object_name: str) -> None:
        """Take an object at the robot's place. Raises `CommandFailedError` and `roost.errors.UnavailableError`."""
        self._demand(await self._bounded(self._driver.grasp(), ACTION_BOUND_S, "to grasp"), f"grasp {object_name}")
        held = self._driver.holding()
        if held not in (None, object_name):
            raise CommandFailedError(
                f"{self._robot.name} should hold {object_name} but holds {held or 'nothing'}", remedy="look what lies there"
            )

    async def release(self) -> None:
        """Put down what it holds. Raises `CommandFailedError` and `roost.errors.UnavailableError`."""
        self._demand(await self._bounded(self._driver.release(), ACTION_BOUND_S, "to release"), "release")

    async def bring_to_rest(self, *, bound_s: float | None, silence_bound_s: float) -> bool:
        """Cancel what the robot does, again and again, until its odometry shows rest; whether it did.

        Gives up after `bound_s` if there is one, or when the odometry has been silent for `silence_bound_s`.
        """
        begin_ns = now_ns = self._clocks.monotonic_ns()
        heard_ns: int | None = None
        cancel_ns = now_ns
        while bound_s is None or now_ns - begin_ns <= seconds_to_ns(bound_s):
            motion = self._driver.motion()
            if motion is not None and heard_ns is not None and motion.rests(now_ns, heard_ns):
                return True
            alive_ns = begin_ns if motion is None else max(begin_ns, motion.odometry.received_ns)
            if now_ns - alive_ns > seconds_to_ns(silence_bound_s):
                return False
            if now_ns >= cancel_ns:
                if await self._cancel() and heard_ns is None:
                    # A goal may have been on its way to the robot: rest counts from here.
                    heard_ns = self._clocks.monotonic_ns()
                cancel_ns = now_ns + seconds_to_ns(CANCEL_PERIOD_S)
            await anyio.sleep(POLL_S)
            now_ns = self._clocks.monotonic_ns()
        return False

    async def _cancel(self) -> bool:
        try:
            with anyio.fail_after(CANCEL_PERIOD_S):
                await self._driver.cancel_all()
        except (TimeoutError, UnavailableError):
            return False
        return True

    async def _bounded(self, action: Awaitable[Outcome], bound_s: float, words: str) -> Outcome:
        with anyio.move_on_after(bound_s):
            return await action
        raise CommandFailedError(
            f"{self._robot.name} took longer than {bound_s:.0f} s for {words}", remedy="is its way free?"
        )

    async def _confirm_arrival(self, target: Pose) -> None:
        distance_m = math.inf
        with anyio.move_on_after(ARRIVAL_BOUND_S):
            while True:
                motion = self._driver.motion()
                if motion is not None:
                    distance_m = math.dist((motion.pose.x_m, motion.pose.y_m), (target.x_m, target.y_m))
                    if distance_m <= ARRIVAL_M:
                        return
                await anyio.sleep(POLL_S)
        raise CommandFailedError(
            f"{self._robot.name} says that it arrived, but its odometry is {distance_m:.2f} m away",
            remedy="check its odometry",
        )

    def _leg_failed(self, route: Route, target: Pose, outcome: Outcome) -> CommandFailedError:
        motion = self._driver.motion()
        failed_passage = "" if motion is None else self._gate.passage_ahead(motion.pose, target, route)
        where = f" through {failed_passage}" if failed_passage else ""
        return CommandFailedError(
            f"{self._robot.name} could not go on{where} to {route.goal}: {_words(outcome)}",
            remedy="find another way, or clear this one",
            failed_passage=failed_passage,
        )

    def _demand(self, outcome: Outcome, action: str) -> None:
        if not outcome.succeeded:
            raise CommandFailedError(
                f"{self._robot.name} could not {action}: {_words(outcome)}", remedy="is it at the place?"
            )


def _words(outcome: Outcome) -> str:
    return outcome.message.rstrip(".") or f"error {outcome.error_code}"
