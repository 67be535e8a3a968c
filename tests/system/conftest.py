"""Whole daemons as processes, on real components: each with directories, ports and a ROS domain of its own.

`site` makes what a module's tests share: clips, models, simulated robots, Lambda endpoints, daemons. At the end of the module
everything is ended in order, and a process that is still there fails the module.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import anyio
import av
import numpy as np
import pytest
import yaml

from roost.client import RoostClient
from roost.errors import UnavailableError
from roost.v1 import inference_pb2, mission_pb2, system_pb2
from roost_daemon import demo
from roost_daemon.demo.janitor import marked_processes
from roost_daemon.demo.ros_domain import own_ros_domain
from roost_daemon.processes.environment import RUN_MARK, child_environment
from roost_daemon.ros.environment import ros_environment

DEMO = Path(demo.__file__).parent
READY_BOUND_S = 120.0
BOUND_S = 60.0


async def wait_until(condition: Callable[[], Any], words: str, bound_s: float = BOUND_S) -> Any:
    """Wait for a condition, plain or awaitable, and return what it gave; fails with the words when it does not come about."""
    end_s = time.monotonic() + bound_s
    while True:
        found = condition()
        if hasattr(found, "__await__"):
            found = await found
        if found:
            return found
        if time.monotonic() > end_s:
            pytest.fail(f"not within {bound_s:g} s: {words}")
        await anyio.sleep(0.05)


@dataclass(eq=False)
class Process:
    """A process under test, in a session of its own; `log` is what it said, `ready` its first line."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    ready: dict[str, Any] = field(default_factory=dict)

    def wait_ready(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            line = stream.readline() if selector.select(READY_BOUND_S) else ""
        if not line:
            pytest.fail(f"{self.name} is not ready:\n{self.log.read_text()}")
        self.ready = json.loads(line)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not end on {number.name}:\n{self.log.read_text()[-3000:]}")
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@dataclass(eq=False)
class Daemon:
    """A daemon as a test sees it: by its API, by the command line, by its log. Survives being killed and started again."""

    site: Site
    name: str
    directory: Path
    configuration: Path
    sections: dict[str, Any]
    process: Process | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "daemon.sock"

    @property
    def log(self) -> str:
        return (self.directory / "daemon.log").read_text()

    def lines(self, *texts: str) -> list[str]:
        """The lines of the log that have all of these in them."""
        return [line for line in self.log.splitlines() if all(text in line for text in texts)]

    async def said(self, *texts: str) -> None:
        """Wait until the log has a line with all of these."""
        await wait_until(lambda: self.lines(*texts), f"the log of {self.name} says {' … '.join(texts)}")

    def client(self) -> RoostClient:
        return RoostClient(f"unix:{self.socket}", patience_s=30.0)

    async def status(self) -> system_pb2.GetStatusResponse:
        async with self.client() as roost:
            return await roost.status()

    async def part(self, name: str) -> system_pb2.ComponentStatus:
        return next(part for part in (await self.status()).components if part.name == name)

    async def robot(self, name: str) -> system_pb2.RobotStatus:
        return next(robot for robot in (await self.status()).robots if robot.name == name)

    async def kill_part(self, name: str) -> int:
        """`kill -9` of a part's process; its number."""
        process_id = (await self.part(name)).process_id
        os.kill(process_id, signal.SIGKILL)
        return process_id

    async def part_is_back(self, name: str, but: int) -> None:
        """Wait until a part has another process than this and is ready."""

        async def back() -> bool:
            part = await self.part(name)
            return part.process_id not in (0, but) and part.state == "ready"

        await wait_until(back, f"{name} of {self.name} is back\n{self.log}")

    async def stats(self) -> inference_pb2.GetStatsResponse:
        async with self.client() as roost:
            return await roost.stats()

    async def model(self, name: str) -> inference_pb2.ModelStats:
        return next(model for model in (await self.stats()).models if model.name == name)

    async def looks_on_time(self, model: str, place: str) -> None:
        """Wait until a look through the good camera `eye` comes in time, from this place."""

        async def look() -> bool:
            async with self.client() as roost:
                try:
                    found = await roost.infer(model, camera="eye")
                except UnavailableError:
                    return False  # no frame has come yet
            return (found.outcome, found.target) == ("on_time", place)

        await wait_until(look, f"a look of {model} comes in time from {place}\n{self.log}")

    async def counts_add_up(self) -> None:
        """Every task that was generated has exactly one outcome, or is in flight."""
        for model in (await self.stats()).models:
            ended = model.on_time_edge + model.on_time_cloud + model.late + sum(model.dropped.values())
            assert model.generated == ended + model.in_flight, model

    async def ended_mission(self, mission: str) -> mission_pb2.Mission:
        """The mission, once it has ended."""

        async def ended() -> mission_pb2.Mission | None:
            async with self.client() as roost:
                found = await roost.mission(mission)
            return found if found.state != mission_pb2.MISSION_STATE_RUNNING else None

        found: mission_pb2.Mission = await wait_until(ended, f"{mission} ends\n{self.log}", 90.0)
        return found

    async def roost(self, *arguments: str) -> CompletedProcess[str]:
        """Run the `roost` command against this daemon."""
        return await anyio.to_thread.run_sync(self.site.roost, arguments, {"ROOST_SOCKET": str(self.socket)})

    def start(self) -> None:
        """Start its process, and wait until goals are accepted."""
        self.process = self.site.start(self.name, "roost_daemon.cli", "up", "--config", str(self.configuration))
        self.process.wait_ready()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        return self.process.end(number)


class Site:
    """Makes what the tests of a module share, and ends it."""

    def __init__(self, directory: Path, ros_domain_id: int) -> None:
        self.directory = directory
        self.ros_domain_id = ros_domain_id
        self.mark = f"test-{directory.name}"
        self._processes: list[Process] = []

    def environment(self, **extra: str) -> dict[str, str]:
        return child_environment(os.environ, **{RUN_MARK: self.mark}, **extra)

    def start(self, name: str, *command: str, **extra: str) -> Process:
        """Start one of our own mains; it is ready after `wait_ready`."""
        log = self.directory / f"{len(self._processes)}-{name}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self.environment(**extra),
                start_new_session=True,
            )
        self._processes.append(Process(name, process, log))
        return self._processes[-1]

    def roost(self, arguments: tuple[str, ...], extra: Mapping[str, str] | None = None) -> CompletedProcess[str]:
        """Run the `roost` command to its end."""
        command = [sys.executable, "-m", "roost_daemon.cli", *arguments]
        environment = self.environment(**(extra or {}))
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def configuration(self, name: str, **sections: Any) -> Path:
        """Write a configuration; sections by name, besides those that keep a daemon in this directory."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        own = {
            "daemon": {"name": name, "state_directory": str(directory / "state"), "runtime_directory": str(directory)},
            "log": {"file": str(directory / "daemon.log")},
            "metrics": {"enabled": False},
            "processors": {"pin": False},
            "ros": {"domain_id": self.ros_domain_id},
            "engine": {"profile_seconds": 0.1},
        }
        path = directory / "roost.yaml"
        path.write_text(yaml.safe_dump(own | sections, sort_keys=False))
        return path

    def daemon(self, name: str, **sections: Any) -> Daemon:
        """Start a daemon with these sections of configuration."""
        daemon = Daemon(self, name, self.directory / name, self.configuration(name, **sections), sections)
        daemon.start()
        return daemon

    def robot(self, robot: str) -> Process:
        """Start a simulated robot of the demo's site."""
        options = ("--site", str(DEMO / "site.yaml"), "--robot", robot)
        return self.start(robot, "roost_daemon.demo.robot_world", *options, **ros_environment(self.ros_domain_id))

    def one_robot(self) -> dict[str, Any]:
        """The demo's site with drone1 only, its camera being `eye`."""
        site: dict[str, Any] = yaml.safe_load((DEMO / "site.yaml").read_text())["site"]
        drone = site["robots"]["drone1"] | {"camera": "eye"}
        return site | {"robots": {"drone1": drone}, "rules": []}

    def clip(self) -> str:
        """A short clip of noise, 320x240: a decoder has work with it, and nobody finds anything in it."""
        path = self.directory / "noise.mp4"
        if not path.exists():
            random = np.random.default_rng(4)
            with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
                stream = container.add_stream("libx264", rate=10)
                stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
                for _ in range(10):
                    blocks = random.integers(90, 160, (12, 16, 3), dtype=np.uint8)
                    picture = np.kron(blocks, np.ones((20, 20, 1), dtype=np.uint8))
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                container.mux(stream.encode())
        return str(path)

    def camera(self) -> dict[str, Any]:
        return {"source": self.clip(), "loop": True}

    def models(self, name: str, **manifests: Mapping[str, Any]) -> dict[str, Any]:
        """The section `models`: a directory with the demo's vest detector, and these manifests."""
        directory = self.directory / name
        directory.mkdir()
        for file in ("vest_detector.onnx", "vest_detector.yaml"):
            shutil.copy(DEMO / "models" / file, directory)
        for model, manifest in manifests.items():
            (directory / f"{model}.yaml").write_text(yaml.safe_dump(dict(manifest)))
        return {"directories": [str(directory)]}

    def demo_manifest(self, model: str) -> dict[str, Any]:
        manifest: dict[str, Any] = yaml.safe_load((DEMO / "models" / f"{model}.yaml").read_text())
        return manifest

    def free_port(self) -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def end(self) -> None:
        """End everything, the last first, and fail if something is left."""
        for process in reversed(self._processes):
            process.end()
        end_s = time.monotonic() + 15.0
        while (left := marked_processes(self.mark)) and time.monotonic() < end_s:
            time.sleep(0.1)
        commands = [Path(f"/proc/{process_id}/cmdline").read_text().replace("\0", " ") for process_id in left]
        for process_id in left:
            os.kill(process_id, signal.SIGKILL)
        assert not left, f"processes are left: {commands}"


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """As for all tests, but with one event loop for all of this directory: gRPC's poller outlives a loop that is closed."""
    return "asyncio"


@pytest.fixture(scope="package", autouse=True)
async def one_event_loop(anyio_backend: str) -> AsyncIterator[None]:
    # While one channel is open gRPC keeps its poller, and does not wait for the poller's end inside a test.
    async with RoostClient("unix:/nobody-listens-here"):
        yield


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """`wait_until`, for tests."""
    return wait_until


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Everything of a module, in a short directory of its own and a ROS domain of its own."""
    directory = Path(tempfile.mkdtemp(prefix="roost-", dir="/tmp"))
    with own_ros_domain() as domain_id:
        site = Site(directory, domain_id)
        try:
            yield site
        finally:
            site.end()
            shutil.rmtree(directory, ignore_errors=True)
