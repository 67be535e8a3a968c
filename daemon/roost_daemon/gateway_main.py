"""A robot's gateway as a process: `python -m roost_daemon.gateway_main --site FILE --robot NAME --socket PATH`.

It runs in a session of its own and outlives its daemon for as long as its robot needs to come to rest. It ends by itself when
the daemon's heartbeat is lost, and on SIGTERM or SIGINT, in both cases only after odometry shows that the robot rests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

import anyio
import grpc

from roost.clock import NANOSECONDS_PER_MILLISECOND, Clocks
from roost.errors import RoostError
from roost.v1 import gateway_pb2_grpc
from roost_daemon.robots.gateway import Departure, Gateway
from roost_daemon.robots.heartbeat import Heartbeats
from roost_daemon.robots.ownership import RobotLock
from roost_daemon.robots.service import GatewayService
from roost_daemon.ros.bridge import RosBridge
from roost_daemon.ros.navigation import NavigationDriver
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Site

EXIT_HEARTBEAT_LOST = 4
EXIT_NOT_AT_REST = 5
EXIT_OWNED = 3
LEAST_HEARTBEAT_TIMEOUT_MS = 500
_GRACE_S = 0.5


async def serve(site: Site, robot: str, socket: Path, heartbeats: Heartbeats, bridge: RosBridge, clocks: Clocks) -> int:
    """Serve the robot's gateway until it ends; the process's exit code."""
    gateway = Gateway(site, robot, NavigationDriver(bridge, clocks), clocks, heartbeats)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.leave)
    server = grpc.aio.server()
    gateway_pb2_grpc.add_RobotGatewayServiceServicer_to_server(GatewayService(gateway, clocks), server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    print(json.dumps({"ready": True, "robot": robot, "socket": str(socket)}), flush=True)  # noqa: T201 - awaited by the supervisor
    rested = await gateway.run()
    await server.stop(_GRACE_S)
    log = logging.getLogger(f"roost.gateway.{robot}")
    if not rested:
        log.error("robot %s does not answer; it is not known to rest", robot)
        return EXIT_NOT_AT_REST
    log.info("%s rests", robot)
    return EXIT_HEARTBEAT_LOST if gateway.departure is Departure.HEARTBEAT_LOST else 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Command one robot of a site, and nothing but what the site's rules allow.",
        epilog="Exit codes: 0 asked to end, the robot rests; 3 the robot has a gateway already; 4 the daemon's heartbeat was "
        "lost, the robot rests; 5 the robot does not answer, it is not known to rest.",
    )
    parser.add_argument("--site", type=Path, required=True, help="YAML file with a section 'site:'")
    parser.add_argument("--robot", required=True, help="which of the site's robots")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to serve on")
    parser.add_argument(
        "--heartbeat-timeout-ms", type=int, default=1000, metavar="MS", help="silence that stops the robot, at least 500"
    )
    parser.add_argument(
        "--first-heartbeat-timeout-ms", type=int, default=15000, metavar="MS", help="the same, before the first heartbeat"
    )
    arguments = parser.parse_args()
    if arguments.heartbeat_timeout_ms < LEAST_HEARTBEAT_TIMEOUT_MS:
        parser.error(f"--heartbeat-timeout-ms must be at least {LEAST_HEARTBEAT_TIMEOUT_MS}")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    clocks = Clocks()
    try:
        site = load_site(arguments.site)
        description = site.robot(arguments.robot)
    except RoostError as error:
        parser.error(str(error))
    heartbeats = Heartbeats(
        robot=arguments.robot,
        timeout_ns=arguments.heartbeat_timeout_ms * NANOSECONDS_PER_MILLISECOND,
        first_timeout_ns=arguments.first_heartbeat_timeout_ms * NANOSECONDS_PER_MILLISECOND,
        began_ns=clocks.monotonic_ns(),
    )
    try:
        lock = RobotLock(int(os.environ.get("ROS_DOMAIN_ID", "0")), description.namespace)
    except RoostError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one line that says why
        sys.exit(EXIT_OWNED)
    with lock, RosBridge("gateway", description.namespace) as bridge:
        code = anyio.run(serve, site, arguments.robot, arguments.socket, heartbeats, bridge, clocks)
    sys.exit(code)


if __name__ == "__main__":
    main()
