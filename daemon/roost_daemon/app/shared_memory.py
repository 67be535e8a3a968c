"""Composes memory: the store, and with a broker the replication; and writes down what the robots do and see."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from roost.clock import NANOSECONDS_PER_SECOND, Clocks
from roost_daemon import assets
from roost_daemon.config import MemorySettings
from roost_daemon.memory.broker import broker_configuration
from roost_daemon.memory.replication import Replicator
from roost_daemon.memory.store import FactStore
from roost_daemon.missions.ports import RobotReport
from roost_daemon.processes.environment import child_environment
from roost_daemon.processes.supervisor import ChildSpec, Supervisor

_POSE_PERIOD_S = 1.0
_POSE_LIFETIME_NS = 10 * NANOSECONDS_PER_SECOND
_MAP_FRAME = "map"


class MemoryPart:
    """The memory of one daemon."""

    def __init__(self, settings: MemorySettings | None, *, daemon: str, site: str, clocks: Clocks) -> None:
        self._settings = settings
        self.store = FactStore(daemon, clocks)
        self.replicator: Replicator | None = None
        if settings is not None:
            self.replicator = Replicator(self.store, clocks, site=site, host=settings.host, port=settings.port)

    async def open(self, tasks: TaskGroup, supervisor: Supervisor, runtime_directory: Path, limit_s: float) -> None:
        """Start the broker, if it is ours, and the replication. A broker that is away does not stop the daemon."""
        if self._settings is None or self.replicator is None:
            return
        if self._settings.embedded:
            argv, environment = await anyio.to_thread.run_sync(assets.mosquitto_command)
            configuration = runtime_directory / "mosquitto.conf"
            await anyio.Path(configuration).write_text(broker_configuration(self._settings.port), encoding="utf-8")
            broker = supervisor.start(
                ChildSpec(
                    name="broker",
                    argv=(*argv, "-c", str(configuration)),
                    environment=child_environment(os.environ, **environment),
                    start_limit_s=limit_s,
                    ready_port=self._settings.port,
                )
            )
            await broker.wait_ready()
        tasks.start_soon(self.replicator.run, name="replication")

    async def keep_poses(self, newest: Callable[[], Mapping[str, RobotReport | None]]) -> None:
        """Write each robot's pose down, again and again."""
        while True:
            for robot, report in newest().items():
                if report is None:
                    continue
                pose = report.state.pose
                self.store.put(
                    f"robot/{robot}/pose",
                    {"x_m": round(pose.x_m, 3), "y_m": round(pose.y_m, 3), "yaw_rad": round(pose.yaw_rad, 3)},
                    source=robot,
                    lifetime_ns=_POSE_LIFETIME_NS,
                    frame=_MAP_FRAME,
                )
            await anyio.sleep(_POSE_PERIOD_S)
