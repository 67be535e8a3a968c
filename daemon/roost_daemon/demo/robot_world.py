"""A simulated robot as a process of its own. It speaks ROS 2 and nothing else, as a real one would.

    python -m roost_daemon.demo.robot_world --site FILE --robot drone1

In the robot's namespace: `odom` (nav_msgs/Odometry, frame map), `holding` (std_msgs/String, latched), `navigate_to_pose`
(nav2_msgs/NavigateToPose; a new goal pre-empts the one before), `grasp` and `release` (std_srvs/Trigger).

With `--close-passage` the world plays a trick that nobody is told of: the passage shuts while the robot drives towards it.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import rclpy
from nav2_msgs.action import NavigateToPose
from nav_msgs.msg import Odometry
from rclpy.action.server import ActionServer, CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from roost.errors import RoostError
from roost.lifeline import die_with_parent
from roost.robot import Pose
from roost_daemon.demo.simulated_site import Outcome, SimulatedRobot
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Site

ODOMETRY_PERIOD_S = 0.05
FEEDBACK_PERIOD_S = 0.5
# The simulator moves in steps; the velocity is measured over a few of them.
VELOCITY_WINDOW = 4
FRAME = "map"
OTHER_ERROR_CODE = 9000

GoalHandle: TypeAlias = "ServerGoalHandle[Any, Any, Any]"


@dataclass(frozen=True, slots=True)
class Shutter:
    """A passage that shuts, once, when the robot drives towards it and is this near."""

    passage: str
    within_m: float


@dataclass(eq=False, slots=True)
class _Drive:
    goal: Pose
    done: Future[Outcome]
    cancel: threading.Event = field(default_factory=threading.Event)
    preempted: bool = False


class RobotNode(Node):
    """The ROS side of one simulated robot."""

    def __init__(self, robot: SimulatedRobot, name: str, namespace: str, shutter: Shutter | None) -> None:
        super().__init__(
            "robot",
            namespace=namespace,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
        )
        self._robot, self._name, self._shutter = robot, name, shutter
        self._drive: _Drive | None = None
        self._handle: GoalHandle | None = None
        self._ended = threading.Event()
        self._track: deque[tuple[float, Pose]] = deque(maxlen=VELOCITY_WINDOW + 1)
        self._odometry = self.create_publisher(Odometry, "odom", 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._holding = self.create_publisher(String, "holding", latched)
        self._holding.publish(String(data=robot.holding()))
        self.create_service(Trigger, "grasp", lambda _, answer: self._act(robot.grasp, answer))
        self.create_service(Trigger, "release", lambda _, answer: self._act(robot.release, answer))
        self._server = ActionServer(
            self,
            NavigateToPose,
            "navigate_to_pose",
            execute_callback=self._execute,
            goal_callback=self._judge,
            handle_accepted_callback=self._begin,
            cancel_callback=self._cancel,
        )
        # A thread of its own: an executor's timer costs several times as much as the message.
        self._clockwork = threading.Thread(target=self._tick_until_ended, name="odometry")
        self._clockwork.start()

    def close(self) -> None:
        """Stop the robot and the odometry."""
        if self._drive is not None:
            self._drive.cancel.set()
        self._ended.set()
        self._clockwork.join()

    def _act(self, action: Callable[[], Outcome], answer: Trigger.Response) -> Trigger.Response:
        outcome = action()
        answer.success, answer.message = outcome.succeeded, outcome.message
        self._holding.publish(String(data=self._robot.holding()))
        return answer

    def _judge(self, goal: NavigateToPose.Goal) -> GoalResponse:
        return GoalResponse.ACCEPT if goal.pose.header.frame_id in ("", FRAME) else GoalResponse.REJECT

    def _begin(self, handle: GoalHandle) -> None:
        if self._drive is not None:
            self._drive.preempted = True
            self._drive.cancel.set()
        position, orientation = handle.request.pose.pose.position, handle.request.pose.pose.orientation
        goal = Pose(position.x, position.y, 2 * math.atan2(orientation.z, orientation.w))
        self._drive, self._handle = _Drive(goal, Future(executor=self.executor)), handle
        handle.execute()

    def _cancel(self, handle: GoalHandle) -> CancelResponse:
        if handle is self._handle and self._drive is not None:
            self._drive.cancel.set()
        return CancelResponse.ACCEPT

    async def _execute(self, handle: GoalHandle) -> NavigateToPose.Result:
        drive = self._drive
        assert drive is not None
        threading.Thread(target=self._run, args=(drive,), name="drive").start()
        outcome = await drive.done
        assert outcome is not None
        if self._drive is drive:
            self._drive = self._handle = None
        result = NavigateToPose.Result()
        if handle.is_cancel_requested:
            handle.canceled()
        elif outcome.succeeded:
            handle.succeed()
        else:
            result.error_code = outcome.code or OTHER_ERROR_CODE
            result.error_msg = "pre-empted by a newer goal" if drive.preempted else outcome.message
            handle.abort()
        return result

    def _run(self, drive: _Drive) -> None:
        drive.done.set_result(self._robot.drive(drive.goal, drive.cancel))
        executor = self.executor
        if executor is not None:  # a future that is set in another thread wakes nobody
            executor.wake()

    def _tick_until_ended(self) -> None:
        message = Odometry()
        message.header.frame_id, message.child_frame_id = FRAME, "base_link"
        ticks_per_feedback = round(FEEDBACK_PERIOD_S / ODOMETRY_PERIOD_S)
        tick, begin_s = 0, time.monotonic()
        while not self._ended.wait(max(0.0, begin_s + tick * ODOMETRY_PERIOD_S - time.monotonic())):
            self._publish_odometry(message)
            self._play_shutter()
            tick += 1
            if tick % ticks_per_feedback == 0:
                self._publish_feedback(message)

    def _publish_odometry(self, message: Odometry) -> None:
        pose = self._robot.pose()
        self._track.append((time.monotonic(), pose))
        forward_mps, left_mps, turn_rad_s = _velocity(self._track)
        message.header.stamp = self.get_clock().now().to_msg()
        message.pose.pose.position.x, message.pose.pose.position.y = pose.x_m, pose.y_m
        orientation = message.pose.pose.orientation
        orientation.z, orientation.w = math.sin(pose.yaw_rad / 2), math.cos(pose.yaw_rad / 2)
        message.twist.twist.linear.x, message.twist.twist.linear.y = forward_mps, left_mps
        message.twist.twist.angular.z = turn_rad_s
        self._odometry.publish(message)

    def _publish_feedback(self, odometry: Odometry) -> None:
        drive, handle = self._drive, self._handle
        if drive is None or handle is None or not handle.is_active:
            return
        feedback = NavigateToPose.Feedback()
        feedback.current_pose.header, feedback.current_pose.pose = odometry.header, odometry.pose.pose
        pose = self._robot.pose()
        feedback.distance_remaining = math.hypot(drive.goal.x_m - pose.x_m, drive.goal.y_m - pose.y_m)
        handle.publish_feedback(feedback)

    def _play_shutter(self) -> None:
        shutter = self._shutter
        if shutter is not None and self._robot.close_passage_ahead(shutter.passage, shutter.within_m):
            self._shutter = None
            print(f"{self._name}: the passage {shutter.passage} has shut before the robot", file=sys.stderr, flush=True)  # noqa: T201 - this process's log


def _velocity(track: deque[tuple[float, Pose]]) -> tuple[float, float, float]:
    """Forward, left and turning velocity over the track, in the robot's frame, in metres and radians a second."""
    (begin_s, begin), (end_s, end) = track[0], track[-1]
    span_s = end_s - begin_s
    if span_s <= 0.0:
        return 0.0, 0.0, 0.0
    east_mps, north_mps = (end.x_m - begin.x_m) / span_s, (end.y_m - begin.y_m) / span_s
    cosine, sine = math.cos(end.yaw_rad), math.sin(end.yaw_rad)
    turn_rad = math.remainder(end.yaw_rad - begin.yaw_rad, math.tau)
    return east_mps * cosine + north_mps * sine, north_mps * cosine - east_mps * sine, turn_rad / span_s


