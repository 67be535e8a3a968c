"""A robot's camera in the demo: a process that renders what the robot sees from where its odometry says it is.

    python -m roost_daemon.demo.camera_world --site FILE --robot drone1

It publishes `camera/image` (sensor_msgs/Image, rgb8, 320x240) in the robot's namespace and reads the odometry of the robot
and, since they come into the picture, of the robots on wheels, together with what these hold. The first picture goes out when
the robot's first odometry has come. The main thread owns the graphics context and the clock; rclpy has a thread of its own.
"""

from __future__ import annotations

import argparse
import array
import json
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import String

from roost.errors import RoostError
from roost.lifeline import die_with_parent
from roost.robot import Pose
from roost_daemon.demo.scene.parts import relative
from roost_daemon.demo.scene.props import LOAD_HEIGHT_M, site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, SceneRenderer
from roost_daemon.site.load import load_site
from roost_daemon.site.model import RobotDescription, Site

IMAGE_TOPIC = "camera/image"

_ODOMETRY_QUEUE = 10
_log = logging.getLogger("camera_world")


class CameraNode(Node):
    """The ROS side: where everything is that moves, by the newest odometry, and the image topic.

    `eye` is the camera's pose, None before the robot's first odometry; `bodies` the pose of each body of the scene that has
    moved. Both are written by the executor's thread and read by the renderer's, one whole pose at a time.
    """

    def __init__(self, site: Site, robot: RobotDescription) -> None:
        super().__init__(
            "camera",
            namespace=robot.namespace,
            enable_rosout=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
        )
        self.eye: Pose | None = None
        self.bodies: dict[str, Pose] = {}
        self._held: dict[str, str] = {}
        self._objects = frozenset(site.objects)
        self._frame = f"{robot.namespace}/camera_optical"
        self._images = self.create_publisher(Image, IMAGE_TOPIC, qos_profile_sensor_data)
        self.create_subscription(Odometry, "odom", self._see_from, _ODOMETRY_QUEUE)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        for other in site.robots.values():
            if other.kind == "ground" and other.name != robot.name:
                self.create_subscription(Odometry, f"/{other.namespace}/odom", self._mover(other.name), _ODOMETRY_QUEUE)
                self.create_subscription(String, f"/{other.namespace}/holding", self._holder(other.name), latched)

    def publish_image(self, image: NDArray[np.uint8]) -> None:
        """Publish a picture that was taken just now."""
        self._images.publish(image_message(image, self.get_clock().now().to_msg(), self._frame))

    def _see_from(self, odometry: Odometry) -> None:
        self.eye = replace(pose_of(odometry), z_m=EYE_HEIGHT_M)

    def _mover(self, body: str) -> Callable[[Odometry], None]:
        def move(odometry: Odometry) -> None:
            pose = self.bodies[body] = pose_of(odometry)
            if body in self._held:
                self.bodies[self._held[body]] = replace(pose, z_m=LOAD_HEIGHT_M)

        return move

    def _holder(self, body: str) -> Callable[[String], None]:
        def hold(holding: String) -> None:
            released = self._held.pop(body, None)
            if holding.data in self._objects:
                self._held[body] = holding.data
            elif released is not None and body in self.bodies:
                self.bodies[released] = relative(self.bodies[body], 0.5, 0.0)

        return hold


def pose_of(odometry: Odometry) -> Pose:
    """The pose on the floor, in the odometry's frame."""
    position, turn = odometry.pose.pose.position, odometry.pose.pose.orientation
    yaw_rad = math.atan2(2.0 * (turn.w * turn.z + turn.x * turn.y), 1.0 - 2.0 * (turn.y**2 + turn.z**2))
    return Pose(position.x, position.y, yaw_rad)


def image_message(image: NDArray[np.uint8], stamp: Time, frame: str) -> Image:
    """The picture, uint8 [height, width, 3], RGB, as a message."""
    height, width, _ = image.shape
    message = Image(height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width)
    message.header.stamp = stamp
    message.header.frame_id = frame
    # An array is taken over as it is; anything else is checked byte by byte in Python.
    pixels = array.array("B")
    pixels.frombytes(image.tobytes())
    message.data = pixels
    return message


def run(site: Site, robot: RobotDescription, rate_hz: float, stop: threading.Event) -> None:
    """Publish pictures until `stop` is set. The rate is kept by the clock: a tick that is missed is skipped."""
    rclpy.init(args=["--ros-args", "--disable-external-lib-logs"], signal_handler_options=SignalHandlerOptions.NO)
    node = CameraNode(site, robot)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin, name="rclpy")
    spinner.start()
    published = 0
    with SceneRenderer(site_scene(site)) as renderer:
        begin_s = time.monotonic()
        tick = 0
        while not stop.wait(max(0.0, begin_s + tick / rate_hz - time.monotonic())):
            tick = max(tick, int((time.monotonic() - begin_s) * rate_hz)) + 1
            eye = node.eye
            if eye is None:
                continue
            for body, pose in tuple(node.bodies.items()):
                renderer.place(body, pose)
            node.publish_image(renderer.render(eye))
            published += 1
            if published == 1:
                _say_ready(robot, rate_hz)
    _log.info("%d pictures published", published)
    executor.shutdown(timeout_sec=1.0)
    spinner.join(timeout=1.0)
    node.destroy_node()
    rclpy.shutdown()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 0 after SIGTERM, 2 where it cannot begin."""
    parser = argparse.ArgumentParser(
        prog="python -m roost_daemon.demo.camera_world",
        description="Render what a robot of the demo's site sees, and publish it as a ROS image topic.",
        epilog="Prints one line of JSON when the first picture is out, which needs the robot's odometry. SIGTERM ends it.",
    )
    parser.add_argument("--site", type=Path, required=True, metavar="FILE", help="YAML file with the section 'site:'")
    parser.add_argument("--robot", required=True, metavar="NAME", help="the robot that carries the camera, e.g. drone1")
    parser.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="pictures a second (default: %(default)g)")
    options = parser.parse_args(arguments)
    if not 0.0 < options.rate <= 100.0:
        parser.error("--rate must be above 0 and at most 100")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")
    die_with_parent()
    try:
        site = load_site(options.site)
        robot = site.robot(options.robot)
    except RoostError as error:
        parser.error(str(error))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(site, robot, options.rate, stop)
    return 0


def _say_ready(robot: RobotDescription, rate_hz: float) -> None:
    line = {"ready": True, "robot": robot.name, "topic": f"/{robot.namespace}/{IMAGE_TOPIC}", "rate_hz": rate_hz}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
