"""A robot behind ROS 2: odometry, Nav2's NavigateToPose, and two triggers for its gripper, all in the robot's namespace.

The same driver serves ground robots with Nav2 and drones with a Nav2-like front; what differs is behind the action.
"""

from __future__ import annotations

import math
from typing import Any

import anyio
from action_msgs.srv import CancelGoal
from geometry_msgs.msg import Quaternion
from nav2_msgs.action import NavigateToPose
from nav_msgs.msg import Odometry as OdometryMessage
from rclpy.action.client import ActionClient
from rclpy.client import Client
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
from std_srvs.srv import Trigger

from roost.clock import NANOSECONDS_PER_SECOND, Clocks
from roost.errors import UnavailableError
from roost.robot import Pose
from roost_daemon.robots.driver import Outcome
from roost_daemon.robots.motion import Motion, Odometry, follow
from roost_daemon.ros.bridge import RosBridge, wrap

FRAME = "map"
ACCEPTANCE_BOUND_S = 2.0
_ACTION = "navigate_to_pose"
_SUCCEEDED = 4  # action_msgs/GoalStatus.STATUS_SUCCEEDED
_CANCELED = 5  # action_msgs/GoalStatus.STATUS_CANCELED


class NavigationDriver:
    """Implements `roost_daemon.robots.driver.Driver` on a bridge whose node lies in the robot's namespace."""

    def __init__(self, bridge: RosBridge, clocks: Clocks) -> None:
        node = bridge.node
        self._clocks = clocks
        self._motion: Motion | None = None
        self._holding: str | None = None
        self._navigate: ActionClient[Any, Any, Any] = ActionClient(node, NavigateToPose, _ACTION)
        # rclpy's action client cancels only what it started itself; a robot must also forget what others started.
        self._cancel: Client[Any, Any] = node.create_client(CancelGoal, f"{_ACTION}/_action/cancel_goal")
        self._grasp: Client[Any, Any] = node.create_client(Trigger, "grasp")
        self._release: Client[Any, Any] = node.create_client(Trigger, "release")
        node.create_subscription(OdometryMessage, "odom", self._on_odometry, 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        node.create_subscription(String, "holding", self._on_holding, latched)

    def motion(self) -> Motion | None:
        """What its odometry says so far."""
        return self._motion

    def holding(self) -> str | None:
        """What it says that it holds, on the latched topic `holding`."""
        return self._holding

    async def go_to(self, target: Pose) -> Outcome:
        """Send a goal and wait for its result. Raises `roost.errors.UnavailableError`."""
        if not self._navigate.server_is_ready():
            raise UnavailableError(f"no robot serves {_ACTION}", remedy="is it running, in the same ROS domain?")
        goal = NavigateToPose.Goal()
        goal.pose.header.frame_id = FRAME
        goal.pose.pose.position.x, goal.pose.pose.position.y = float(target.x_m), float(target.y_m)
        goal.pose.pose.position.z = float(target.z_m)
        goal.pose.pose.orientation.z, goal.pose.pose.orientation.w = (
            math.sin(target.yaw_rad / 2),
            math.cos(target.yaw_rad / 2),
        )
        handle = None
        with anyio.move_on_after(ACCEPTANCE_BOUND_S):
            handle = await wrap(self._navigate.send_goal_async(goal))
        if handle is None:
            return Outcome(False, f"the robot did not answer within {ACCEPTANCE_BOUND_S:.0f} s")
        if not handle.accepted:
            return Outcome(False, "the robot rejects the goal")
        answer = await wrap(handle.get_result_async())
        # Humble's NavigateToPose has an empty result.
        code, message = getattr(answer.result, "error_code", 0), getattr(answer.result, "error_msg", "")
        if answer.status == _CANCELED:
            message = message or "cancelled by another than this gateway"
        return Outcome(answer.status == _SUCCEEDED, message, code)

    async def cancel_all(self) -> None:
        """Cancel every goal of the action server. Raises `roost.errors.UnavailableError`."""
        # All zeros: every goal, whoever sent it (action_msgs/CancelGoal).
        await self._call(self._cancel, CancelGoal.Request(), _ACTION)

    async def grasp(self) -> Outcome:
        """Take the object at its place. Raises `roost.errors.UnavailableError`."""
        return await self._trigger(self._grasp, "grasp")

    async def release(self) -> Outcome:
        """Put down what it holds. Raises `roost.errors.UnavailableError`."""
        return await self._trigger(self._release, "release")

    async def _trigger(self, client: Client[Any, Any], name: str) -> Outcome:
        answer = await self._call(client, Trigger.Request(), name)
        return Outcome(bool(answer.success), str(answer.message))

    async def _call(self, client: Client[Any, Any], request: object, name: str) -> Any:
        if not client.service_is_ready():
            raise UnavailableError(f"no robot serves {name}", remedy="is it running, in the same ROS domain?")
        promise = client.call_async(request)
        try:
            return await wrap(promise)
        finally:
            client.remove_pending_request(promise)

    def _on_odometry(self, message: OdometryMessage) -> None:
        # In rclpy's thread: the new motion replaces the old one in one assignment.
        position, orientation, twist = message.pose.pose.position, message.pose.pose.orientation, message.twist.twist
        odometry = Odometry(
            pose=Pose(position.x, position.y, _yaw_rad(orientation), position.z),
            speed_mps=math.hypot(twist.linear.x, twist.linear.y, twist.linear.z),
            turn_rad_s=twist.angular.z,
            stamp_ns=message.header.stamp.sec * NANOSECONDS_PER_SECOND + message.header.stamp.nanosec,
            received_ns=self._clocks.monotonic_ns(),
        )
        self._motion = follow(self._motion, odometry)

    def _on_holding(self, message: String) -> None:
        self._holding = message.data


def _yaw_rad(orientation: Quaternion) -> float:
    sine = 2 * (orientation.w * orientation.z + orientation.x * orientation.y)
    return math.atan2(sine, 1 - 2 * (orientation.y**2 + orientation.z**2))
