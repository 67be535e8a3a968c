"""Lets missions happen: journals what was told and decided, and only then acts.

Each live mission has one task that takes what is told to it in turn. What it decides is durable before a skill starts, a
repair is sought or a watcher hears of it. Every change of a robot's place is told to every mission.
Watchers read the journal, so a slow one costs nothing and loses nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
import structlog
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from roost.clock import Clocks, Deadline, ns_to_seconds
from roost.errors import RoostError, UnknownNameError
from roost.robot import CommandFailedError
from roost_daemon.missions.events import Happening, Kind, MissionEvent, Problem, plan_to_data
from roost_daemon.missions.journal import Journal, JournalError
from roost_daemon.missions.mission import Mission, RuleMonitor, StepState
from roost_daemon.missions.planner import Planner
from roost_daemon.missions.ports import Fleet, SkillHosts, StepOrder
from roost_daemon.missions.surroundings import Surroundings
from roost_daemon.missions.view import MissionUpdate, view
from roost_daemon.planning.plan import PlannedStep

_INBOX_LENGTH = 256
_PAUSE_BEFORE_REPEAT_S = 0.5
_REST_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """robot_return_s: how long a failed step waits for its robot and its skill host to be there again."""

    robot_return_s: float = 20.0


@dataclass(slots=True, eq=False)
class _Live:
    """A mission that runs: its state, its inbox, what cancels each running step."""

    mission: Mission
    deadline: Deadline | None
    send: MemoryObjectSendStream[Happening | None]
    receive: MemoryObjectReceiveStream[Happening | None]
    scopes: dict[str, anyio.CancelScope] = field(default_factory=dict)
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def tell(self, happening: Happening | None) -> None:
        """Put it into the inbox; a mission that has ended hears nothing any more."""
        try:
            await self.send.send(happening)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return

    def moves(self) -> set[str]:
        """The robots that it moves now."""
        return {step.robot for step in self.mission.in_state(StepState.RUNNING)}


class MissionRunner:
    """Owns the live missions. Its tasks live in the task group that it is given.

    monitor_for: makes a monitor of a formula's text. surroundings: what is known of robots and objects.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        journal: Journal,
        fleet: Fleet,
        hosts: SkillHosts,
        planner: Planner,
        clocks: Clocks,
        *,
        monitor_for: Callable[[str], RuleMonitor],
        settings: RunnerSettings | None = None,
    ) -> None:
        self._tasks = tasks
        self._journal = journal
        self._hosts = hosts
        self._planner = planner
        self._clocks = clocks
        self._monitor_for = monitor_for
        self._settings = settings or RunnerSettings()
        self._live: dict[str, _Live] = {}
        self._changes: dict[str, anyio.Event] = {}
        self._log = structlog.get_logger("missions")
        self.surroundings = Surroundings(fleet, planner.site, planner.contracts)

    def follow_robots(self) -> None:
        """Begin to follow every robot of the fleet."""
        for robot in self.surroundings.robots:
            self._tasks.start_soon(self.surroundings.follow, robot, self._tell_moved, name=f"follow {robot}")

    @property
    def live(self) -> tuple[str, ...]:
        """The missions that run."""
        return tuple(self._live)

    async def start(self, submitted: MissionEvent, mission_id: str, planned: Happening, deadline: Deadline | None) -> None:
        """Run a mission whose submission is journaled; returns when its plan is, and its first steps begin."""
        mission = Mission(mission_id, self._planner.contracts, self._monitor_for)
        mission.apply(submitted)
        send, receive = anyio.create_memory_object_stream[Happening | None](_INBOX_LENGTH)
        live = self._live[mission_id] = _Live(mission, deadline, send, receive)
        begun = anyio.Event()
        await live.tell(planned)
        self._tasks.start_soon(self._drive, live, begun, name=f"mission {mission_id}")
        await begun.wait()

    async def cancel(self, mission_id: str, why: str) -> None:
        """Cancel a live mission; returns when nothing of it runs any more."""
        live = self._live.get(mission_id)
        if live is not None:
            await live.tell(Happening(Kind.CANCEL_REQUESTED, why))
            await live.ended.wait()

    async def interrupt_all(self) -> None:
        """End all missions because the daemon ends."""
        for live in list(self._live.values()):
            await live.tell(Happening(Kind.INTERRUPTED, "the daemon ended while it ran"))
            await live.ended.wait()

    async def watch(self, mission_id: str, resume_after: int = 0) -> AsyncIterator[MissionUpdate]:
        """A mission's events after a sequence from the journal, then as they happen, until it ends.

        Raises `UnknownNameError` for a mission that there is not.
        """
        mission = Mission(mission_id)
        while not mission.has_ended:
            changed = self._changes.setdefault(mission_id, anyio.Event())
            events = await self._journal.events(mission_id, mission.sequence)
            if not events and mission.sequence == 0:
                del self._changes[mission_id]
                raise UnknownNameError(f"there is no mission '{mission_id}'", remedy="`roost watch` lists them all")
            for event in events:
                mission.apply(event)
                if event.sequence > resume_after:
                    yield MissionUpdate(event, view(mission))
            if not events:
                await changed.wait()
        self.announce(mission_id)  # forgets the event made above, and wakes whoever waits for it

    async def record(self, mission_id: str, events: list[MissionEvent]) -> None:
        """Journal events of a mission and tell its watchers."""
        await self._journal.append(mission_id, events)
        self.announce(mission_id)

    def announce(self, mission_id: str) -> None:
        """Wake the watchers of a mission."""
        changed = self._changes.pop(mission_id, None)
        if changed is not None:
            changed.set()

    # One mission.

    async def _drive(self, live: _Live, begun: anyio.Event) -> None:
        mission = live.mission
        try:
            async with anyio.create_task_group() as tasks:
                if live.deadline is not None:
                    tasks.start_soon(self._watch_deadline, live, live.deadline)
                async for told in live.receive:
                    going_on = await self._take(live, tasks, told)
                    begun.set()
                    if not going_on:
                        tasks.cancel_scope.cancel()
                        break
        finally:
            begun.set()
            live.send.close()
            live.receive.close()
            self._live.pop(mission.mission_id, None)
            self.announce(mission.mission_id)
            live.ended.set()
        await self._nudge_others(live)

    async def _take(self, live: _Live, tasks: TaskGroup, told: Happening | None) -> bool:
        """Take what was told: decide, journal, act. Returns whether the mission goes on."""
        mission = live.mission
        events = mission.advance(told, self._clocks.utc_ns(), self._busy(live))
        if events:
            try:
                await self.record(mission.mission_id, events)
            except JournalError as error:
                # Nothing may be acted on that is not journaled: the mission ends here, and its skills are cancelled.
                self._log.error(str(error), mission=mission.mission_id)
                return False
        for event in events:
            self._act(live, tasks, event)
        if mission.stopping is not None:
            for scope in live.scopes.values():
                scope.cancel()
        return not mission.has_ended

    def _act(self, live: _Live, tasks: TaskGroup, event: MissionEvent) -> None:
        """Do what an event asks for, now that it is journaled."""
        mission = live.mission
        self._log.info(event.message, mission=mission.mission_id, kind=event.kind.value)
        if event.kind is Kind.STEP_STARTED:
            live.scopes[event.node] = anyio.CancelScope()
            tasks.start_soon(self._run_step, live, mission.planned[event.node])
        elif event.kind is Kind.STEP_FAILED and mission.stopping is None:
            if mission.steps[event.node].state is StepState.REPAIRING:
                tasks.start_soon(self._repair, live, event.node)
        elif event.kind is Kind.STEP_DONE:
            self.surroundings.note_done(mission.planned[event.node])
        if event.kind in (Kind.STEP_DONE, Kind.STEP_FAILED, Kind.STEP_CANCELLED):
            tasks.start_soon(self._nudge_others, live)

    async def _run_step(self, live: _Live, step: PlannedStep) -> None:
        scope = live.scopes[step.node]
        told: Happening | None = None

        async def say(message: str) -> None:
            await live.tell(Happening(Kind.STEP_PROGRESS, f"{step.robot}: {message}", step.node))

        with scope:
            order = StepOrder(live.mission.mission_id, step, live.mission.closed, live.deadline)
            try:
                result = await self._hosts.run(order, say)
                found = ", ".join(f"{name} {value}" for name, value in result.items() if name not in step.arguments)
                told = Happening(
                    Kind.STEP_DONE,
                    f"{step.robot} is done: {step.label}" + (f" ({found})" if found else ""),
                    step.node,
                    {"result": dict(result)},
                )
            except RoostError as error:
                told = _failed(step, error)
        if live.scopes.get(step.node) is scope:
            del live.scopes[step.node]
        if told is None:
            with anyio.move_on_after(_REST_LIMIT_S):  # it is stopped when its gateway would take another command
                await self._wait_for(step.robot)
            told = Happening(Kind.STEP_CANCELLED, f"{step.robot} was stopped: {step.label}", step.node)
        await live.tell(told)

    async def _repair(self, live: _Live, node: str) -> None:
        """Seek a plan for what is left, once the robot that failed is there again."""
        mission, step = live.mission, live.mission.planned[node]
        with anyio.move_on_after(self._settings.robot_return_s) as waiting:
            if not mission.steps[node].failed_passage:
                await anyio.sleep(_PAUSE_BEFORE_REPEAT_S)
            await self._wait_for(step.robot)
        if waiting.cancelled_caught:
            why = f"{step.robot} did not come back within {self._settings.robot_return_s:g} s"
            await live.tell(mission.give_up(node, why))
            return
        world = self._planner.world(await self.surroundings.states(), self.surroundings.object_areas)
        try:
            plan = self._planner.repair(mission, node, world)
        except RoostError as error:
            await live.tell(mission.give_up(node, error.message))
            return
        new = plan.step(node)
        passages = [passage for way in (new.ways if new else ()) for passage in way.passages]
        by = f" by {', '.join(passages)}" if passages else ""
        closed = f"; {', '.join(sorted(plan.closed))} is taken as closed" if plan.closed else ""
        message = f"the plan was repaired: {step.robot}: {step.label}{by}{closed}"
        await live.tell(Happening(Kind.REPAIRED, message, node, {"plan": plan_to_data(plan)}))

    async def _wait_for(self, robot: str) -> None:
        """Return when the robot's gateway takes commands and its skill host answers."""
        await self.surroundings.until_accepting(robot)
        await self._hosts.wait_ready(robot)

    async def _watch_deadline(self, live: _Live, deadline: Deadline) -> None:
        await anyio.sleep(max(0.0, ns_to_seconds(deadline.remaining_ns(self._clocks))))
        await live.tell(Happening(Kind.DEADLINE_PASSED, "the goal's deadline passed before it was done"))

    # Several missions, and the robots.

    def _busy(self, live: _Live) -> set[str]:
        """The robots that other missions move now."""
        return set().union(*(other.moves() for other in self._live.values() if other is not live))

    async def _nudge_others(self, live: _Live) -> None:
        """A robot may be free: let the other missions look whether they can go on."""
        for other in list(self._live.values()):
            if other is not live:
                await other.tell(None)

    async def _tell_moved(self, robot: str, area: str) -> None:
        message = f"{robot} is in {area}" if area else f"{robot} is between places"
        for live in list(self._live.values()):
            if live.mission.areas.get(robot, "") != area:
                await live.tell(Happening(Kind.MOVED, message, data={"robot": robot, "area": area}))


def _failed(step: PlannedStep, error: RoostError) -> Happening:
    passage = error.failed_passage if isinstance(error, CommandFailedError) else ""
    return Happening(
        Kind.STEP_FAILED,
        f"{step.robot} failed: {step.label}: {error.message}",
        step.node,
        {"problem": Problem.of(error).to_data(), "failed_passage": passage},
    )
