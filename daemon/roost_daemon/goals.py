"""The goal's road in one place: words → checks → plan → mission. The API, the ROS node and the command line call this alike.

A goal that is refused is a mission too, in state refused and with the reason, so that nothing that was asked for is lost. The
submission is journaled first; the same idempotency key is the same mission, also after a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import anyio

from roost.clock import Clocks, Deadline, ns_to_seconds
from roost.errors import RoostError, UnknownNameError
from roost_daemon.brain.providers import GoalProvider
from roost_daemon.brain.road import understand
from roost_daemon.brain.verifier import CheckedGoal
from roost_daemon.missions.events import Happening, Kind, MissionEvent, Problem, plan_to_data, tree_to_data
from roost_daemon.missions.journal import Journal
from roost_daemon.missions.mission import Mission, replay
from roost_daemon.missions.planner import Planner
from roost_daemon.missions.runner import MissionRunner
from roost_daemon.missions.view import MissionUpdate, MissionView, view
from roost_daemon.planning.plan import ImpossibleError

_INTERRUPTED = "the daemon ended while it ran"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop of everything has reached: missions cancelled, robots that rest, robots whose gateway does not answer."""

    missions: tuple[str, ...]
    robots: tuple[str, ...]
    unreachable: tuple[str, ...] = ()


class Goals:
    """Takes goals and answers for them.

    provider: turns words into a task tree. new_id: makes the name of a mission.
    """

    def __init__(
        self,
        provider: GoalProvider,
        planner: Planner,
        journal: Journal,
        runner: MissionRunner,
        clocks: Clocks,
        new_id: Callable[[], str],
    ) -> None:
        self._provider = provider
        self._planner = planner
        self._journal = journal
        self._runner = runner
        self._clocks = clocks
        self._new_id = new_id

    async def recover(self) -> tuple[str, ...]:
        """After a start: mark what an earlier daemon left unfinished as interrupted; returns those missions.

        What earlier missions are known to have carried somewhere is looked for there.
        """
        for mission_id in reversed(await self._journal.missions()):
            mission = await self._replay(mission_id)
            for node in mission.planned:
                if node in mission.done:
                    self._runner.surroundings.note_done(mission.planned[node])
        unfinished = await self._journal.unfinished()
        for mission_id in unfinished:
            mission = await self._replay(mission_id)
            ending = MissionEvent(mission.sequence + 1, self._clocks.utc_ns(), Kind.INTERRUPTED, _INTERRUPTED)
            await self._journal.append(mission_id, [ending])
        return tuple(unfinished)

    async def submit(self, text: str, idempotency_key: str = "", deadline: Deadline | None = None) -> MissionView:
        """Check, plan and start a goal; a refused one comes back in state refused. Returns when its first steps begin.

        Raises `roost_daemon.missions.journal.JournalError` where it cannot be journaled: then nothing was started.
        """
        submitted = self._submitted(text, deadline)
        new_id = self._new_id()
        mission_id = await self._journal.begin(new_id, idempotency_key, submitted)
        if mission_id != new_id:
            return await self.get(mission_id)
        with anyio.CancelScope(shield=True):  # a client that goes away now must not leave half a mission
            happening = await self._plan(text, deadline)
            if happening.kind is Kind.REFUSED:
                mission = Mission(mission_id)
                mission.apply(submitted)
                await self._runner.record(mission_id, mission.advance(happening, self._clocks.utc_ns()))
            else:
                await self._runner.start(submitted, mission_id, happening, deadline)
        return await self.get(mission_id)

    async def preview(self, text: str) -> MissionView:
        """What a goal would become, up to the plan. Nothing is journaled, nothing moves."""
        happening = await self._plan(text, None)
        submitted = self._submitted(text, None)
        mission = Mission("preview")
        mission.apply(submitted)
        mission.apply(MissionEvent(2, submitted.time_utc_ns, happening.kind, happening.message, data=happening.data))
        return view(mission, started=False)

    async def get(self, mission_id: str) -> MissionView:
        """One mission as it stands. Raises `UnknownNameError`."""
        return view(await self._replay(mission_id))

    async def list(self) -> tuple[MissionView, ...]:
        """The newest missions, newest first."""
        return tuple([view(await self._replay(mission_id)) for mission_id in await self._journal.missions()])

    def watch(self, mission_id: str, resume_after: int = 0) -> AsyncIterator[MissionUpdate]:
        """A mission's history after a sequence, then its events as they happen, until it ends. Raises `UnknownNameError`."""
        return self._runner.watch(mission_id, resume_after)

    async def cancel(self, mission_id: str) -> MissionView:
        """Stop a mission; returns when none of its skills runs any more. One that has ended stays as it is."""
        await self._replay(mission_id)
        await self._runner.cancel(mission_id, "cancelled by request")
        return await self.get(mission_id)

    async def stop_all(self) -> Stopped:
        """Stop every robot at once and cancel every mission. A robot whose gateway does not answer is named as such."""
        missions = self._runner.live
        async with anyio.create_task_group() as tasks:
            for mission_id in missions:
                tasks.start_soon(self._runner.cancel, mission_id, "everything was stopped by request")
            stopped, unreachable = await self._runner.surroundings.stop_robots("everything was stopped by request")
        return Stopped(missions, stopped, unreachable)

    def _submitted(self, text: str, deadline: Deadline | None) -> MissionEvent:
        data: dict[str, Any] = {"goal": text}
        if deadline is not None:
            data["deadline_utc_ns"] = self._clocks.utc_ns() + deadline.remaining_ns(self._clocks)
        return MissionEvent(1, self._clocks.utc_ns(), Kind.SUBMITTED, f"goal received: {text}", data=data)

    async def _plan(self, text: str, deadline: Deadline | None) -> Happening:
        """From words to a plan that the checker has passed, or to the reason why there is none."""
        known: dict[str, Any] = {}
        around = self._runner.surroundings
        try:
            states = await around.states()
            areas = {robot: state.place for robot, state in states.items()}
            goal = await understand(
                text,
                self._provider,
                self._planner.site,
                self._planner.contracts,
                robot_places=areas,
                object_places=around.object_areas,
            )
            known = _goal_data(goal)
            plan = self._planner.plan(goal.tree, self._planner.world(states, around.object_areas))
            if deadline is not None:
                _check_time(plan.makespan_s, ns_to_seconds(deadline.remaining_ns(self._clocks)))
        except RoostError as error:
            return Happening(Kind.REFUSED, str(error), data={**known, "problem": Problem.of(error).to_data()})
        words = plan.words()
        known["explanation"] = [*known["explanation"], *words]
        return Happening(Kind.PLANNED, words[-1], data={**known, "plan": plan_to_data(plan), "areas": areas})

    async def _replay(self, mission_id: str) -> Mission:
        events = await self._journal.events(mission_id)
        if not events:
            raise UnknownNameError(f"there is no mission '{mission_id}'", remedy="`roost watch` lists them all")
        return replay(mission_id, events)


def _goal_data(goal: CheckedGoal) -> dict[str, Any]:
    rules = [{"words": formula.words, "formula": str(formula.formula)} for formula in goal.specification.formulas]
    return {"tree": tree_to_data(goal.tree), "rules": rules, "explanation": list(goal.explanation)}


def _check_time(makespan_s: float, remaining_s: float) -> None:
    if makespan_s > remaining_s:
        raise ImpossibleError(
            f"the plan takes at least {makespan_s:.0f} s, but the goal's deadline is in {max(0.0, remaining_s):.0f} s",
            remedy="give it more time",
        )