@contextmanager
def _stop_signals() -> Iterator[Callable[[], object]]:
    """A function that waits for SIGTERM or SIGINT, whichever thread the kernel hands it to, also if it came before."""
    listen, tell = socket.socketpair()
    with listen, tell:
        tell.setblocking(False)
        signal.set_wakeup_fd(tell.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        yield lambda: listen.recv(1)
        signal.set_wakeup_fd(-1)


def run(site: Site, robot: str, shutter: Shutter | None) -> None:
    """Serve the robot until SIGTERM or SIGINT."""
    logging.disable(logging.INFO)  # pyrobosim narrates every action
    with _stop_signals() as wait_for_signal:
        simulated = SimulatedRobot(site, robot)
        rclpy.init(args=["--ros-args", "--disable-external-lib-logs"], signal_handler_options=SignalHandlerOptions.NO)
        node = RobotNode(simulated, robot, site.robot(robot).namespace, shutter)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        spinner = threading.Thread(target=executor.spin, name="rclpy")
        spinner.start()
        print(json.dumps({"ready": True, "robot": robot}), flush=True)  # noqa: T201 - the supervisor waits for this line
        wait_for_signal()
        node.close()
        executor.shutdown(timeout_sec=1.0)
        spinner.join(timeout=1.0)
        node.destroy_node()
        rclpy.shutdown()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Simulate one robot of a site behind ROS 2.",
        epilog="Prints one line of JSON when it is ready; SIGTERM ends it.",
    )
    parser.add_argument("--site", type=Path, required=True, help="YAML file with a section 'site:'")
    parser.add_argument("--robot", required=True, help="which of the site's robots")
    parser.add_argument("--close-passage", metavar="PASSAGE", help="shut this passage once, while the robot drives into it")
    parser.add_argument("--when-within", type=float, default=1.0, metavar="METRES", help="how near it must be (default 1.0)")
    arguments = parser.parse_args()
    die_with_parent()
    try:
        site = load_site(arguments.site)
        site.robot(arguments.robot)
    except RoostError as error:
        parser.error(str(error))
    shutter = None
    if arguments.close_passage is not None:
        if arguments.close_passage not in site.passages:
            parser.error(f"there is no passage '{arguments.close_passage}'; known are {', '.join(sorted(site.passages))}")
        shutter = Shutter(arguments.close_passage, arguments.when_within)
    run(site, arguments.robot, shutter)
    # pyrobosim leaves threads that would keep the process for ever.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
