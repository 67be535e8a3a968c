"""Composes what moves robots: one gateway and one skill host a robot, and the fleet that keeps the gateways alive."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import anyio
import structlog
import yaml
from anyio.abc import TaskGroup

from roost.clock import Clocks
from roost.restart import RestartPolicy
from roost_daemon.app.fleet import GatewayFleet
from roost_daemon.concurrency import all_of
from roost_daemon.config import RoostSettings
from roost_daemon.missions.hosts import GrpcSkillHosts
from roost_daemon.processes.environment import child_environment
from roost_daemon.processes.supervisor import ChildSpec, Supervisor, python_module
from roost_daemon.ros.environment import ros_environment
from roost_daemon.site.model import Site

GATEWAY_MODULE = "roost_daemon.gateway_main"
# An old gateway holds its robot until it rests: the new one must be patient.
_GATEWAY_RESTART = RestartPolicy(limit=12)


class RobotsPart:
    """The robots of one daemon. `open` starts their processes and returns when they accept commands, or says why not."""

    def __init__(
        self, settings: RoostSettings, site: Site, clocks: Clocks, supervisor: Supervisor, runtime_directory: Path
    ) -> None:
        self._settings = settings
        self._site = site
        self._supervisor = supervisor
        self._runtime = runtime_directory
        self._log = structlog.get_logger("robots")
        self.fleet = GatewayFleet(
            {name: self.gateway_socket(name) for name in site.robots},
            daemon=settings.daemon.name,
            fencing_token=clocks.utc_ns(),
            heartbeat_timeout_s=settings.gateways.heartbeat_timeout_ms / 1000,
        )
        self.hosts = GrpcSkillHosts({name: f"unix:{self.skills_socket(name)}" for name in site.robots}, clocks)
        self._connections = AsyncExitStack()

    def gateway_socket(self, robot: str) -> Path:
        """Where a robot's gateway listens."""
        return self._runtime / f"gateway-{robot}.sock"

    def skills_socket(self, robot: str) -> Path:
        """Where a robot's skill host listens."""
        return self._runtime / f"skills-{robot}.sock"

    async def open(self, tasks: TaskGroup, daemon_socket: Path, patience_s: float) -> None:
        """Start gateways and hosts; robots that are not there within `patience_s` are named in the log and come later."""
        site_file = self._runtime / "site.yaml"
        await anyio.Path(site_file).write_text(self._site_text(), encoding="utf-8")
        for robot in self._site.robots.values():
            await self._make_way(self.gateway_socket(robot.name))
            await self._make_way(self.skills_socket(robot.name))
            self._supervisor.start(self._gateway(robot.name, site_file))
            self._supervisor.start(self._host(robot.name, robot.camera, daemon_socket))
        await self._connections.enter_async_context(self.hosts)
        tasks.start_soon(self.fleet.run, name="fleet")
        await all_of(*(partial(self._wait_for, name, patience_s) for name in self._site.robots))

    async def close(self) -> None:
        """End the gateways, each when its robot rests, and the hosts."""
        children = self._supervisor.children
        await all_of(*(child.stop for name, child in children.items() if name.startswith(("gateway/", "skills/"))))
        await self._connections.aclose()

    async def _wait_for(self, robot: str, patience_s: float) -> None:
        with anyio.move_on_after(patience_s) as patience:
            await self.hosts.wait_ready(robot)
            await self.fleet.wait_accepting(robot)
        if patience.cancelled_caught:
            report = self.fleet.newest()[robot]
            why = report.problem if report is not None else "its gateway does not answer"
            self._log.warning(f"{robot} does not accept commands yet: {why}; the daemon goes on without it", robot=robot)

    async def _make_way(self, socket: Path) -> None:
        await anyio.Path(socket).unlink(missing_ok=True)

    def _site_text(self) -> str:
        assert self._settings.site is not None
        return yaml.safe_dump({"site": self._settings.site.model_dump(mode="json")}, sort_keys=False)

    def _gateway(self, robot: str, site_file: Path) -> ChildSpec:
        ros = ros_environment(self._settings.ros.domain_id, self._settings.ros.discovery_range)
        return ChildSpec(
            name=f"gateway/{robot}",
            argv=python_module(
                GATEWAY_MODULE,
                *("--site", str(site_file), "--robot", robot, "--socket", str(self.gateway_socket(robot))),
                *("--heartbeat-timeout-ms", str(self._settings.gateways.heartbeat_timeout_ms)),
            ),
            environment=child_environment(os.environ, **ros),
            start_limit_s=self._settings.daemon.start.robots_s,
            dies_with_parent=False,
            stop_limit_s=self._site.robots[robot].rest_time_s + 1.0,
            restart=_GATEWAY_RESTART,
        )

    def _host(self, robot: str, camera: str, daemon_socket: Path) -> ChildSpec:
        return ChildSpec(
            name=f"skills/{robot}",
            argv=python_module(
                "roost_skills.host",
                *("--robot", robot, "--socket", str(self.skills_socket(robot))),
                *("--gateway", str(self.gateway_socket(robot)), "--daemon", str(daemon_socket)),
                *(("--camera", camera) if camera else ()),
            ),
            environment=child_environment(os.environ),
            start_limit_s=self._settings.daemon.start.robots_s,
        )
