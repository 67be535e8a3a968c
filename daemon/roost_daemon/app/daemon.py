"""The daemon's parts, started in stages and stopped with the robots first.

Stages: journal, memory, robots, inference, interfaces. Robots come before inference so that profiles are measured when the
other processes have started. Goals are accepted, and READY is said, after the last.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup

from roost.clock import Clocks
from roost.errors import RoostError
from roost.v1 import (
    inference_pb2_grpc,
    memory_pb2_grpc,
    mission_pb2_grpc,
    skill_pb2_grpc,
    system_pb2_grpc,
)
from roost_daemon.api.inference import InferenceApi
from roost_daemon.api.memory import MemoryApi
from roost_daemon.api.missions import MissionApi
from roost_daemon.api.server import ApiServer, Registration
from roost_daemon.api.skills import SkillApi
from roost_daemon.api.system import Component, SystemApi, SystemSources
from roost_daemon.app.inference import InferencePart
from roost_daemon.app.missions import MissionsPart
from roost_daemon.app.robots import RobotsPart
from roost_daemon.app.shared_memory import MemoryPart
from roost_daemon.config import RoostSettings
from roost_daemon.lifecycle import Lifecycle
from roost_daemon.observe.metrics import MetricsServer, Reading
from roost_daemon.observe.readings import readings
from roost_daemon.processes.processors import ProcessorPlan
from roost_daemon.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from rclpy.node import Node

    from roost_daemon.ros.bridge import RosBridge

STATISTICS_FILE = "statistics.json"
_ROBOTS_PATIENCE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Directories:
    """state: survives a restart; runtime: sockets."""

    state: Path
    runtime: Path


class Daemon:
    """One daemon. `running` is its life."""

    def __init__(self, settings: RoostSettings, clocks: Clocks, processors: ProcessorPlan, directories: Directories) -> None:
        self._settings = settings
        self._clocks = clocks
        self._processors = processors
        self._directories = directories
        self._site = settings.site.to_site() if settings.site is not None else None
        self._lifecycle = Lifecycle(clocks)
        self._bridge: RosBridge | None = None
        self._metrics: MetricsServer | None = None
        self.socket = settings.api.socket or directories.runtime / "daemon.sock"

    @property
    def metrics_port(self) -> int:
        """Where `/metrics` is served, 0 for nowhere."""
        return self._metrics.port if self._metrics is not None else 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start in stages; stop at the end of the context, robots first.

        Raises `RoostError` where a stage fails; whatever was started is stopped then.
        """
        failure: RoostError | None = None
        async with anyio.create_task_group() as tasks:
            try:
                await self._start(tasks)
            except RoostError as error:
                failure = error
            if failure is None:
                try:
                    yield
                finally:
                    await self._lifecycle.stop(self._settings.daemon.stop_s)
            else:
                await self._lifecycle.stop(self._settings.daemon.stop_s)
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _start(self, tasks: TaskGroup) -> None:
        settings, life, clocks = self._settings, self._lifecycle, self._clocks
        limits = settings.daemon.start
        state, runtime = self._directories.state, self._directories.runtime
        supervisor = self._supervisor = Supervisor(tasks, clocks)
        life.on_stop("children", supervisor.stop_all)
        site_name = self._site.name if self._site is not None else settings.daemon.name

        memory = self._memory = MemoryPart(settings.memory, daemon=settings.daemon.name, site=site_name, clocks=clocks)
        missions = self._missions = MissionsPart(self._site, clocks, state / "journal.db")
        await life.stage("journal", limits.journal_s, missions.open_journal)
        life.on_stop("journal", missions.close_journal)
        await life.stage("memory", limits.memory_s, partial(memory.open, tasks, supervisor, runtime, limits.memory_s))

        robots = self._robots = (
            RobotsPart(settings, self._site, clocks, supervisor, runtime) if self._site and self._site.robots else None
        )
        if robots is not None:
            patience_s = limits.robots_s * _ROBOTS_PATIENCE_SHARE
            await life.stage("robots", limits.robots_s, partial(robots.open, tasks, self.socket, patience_s))
            tasks.start_soon(memory.keep_poses, robots.fleet.newest, name="poses")

        inference = self._inference = (
            InferencePart(settings, clocks, supervisor, self._processors, state, self._ros_node)
            if settings.models.directories
            else None
        )
        if inference is not None:
            life.on_stop("inference", partial(self._stop_inference, inference))
            await life.stage("inference", limits.inference_s, partial(inference.open, tasks))

        await life.stage("interfaces", limits.interfaces_s, partial(self._open_interfaces, tasks))
        if robots is not None:
            # Last in, first out: the robots rest before anything else ends.
            life.on_stop("robots", partial(self._stop_robots, robots))
        life.ready()

    async def _open_interfaces(self, tasks: TaskGroup) -> None:
        await self._missions.open(tasks, self._robots, self._memory.store)
        api = ApiServer(self.socket, self._settings.api.tcp, self._services())
        await api.open()
        await api.set_serving(True)
        self._lifecycle.on_stop("interfaces", api.close)
        if self._settings.metrics.enabled:
            self._metrics = MetricsServer(self._readings, self._settings.metrics.port)
            self._lifecycle.on_stop("metrics", partial(anyio.to_thread.run_sync, self._metrics.close))

    def _services(self) -> Iterator[Registration]:
        clocks, missions, site = self._clocks, self._missions, self._site
        system = SystemApi(self._settings.daemon.name, self._lifecycle, self._sources(), clocks)
        yield partial(system_pb2_grpc.add_SystemServiceServicer_to_server, system)
        yield partial(memory_pb2_grpc.add_MemoryServiceServicer_to_server, MemoryApi(self._memory.store))
        if missions.goals is not None and site is not None:
            yield partial(mission_pb2_grpc.add_MissionServiceServicer_to_server, MissionApi(missions.goals, clocks))
            yield partial(skill_pb2_grpc.add_SkillServiceServicer_to_server, SkillApi(missions.contracts, site.robots))
        if self._inference is not None and self._inference.service is not None:
            yield partial(
                inference_pb2_grpc.add_InferenceServiceServicer_to_server, InferenceApi(self._inference.service, clocks)
            )

    def _sources(self) -> SystemSources:
        inference = self._inference
        return SystemSources(
            components=self._components,
            robots=self._robots.fleet.newest if self._robots is not None else dict,
            facts_replicated=lambda: self._memory.store.replicated,
            trace_lost=lambda: inference.service.statistics().trace_lost if inference and inference.service else 0,
        )

    def _components(self) -> Iterator[Component]:
        for name, child in sorted(self._supervisor.children.items()):
            yield Component(name, child.state.value, child.message, child.restarts, child.process_id)
        if self._inference is not None and self._inference.engine is not None:
            engine = self._inference.engine
            health = engine.health
            state = "ready" if health.healthy else "degraded"
            yield Component("engine", state, health.message or "ready", engine.restarts, engine.worker_pid or 0)
        replicator = self._memory.replicator
        if replicator is not None:
            state = "ready" if replicator.connected else "degraded"
            yield Component("replication", state, f"{replicator.waiting} facts wait for the broker")

    def _readings(self) -> Iterator[Reading]:
        inference = self._inference
        statistics = inference.service.statistics() if inference and inference.service else None
        robots = self._robots.fleet.newest() if self._robots is not None else {}
        return readings(statistics, robots, self._memory.store.replicated)

    async def _stop_robots(self, robots: RobotsPart) -> None:
        await self._missions.interrupt()
        await robots.close()

    async def _stop_inference(self, inference: InferencePart) -> None:
        """The service ends first, so that the counts that are kept have every task's outcome."""
        await inference.close()
        if inference.service is not None:
            statistics = inference.service.statistics()
            data = {
                "models": [asdict(counts) for counts in statistics.models.values()],
                "compared": statistics.compared,
                "disagreed": statistics.disagreed,
            }
            await anyio.Path(self._directories.state / STATISTICS_FILE).write_text(json.dumps(data), encoding="utf-8")
        if self._bridge is not None:
            await anyio.to_thread.run_sync(self._bridge.close)

    def _ros_node(self) -> Node:
        """The daemon's own ROS node, made when the first part asks for it."""
        if self._bridge is None:
            from roost_daemon.ros.bridge import RosBridge

            self._bridge = RosBridge("roost")
            self._bridge.start()
        return self._bridge.node
