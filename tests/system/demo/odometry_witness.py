"""Prints one line of JSON for each message of the odometry of these robots: robot, when it came, speed. SIGTERM ends it."""

from __future__ import annotations

import json
import math
import sys
import time

import rclpy
from nav_msgs.msg import Odometry
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


def hear(robot: str, message: Odometry) -> None:
    velocity = message.twist.twist.linear
    line = {"robot": robot, "at_s": time.monotonic(), "speed_mps": math.hypot(velocity.x, velocity.y)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    rclpy.init()
    node = Node("witness")
    for robot in sys.argv[1:]:
        node.create_subscription(Odometry, f"/{robot}/odom", lambda message, robot=robot: hear(robot, message), 10)
    try:
        rclpy.spin(node)
    except ExternalShutdownException:
        pass


if __name__ == "__main__":
    main()
