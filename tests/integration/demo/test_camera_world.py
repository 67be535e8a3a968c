"""The process that renders what a robot sees: started for real, fed with odometry, watched over ROS."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import rclpy
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import String

import roost_daemon.demo
from roost.robot import Pose
from roost_daemon.demo.scene.props import LOAD_HEIGHT_M, site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, SceneRenderer
from roost_daemon.processes.environment import child_environment
from roost_daemon.ros.images import decode_image
from roost_daemon.site.load import load_site

pytestmark = pytest.mark.ros
SITE_FILE = Path(next(iter(roost_daemon.demo.__path__))) / "site.yaml"
SITE = load_site(SITE_FILE)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
LIMIT_S = 20.0


class Domain(Protocol):
    """What the fixture `ros_domain` gives."""

    environment: dict[str, str]


@dataclass
class Robots:
    """Stands in for the robots: says twenty times a second where they are, and keeps the newest picture."""

    node: Node
    poses: dict[str, Pose]
    pictures: list[Image] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._publishers = {name: self.node.create_publisher(Odometry, f"/{name}/odom", 10) for name in ("drone1", "robot2")}
        self.holding = self.node.create_publisher(String, "/robot2/holding", LATCHED)
        self.node.create_subscription(Image, "/drone1/camera/image", self.pictures.append, qos_profile_sensor_data)
        self.node.create_timer(0.05, self._say)

    def _say(self) -> None:
        for name, pose in tuple(self.poses.items()):
            message = Odometry()
            message.pose.pose.position.x, message.pose.pose.position.y = pose.x_m, pose.y_m
            message.pose.pose.orientation.z = math.sin(pose.yaw_rad / 2)
            message.pose.pose.orientation.w = math.cos(pose.yaw_rad / 2)
            self._publishers[name].publish(message)

    def seen(self) -> NDArray[np.uint8] | None:
        """The newest picture."""
        return decode_image(self.pictures[-1], "the camera") if self.pictures else None


@pytest.fixture
def robots(ros_domain: Domain) -> Iterator[Robots]:
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = Node("robots_of_the_test", enable_rosout=False)
    robots = Robots(node, {})
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    yield robots
    executor.shutdown(timeout_sec=1.0)
    spinner.join()
    node.destroy_node()
    rclpy.shutdown()


def start(domain: Domain, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "roost_daemon.demo.camera_world", "--site", str(SITE_FILE), *arguments],
        env=child_environment(os.environ, **domain.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def camera(ros_domain: Domain) -> Iterator[subprocess.Popen[str]]:
    with start(ros_domain, "--robot", "drone1", "--rate", "20") as process:
        yield process
        process.kill()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {LIMIT_S} s: {what}"
        time.sleep(0.02)


def same(image: NDArray[np.uint8] | None, expected: NDArray[np.uint8]) -> bool:
    """Equal but for a few pixels on edges, since a heading goes through a quaternion on its way."""
    return image is not None and np.mean(np.abs(image.astype(int) - expected).max(axis=2) > 8) < 0.01


def test_it_shows_what_the_robot_sees_where_its_odometry_says_it_is(robots: Robots, camera: subprocess.Popen[str]) -> None:
    dock, depot = SITE.area("dock").stand, SITE.area("depot").stand
    with SceneRenderer(site_scene(SITE)) as renderer:
        at_dock = renderer.render(replace(dock, z_m=EYE_HEIGHT_M))
        at_depot = renderer.render(replace(depot, z_m=EYE_HEIGHT_M))

    robots.poses["drone1"] = dock
    assert camera.stdout is not None and camera.stderr is not None
    ready = json.loads(camera.stdout.readline())
    until(lambda: same(robots.seen(), at_dock), "the view at the dock")
    header = robots.pictures[-1].header
    robots.poses["drone1"] = depot
    until(lambda: same(robots.seen(), at_depot), "the view at the depot")
    camera.send_signal(signal.SIGTERM)

    assert camera.wait(LIMIT_S) == 0
    assert ready == {"ready": True, "robot": "drone1", "topic": "/drone1/camera/image", "rate_hz": 20.0}
    assert (header.frame_id, robots.pictures[-1].encoding) == ("drone1/camera_optical", "rgb8")
    assert header.stamp.sec > 0
    assert "pictures published" in camera.stderr.read()


def test_the_other_robot_and_what_it_carries_come_into_the_picture(robots: Robots, camera: subprocess.Popen[str]) -> None:
    eye, other = Pose(5.0, 9.1), Pose(7.0, 9.1, 1.0)
    with SceneRenderer(site_scene(SITE)) as renderer:
        renderer.place("robot2", other)
        renderer.place("crate", replace(other, z_m=LOAD_HEIGHT_M))
        laden = renderer.render(replace(eye, z_m=EYE_HEIGHT_M))
        renderer.place("crate", Pose(7.0 + 0.5 * math.cos(1.0), 9.1 + 0.5 * math.sin(1.0), 1.0))
        unladen = renderer.render(replace(eye, z_m=EYE_HEIGHT_M))

    robots.poses.update(drone1=eye, robot2=other)
    robots.holding.publish(String(data="crate"))
    until(lambda: same(robots.seen(), laden), "robot2 with the crate on its deck")
    robots.holding.publish(String(data=""))
    until(lambda: same(robots.seen(), unladen), "the crate on the ground ahead of robot2")


def test_nothing_is_shown_and_nothing_said_before_the_first_odometry(robots: Robots, camera: subprocess.Popen[str]) -> None:
    until(lambda: robots.node.count_publishers("/drone1/camera/image") > 0, "the topic")
    assert not robots.pictures

    camera.send_signal(signal.SIGTERM)

    output, _ = camera.communicate(timeout=LIMIT_S)
    assert (camera.returncode, output) == (0, "")


def test_an_unknown_robot_is_refused_in_one_line(ros_domain: Domain) -> None:
    with start(ros_domain, "--robot", "drone9") as process:
        _, errors = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 2
    assert errors.splitlines()[-1].endswith("error: there is no robot 'drone9' here; known are drone1, robot2")
