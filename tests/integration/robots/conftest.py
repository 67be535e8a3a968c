"""Real processes for the tests of this directory: simulated robots, gateways, and an observer that trusts odometry only."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from nav2_msgs.action import NavigateToPose
from nav_msgs.msg import Odometry
from rclpy.action.client import ActionClient

from roost.errors import UnavailableError
from roost.gateway_client import GatewayClient
from roost_daemon import demo, ros
from roost_daemon.processes.environment import child_environment
from roost_daemon.ros.bridge import RosBridge, wrap

READY_BOUND_S = 30.0
SITE = Path(demo.__file__).parent / "site.yaml"
PROFILES = Path(ros.__file__).parent / "fastdds.xml"


@dataclass(eq=False)
class Child:
    """A process under test, in a session of its own."""

    process: subprocess.Popen[str]
    log: Path
    ready: dict[str, object]

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """Send a signal; the instant by the monotonic clock, in s."""
        self.process.send_signal(number)
        return time.monotonic()

    async def ended(self, bound_s: float = 20.0) -> int:
        """Its exit code, once it has one."""
        await until(lambda: self.process.poll() is not None, bound_s, "the process ends")
        assert self.process.returncode is not None
        return self.process.returncode


@dataclass
class Stack:
    """Starts what a test needs, all in the test's own ROS domain, and ends all of it."""

    directory: Path
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def start(self, *command: str) -> Child:
        log = self.directory / f"{len(self.children)}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self.environment,
                start_new_session=True,
            )
        child = Child(process, log, {})
        self.children.append(child)
        child.ready = json.loads(_first_line(child))
        return child

    def robot(self, robot: str, *options: str, site: Path = SITE) -> Child:
        return self.start("roost_daemon.demo.robot_world", "--site", str(site), "--robot", robot, *options)

    def gateway(self, robot: str, *options: str, site: Path = SITE) -> Child:
        socket = self.socket(robot)
        return self.start(
            "roost_daemon.gateway_main", "--site", str(site), "--robot", robot, "--socket", str(socket), *options
        )

    def socket(self, name: str) -> Path:
        return self.directory / f"{name}.sock"

    @asynccontextmanager
    async def observed(self, namespace: str) -> AsyncIterator[Track]:
        """The odometry of a robot as somebody else sees it."""
        track = Track()
        bridge = await anyio.to_thread.run_sync(RosBridge, "observer", namespace)
        try:
            bridge.node.create_subscription(Odometry, "odom", track.add, 10)
            bridge.start()
            yield track
        finally:
            await anyio.to_thread.run_sync(bridge.close)

    @asynccontextmanager
    async def owned(self, robot: str, *, token: int = 1, daemon: str = "test") -> AsyncIterator[GatewayClient]:
        """A gateway with a daemon that lives as long as the block; begins when the gateway accepts commands."""
        async with GatewayClient(self.address(robot), robot) as gateway, anyio.create_task_group() as tasks:
            over = anyio.Event()

            async def beat() -> None:
                while not over.is_set():
                    try:
                        await gateway.heartbeat(daemon, token)
                    except UnavailableError:
                        pass  # a test may have killed it on purpose
                    await anyio.sleep(0.1)

            tasks.start_soon(beat)
            await self.accepting(gateway)
            yield gateway
            over.set()

    async def accepting(self, gateway: GatewayClient, bound_s: float = 15.0) -> None:
        with anyio.fail_after(bound_s):
            while not (await gateway.state()).accepting:
                await anyio.sleep(0.05)

    async def send(self, client: ActionClient[Any, Any, Any], x_m: float, y_m: float, frame: str = "map") -> Any:
        """Send a goal as a stranger would; the handle.

        DDS may lose the answer to a client that has only just been discovered, so it asks again.
        """
        await until(client.server_is_ready, 10, "the robot is there")
        goal = NavigateToPose.Goal()
        goal.pose.header.frame_id = frame
        goal.pose.pose.position.x, goal.pose.pose.position.y, goal.pose.pose.orientation.w = x_m, y_m, 1.0
        for _ in range(3):
            with anyio.move_on_after(2):
                return await wrap(client.send_goal_async(goal))
        pytest.fail("the robot does not answer to a goal")

    async def until(self, condition: Callable[[], bool], bound_s: float, words: str) -> None:
        await until(condition, bound_s, words)

    def address(self, robot: str) -> str:
        return f"unix:{self.socket(robot)}"

    def end(self) -> None:
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
        for child in self.children:
            child.process.wait()
            assert child.process.stdout is not None
            child.process.stdout.close()


def _first_line(child: Child) -> str:
    stream = child.process.stdout
    assert stream is not None
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        line = stream.readline() if selector.select(READY_BOUND_S) else ""
    if not line:
        pytest.fail(f"not ready: {child.process.args}: {child.log.read_text()}")
    return line


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """As for all tests, but with one event loop for all of this directory: gRPC's poller outlives a loop that is closed."""
    return "asyncio"


@pytest.fixture(scope="package", autouse=True)
async def one_event_loop(anyio_backend: str) -> AsyncIterator[None]:
    yield


@pytest.fixture
def stack(runtime_directory: Path, ros_domain: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    environment = {"FASTDDS_DEFAULT_PROFILES_FILE": str(PROFILES)} | ros_domain.environment
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(PROFILES))
    stack = Stack(runtime_directory, child_environment(os.environ, **environment))
    yield stack
    stack.end()


@dataclass
class Track:
    """What odometry showed: instants by the monotonic clock in s, positions in m, speed in m/s."""

    samples: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(self, message: Odometry) -> None:
        position, twist = message.pose.pose.position, message.twist.twist.linear
        speed_mps = (twist.x**2 + twist.y**2) ** 0.5
        self.samples.append((time.monotonic(), position.x, position.y, speed_mps))

    @property
    def speed_mps(self) -> float:
        return self.samples[-1][3] if self.samples else 0.0

    @property
    def position(self) -> tuple[float, float]:
        return self.samples[-1][1:3]

    def last_motion_s(self) -> float:
        """The last instant at which it moved."""
        return max(instant for instant, _, _, speed_mps in self.samples if speed_mps >= 0.02)

    def rests(self) -> bool:
        """Whether its last 0.3 s show no motion.

        Less than the 0.5 s that a gateway waits for: the two hear the same odometry at slightly different times.
        """
        if not self.samples:
            return False
        recent = [sample for sample in self.samples if sample[0] >= self.samples[-1][0] - 0.3]
        return len(recent) >= 4 and all(speed_mps < 0.02 for *_, speed_mps in recent)


async def until(condition: Callable[[], bool], bound_s: float, words: str) -> None:
    """Wait for a condition. Fails by name when it does not come about."""
    end_s = time.monotonic() + bound_s
    while not condition():
        if time.monotonic() > end_s:
            pytest.fail(f"not within {bound_s} s: {words}")
        await anyio.sleep(0.02)
