"""What a robot hears of its gateway: goals no farther off than the leash, and no trust in what odometry does not show.

The robot here is a few lines behind a real action server: it leaps to each goal and writes down where it was sent from where.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from nav2_msgs.action import NavigateToPose
from nav_msgs.msg import Odometry
from rclpy.action.server import ActionServer

from roost import errors
from roost.gateway_client import GatewayClient, GatewayRobot
from roost.robot import CommandFailedError
from roost_daemon.ros.bridge import RosBridge

pytestmark = [pytest.mark.ros, pytest.mark.anyio, pytest.mark.timeout(60)]


class LeapingRobot:
    """obeys: whether it leaps, or only says so. twist_mps: the speed that it reports."""

    def __init__(self, bridge: RosBridge) -> None:
        self.position = (1.5, 1.5)
        self.goals: list[tuple[tuple[float, float], tuple[float, float]]] = []
        self.obeys = True
        self.twist_mps = 0.0
        self._node = bridge.node
        self._odometry = self._node.create_publisher(Odometry, "odom", 10)
        self._server = ActionServer(self._node, NavigateToPose, "navigate_to_pose", self._go)
        self._over = threading.Event()
        self._clockwork = threading.Thread(target=self._tick)
        self._clockwork.start()

    def close(self) -> None:
        self._over.set()
        self._clockwork.join()

    def _go(self, handle: Any) -> NavigateToPose.Result:
        target = handle.request.pose.pose.position
        self.goals.append((self.position, (target.x, target.y)))
        if self.obeys:
            self.position = (target.x, target.y)
        handle.succeed()
        return NavigateToPose.Result()

    def _tick(self) -> None:
        while not self._over.wait(0.05):
            message = Odometry()
            message.header.stamp = self._node.get_clock().now().to_msg()
            message.pose.pose.position.x, message.pose.pose.position.y = self.position
            message.twist.twist.linear.x = self.twist_mps
            self._odometry.publish(message)


@pytest.fixture
def robot(stack: Any) -> Iterator[LeapingRobot]:
    with RosBridge("robot", "drone1") as bridge:
        robot = LeapingRobot(bridge)
        yield robot
        robot.close()


async def test_no_goal_lies_farther_ahead_than_the_leash(stack: Any, robot: LeapingRobot) -> None:
    stack.gateway("drone1")
    async with stack.owned("drone1"), GatewayRobot(stack.address("drone1"), "drone1") as body:
        await body.on_behalf_of("test", avoid=["yard"], closed=["ramp"]).navigate("depot")
    assert robot.position == (2.0, 6.0)
    assert len(robot.goals) > 15
    assert all(math.dist(start, goal) <= 2.0 for start, goal in robot.goals)


async def test_a_robot_that_only_says_that_it_arrived_is_not_believed(stack: Any, robot: LeapingRobot) -> None:
    robot.obeys = False
    stack.gateway("drone1")
    async with stack.owned("drone1"), GatewayRobot(stack.address("drone1"), "drone1") as body:
        with pytest.raises(CommandFailedError) as caught:
            await body.navigate("depot")
    assert str(caught.value) == "drone1 says that it arrived, but its odometry is 1.75 m away; check its odometry"


async def test_a_robot_that_never_rests_is_never_commanded(stack: Any, robot: LeapingRobot) -> None:
    robot.twist_mps = 0.3
    stack.gateway("drone1")
    async with GatewayClient(stack.address("drone1"), "drone1") as gateway:
        with anyio.fail_after(10):
            while (await gateway.state()).robot.speed_mps == 0.0:
                await gateway.heartbeat("test", 1)
                await anyio.sleep(0.05)
        state = await gateway.state()
        assert (state.robot.activity, state.accepting) == ("held", False)
        async with GatewayRobot(stack.address("drone1"), "drone1") as body:
            with pytest.raises(errors.RefusedError) as caught:
                await body.navigate("depot")
        assert caught.value.reason == "NOT_ACCEPTING"
    assert not robot.goals
