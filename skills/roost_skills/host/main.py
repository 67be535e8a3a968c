"""Wires up a skill host and runs it until SIGTERM.

A composition root: the only place of this room that knows which robot, which perception and which clocks a run gets.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

import anyio
import grpc

from roost.client import RoostClient
from roost.clock import Clocks
from roost.gateway_client import GatewayRobot
from roost.lifeline import die_with_parent
from roost.v1 import skill_host_pb2_grpc
from roost_skills.host.context import DaemonPerception
from roost_skills.host.servicer import RunScope, SkillHostServicer
from roost_skills.registry import standard_skills

_GRACE_S = 2.0
_ROS_PREFIXES = ("ROS_", "RMW_", "AMENT_", "COLCON_", "FASTDDS_", "FASTRTPS_", "CYCLONEDDS_")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a skill host; returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    leave_ros(os.environ)
    die_with_parent()
    anyio.run(serve, options.robot, options.socket, options.gateway, options.daemon, options.camera)
    return 0


async def serve(robot: str, socket: Path, gateway: Path, daemon: Path, camera: str) -> None:
    """Serve the skills of one robot on a Unix socket until SIGTERM or SIGINT.

    gateway, daemon: the sockets of the robot's gateway and of the daemon. camera: the one that the robot carries.
    """
    clocks = Clocks()
    skills = standard_skills()
    async with RoostClient(f"unix:{daemon}", clocks=clocks) as client, GatewayRobot(f"unix:{gateway}", robot, clocks) as body:

        def robot_for(scope: RunScope) -> GatewayRobot:
            return body.on_behalf_of(scope.issuer, avoid=scope.avoid, closed=scope.closed)

        servicer = SkillHostServicer(
            robot,
            skills,
            clocks,
            robot_for=robot_for,
            perception_for=lambda deadline: DaemonPerception(client, camera, deadline),
        )
        server = grpc.aio.server()
        skill_host_pb2_grpc.add_SkillHostServiceServicer_to_server(servicer, server)
        server.add_insecure_port(f"unix:{socket}")
        await server.start()
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            ready = {"ready": True, "robot": robot, "socket": str(socket), "skills": sorted(skills.contracts)}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            async for _ in signals:
                break
        servicer.cancel()
        await server.stop(_GRACE_S)


def leave_ros(environment: MutableMapping[str, str]) -> None:
    """Forget a sourced ROS: skills have none, and what they start must not inherit one either."""
    for name in [name for name in environment if name.startswith(_ROS_PREFIXES)]:
        del environment[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m roost_skills.host",
        description="Runs the skills of one robot in a process of its own, without ROS. The daemon starts it; it prints one "
        "line of JSON when it is ready, and ends on SIGTERM.",
    )
    parser.add_argument("--robot", required=True, help="the robot whose skills it runs, such as drone1")
    parser.add_argument("--socket", required=True, type=Path, help="the Unix socket to serve on")
    parser.add_argument("--gateway", required=True, type=Path, help="the socket of the robot's gateway")
    parser.add_argument("--daemon", required=True, type=Path, help="the socket of the daemon, for its models")
    parser.add_argument("--camera", default="", help="the camera that the robot carries; empty for none")
    return parser
