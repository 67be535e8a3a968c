"""`roost.v1.SystemService`: how the daemon, its parts and its robots do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from roost import __version__
from roost.clock import Clocks
from roost.v1 import system_pb2, system_pb2_grpc
from roost.wire import duration_to_proto, pose_to_proto
from roost_daemon.api.context import Context
from roost_daemon.lifecycle import Lifecycle, LifeState
from roost_daemon.missions.ports import RobotReport


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the daemon, and how it does. process_id: 0 where it has no process of its own."""

    name: str
    state: str
    message: str
    restarts: int = 0
    process_id: int = 0


@dataclass(frozen=True, slots=True)
class SystemSources:
    """Where the status is read from, each time that somebody asks."""

    components: Callable[[], Iterable[Component]]
    robots: Callable[[], Mapping[str, RobotReport | None]]
    facts_replicated: Callable[[], int]
    trace_lost: Callable[[], int]


class SystemApi(system_pb2_grpc.SystemServiceServicer):
    """Reads and converts."""

    def __init__(self, name: str, lifecycle: Lifecycle, sources: SystemSources, clocks: Clocks) -> None:
        self._name = name
        self._lifecycle = lifecycle
        self._sources = sources
        self._clocks = clocks

    async def GetStatus(self, request: system_pb2.GetStatusRequest, context: Context) -> system_pb2.GetStatusResponse:
        """Read the status."""
        life = self._lifecycle
        ready = life.state is not LifeState.STARTING
        return system_pb2.GetStatusResponse(
            name=self._name,
            version=__version__,
            state=life.state.value,
            uptime=duration_to_proto(self._clocks.monotonic_ns() - life.ready_ns if ready else 0),
            stages=[
                system_pb2.StageStatus(
                    name=stage.name, took=duration_to_proto(stage.took_ns), limit=duration_to_proto(stage.limit_ns)
                )
                for stage in life.stages
            ],
            components=[
                system_pb2.ComponentStatus(
                    name=part.name,
                    state=part.state,
                    message=part.message,
                    restarts=part.restarts,
                    process_id=part.process_id,
                )
                for part in self._sources.components()
            ],
            robots=[_robot(name, report) for name, report in self._sources.robots().items()],
            facts_replicated=self._sources.facts_replicated(),
            trace_lost=self._sources.trace_lost(),
        )


def _robot(name: str, report: RobotReport | None) -> system_pb2.RobotStatus:
    if report is None:
        return system_pb2.RobotStatus(name=name, healthy=False, activity="its gateway does not answer")
    state = report.state
    return system_pb2.RobotStatus(
        name=name,
        pose=pose_to_proto(state.pose),
        speed_mps=state.speed_mps,
        healthy=report.accepting,
        activity=state.activity if report.accepting else report.problem,
        place=state.place,
    )
