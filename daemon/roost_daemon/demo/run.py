"""One run of the demo: the simulated site, two daemons, the story, the end."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import structlog
from anyio import CancelScope

from roost.client import RoostClient
from roost.clock import Clocks, ns_to_seconds
from roost.errors import RoostError, UnavailableError
from roost.restart import RestartPolicy
from roost.v1 import mission_pb2
from roost_daemon.app.daemon import STATISTICS_FILE
from roost_daemon.app.robots import GATEWAY_MODULE
from roost_daemon.concurrency import all_of
from roost_daemon.demo.configuration import SITE_FILE, DemoPlaces, OwnInputs, write_configurations
from roost_daemon.demo.illustration import draw
from roost_daemon.demo.janitor import marked_processes
from roost_daemon.demo.load import plan_demo
from roost_daemon.demo.processor_use import processor_seconds
from roost_daemon.demo.progress import LogProgress
from roost_daemon.demo.result import DemoResult
from roost_daemon.demo.ros_domain import own_ros_domain
from roost_daemon.demo.screen import Screen
from roost_daemon.demo.state import StoryState
from roost_daemon.demo.story import FORBIDDEN_GOAL, GOAL, Story, StoryRecord
from roost_daemon.demo.summary import MissionSummary, ModelSummary, MonitorSummary, Summary, missing_from_the_story
from roost_daemon.observe.logs import logging_to
from roost_daemon.processes.environment import RUN_MARK, child_environment
from roost_daemon.processes.supervisor import Child, ChildSpec, ChildState, Supervisor, python_module
from roost_daemon.ros.environment import ros_environment
from roost_daemon.site.load import load_site

HANGAR, OFFICE = "hangar", "office"
PICTURE_FILE = "story.png"
CLOSED_PASSAGE = "lane_west"
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 5.0
_CAMERA_SETTLE_S = 2.5
_GATEWAYS_LIMIT_S = 8.0
_GATEWAYS_PERIOD_S = 0.1
# The kernel tells of a child's end a moment after its sockets have closed.
_NEWS_OF_AN_END_S = 1.0
# A robot that starts anew stands at its home: no story goes on from there.
_ONCE = RestartPolicy(limit=0)


class DemoRun:
    """Plays once. usable: the CPUs that the daemon may split; others: those for everything else."""

    def __init__(
        self,
        places: DemoPlaces,
        inputs: OwnInputs,
        seconds: float,
        usable: frozenset[int],
        others: frozenset[int],
        screen: Screen,
    ) -> None:
        self._places = places
        self._inputs = inputs
        self._seconds = seconds
        self._usable = usable
        self._others = others
        self._screen = screen
        self._clocks = Clocks()
        self._log = structlog.get_logger("story")
        self._site = load_site(SITE_FILE)
        self._state = StoryState(seconds)
        self._record = StoryRecord()
        self._share = 0.0
        self._interrupted = False
        self._stopping = False
        self._first_end = ""
        self._progress = LogProgress(places.log(HANGAR), self._tell)
        self._somebody_ended = anyio.Event()

    async def play(self) -> DemoResult:
        """Start, tell the story, stop, sum up. Ctrl-C and SIGTERM stop robots first, then all."""
        with logging_to(self._places.run / "demo.log", level="info", log_format="text"), own_ros_domain() as domain_id:
            mqtt_port = _free_port()
            write_configurations(self._places, ros_domain_id=domain_id, mqtt_port=mqtt_port, inputs=self._inputs)
            problem = ""
            async with anyio.create_task_group() as tasks:
                supervisor = Supervisor(tasks, self._clocks, self._heed)
                tasks.start_soon(self._progress.follow)
                try:
                    with CancelScope() as story:
                        tasks.start_soon(self._interrupt_on_signal, story)
                        tasks.start_soon(self._break_off_on_end, story)
                        await self._start_and_tell(supervisor, domain_id)
                    problem = self._first_end
                except RoostError as error:
                    with anyio.move_on_after(_NEWS_OF_AN_END_S):
                        await self._somebody_ended.wait()
                    problem = self._first_end or str(error)
                finally:
                    with CancelScope(shield=True):
                        await self._stop(supervisor, problem)
                tasks.cancel_scope.cancel()
        summary = self._sum_up(problem)
        if self._record.acts:
            closed = frozenset({CLOSED_PASSAGE} if any(mission.repaired for mission in summary.missions) else ())
            draw(self._record, self._site, closed, self._seconds, self._places.run / PICTURE_FILE)
        return DemoResult(summary, self._record, self._interrupted)

    async def _start_and_tell(self, supervisor: Supervisor, domain_id: int) -> None:
        self._tell("starting two simulated robots, a simulated camera and two daemons")
        for spec in self._children(domain_id):
            supervisor.start(spec)
        await all_of(*(partial(self._wait_for, child) for child in supervisor.children.values()))
        async with (
            RoostClient(f"unix:{self._places.socket(HANGAR)}") as hangar,
            RoostClient(f"unix:{self._places.socket(OFFICE)}") as office,
        ):
            self._tell("the daemons are up; looking at the cameras for a moment")
            await anyio.sleep(_CAMERA_SETTLE_S)  # until the cameras' rates are known
            stats = await hangar.stats()
            camera_hz = {camera.name: camera.frames_per_second for camera in stats.cameras}
            for camera in stats.cameras:
                if not camera.healthy:
                    raise UnavailableError(f"camera '{camera.name}' brings no frames: {camera.message}")
            plan = plan_demo(stats.models, camera_hz, self._seconds, self._inputs.models)
            self._tell("READY: goals are accepted")
            story = Story(hangar, office, plan, self._state, self._tell, self._clocks)
            self._record = story.record
            self._screen.follow(self._state, self._site)
            before_s = self._used_s(await self._engine(hangar))
            begun_ns = self._clocks.monotonic_ns()
            await story.run()
            used_s = self._used_s(await self._engine(hangar)) - before_s
            self._share = used_s * 1e9 / (self._clocks.monotonic_ns() - begun_ns)

    async def _wait_for(self, child: Child) -> None:
        await child.wait_ready()
        if child.spec.name == HANGAR:
            await self._progress.catch_up()
        self._tell(f"{child.spec.name} is ready")

    def _children(self, domain_id: int) -> Iterator[ChildSpec]:
        ros = ros_environment(domain_id)
        shutter = ("--close-passage", CLOSED_PASSAGE)
        for name, module, arguments in (
            ("drone1", "robot_world", ("--robot", "drone1", *shutter)),
            ("robot2", "robot_world", ("--robot", "robot2")),
            ("scene", "camera_world", ("--robot", "drone1")),
        ):
            yield self._child(
                name, python_module(f"roost_daemon.demo.{module}", "--site", str(SITE_FILE), *arguments), self._others, ros
            )
        for name in (HANGAR, OFFICE):
            argv = python_module("roost_daemon.cli", "up", "--config", str(self._places.configuration(name)))
            yield self._child(name, argv, self._usable, {})

    def _child(self, name: str, argv: tuple[str, ...], cpus: frozenset[int], variables: Mapping[str, str]) -> ChildSpec:
        return ChildSpec(
            name=name,
            argv=argv,
            environment=child_environment(os.environ, **variables),
            start_limit_s=_START_LIMIT_S,
            cpus=cpus,
            restart=_ONCE,
            stop_limit_s=_STOP_LIMIT_S,
        )

    async def _stop(self, supervisor: Supervisor, problem: str) -> None:
        """The daemon with the robots first: it brings them to rest; then the rest side by side."""
        self._stopping = True
        self._screen.close()
        if problem:
            self._tell(f"the story broke off: {problem}")
        self._tell("stopping: robots first, then all")
        begun_ns = self._clocks.monotonic_ns()
        hangar = supervisor.children.get(HANGAR)
        if hangar is not None:
            await hangar.stop()
            await self._progress.catch_up()
            with anyio.move_on_after(_GATEWAYS_LIMIT_S):
                await self._gateways_gone()
        await supervisor.stop_all()
        self._tell(
            f"every process has ended, {ns_to_seconds(self._clocks.monotonic_ns() - begun_ns):.1f} s after the stop began"
        )

    async def _gateways_gone(self) -> None:
        """Without their daemon, after its death, they bring their robots to rest and end by themselves."""
        while True:
            if not marked_processes(os.environ[RUN_MARK], GATEWAY_MODULE):
                return
            await anyio.sleep(_GATEWAYS_PERIOD_S)

    async def _interrupt_on_signal(self, story: CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                self._interrupted = True
                story.cancel()

    async def _break_off_on_end(self, story: CancelScope) -> None:
        await self._somebody_ended.wait()
        story.cancel()

    def _heed(self, child: Child) -> None:
        """Nobody of this story may end before it does."""
        if child.state is ChildState.GIVEN_UP and not self._stopping and not self._first_end:
            self._first_end = child.message
            self._somebody_ended.set()

    def _tell(self, line: str) -> None:
        self._screen.tell(line)
        self._log.info(line)

    async def _engine(self, hangar: RoostClient) -> int:
        parts = (await hangar.status()).components
        return next((part.process_id for part in parts if part.name == "engine"), 0)

    def _used_s(self, engine: int) -> float:
        """Processor time of everything that shares the second core: all but the engine, this process included."""
        others = [process for process in marked_processes(os.environ[RUN_MARK]) if process != engine]
        return processor_seconds([*others, os.getpid()])

    def _sum_up(self, problem: str) -> Summary:
        record = self._record
        missions = [record.missions[goal] for goal in (GOAL, FORBIDDEN_GOAL) if goal in record.missions]
        statistics = self._statistics()
        summary = Summary(
            models=tuple(_model(counts) for counts in statistics.get("models", ())),
            missions=tuple(_mission(mission) for mission in missions),
            monitors=tuple(MonitorSummary(rule.rule, rule.verdict) for rule in (missions[0].rules if missions else ())),
            facts_replicated=self._state.facts_replicated,
            compared=statistics.get("compared", 0),
            disagreed=statistics.get("disagreed", 0),
            shared_core_share=self._share,
        )
        problems: tuple[str, ...]
        if self._interrupted:
            problems = ("it was interrupted",)
        elif problem:
            problems = (f"it broke off: {problem}",)
        else:
            problems = tuple(missing_from_the_story(summary))
        return replace(summary, problems=problems)

    def _statistics(self) -> dict[str, Any]:
        """The final counts, written by the daemon when its last task had ended."""
        path = self._places.state(HANGAR) / STATISTICS_FILE
        if not path.exists():
            return {}
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return data


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _model(counts: Mapping[str, Any]) -> ModelSummary:
    names = ModelSummary.__dataclass_fields__
    return ModelSummary(**{name: counts[name] for name in names})


def _mission(mission: mission_pb2.Mission) -> MissionSummary:
    running = mission.state == mission_pb2.MISSION_STATE_RUNNING  # as we saw it last; its daemon has ended since
    state = mission_pb2.MISSION_STATE_INTERRUPTED if running else mission.state
    outcome = mission_pb2.MissionState.Name(state).removeprefix("MISSION_STATE_").lower()
    refused = mission.problem.message if outcome == "refused" else ""
    return MissionSummary(mission.goal, outcome, mission.repairs > 0, refused)
