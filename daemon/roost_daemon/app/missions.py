"""Composes the goal's road: provider, planner, journal, runner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import structlog
from anyio.abc import TaskGroup

from roost.clock import Clocks
from roost.contract import SkillContract
from roost_daemon.app.remembering import RememberingHosts
from roost_daemon.app.robots import RobotsPart
from roost_daemon.brain.grammar import GrammarProvider
from roost_daemon.goals import Goals
from roost_daemon.logic.monitor import monitor_for
from roost_daemon.memory.store import FactStore
from roost_daemon.missions.journal import Journal, open_journal
from roost_daemon.missions.planner import Planner
from roost_daemon.missions.runner import MissionRunner
from roost_daemon.site.model import Site
from roost_skills.registry import standard_skills


class MissionsPart:
    """The goals of one daemon. `goals` is None where there are no robots."""

    def __init__(self, site: Site | None, clocks: Clocks, journal_path: Path) -> None:
        self._site = site
        self._clocks = clocks
        self._journal_path = journal_path
        self._journal: Journal | None = None
        self._runner: MissionRunner | None = None
        self.contracts: Mapping[str, SkillContract] = standard_skills().contracts
        self.goals: Goals | None = None

    async def open_journal(self) -> None:
        """Open the journal.

        Raises `roost_daemon.missions.journal.JournalError`.
        """
        self._journal = await open_journal(self._journal_path)

    async def close_journal(self) -> None:
        """Close it; everything that was said to be durable is."""
        if self._journal is not None:
            await self._journal.close()

    async def open(self, tasks: TaskGroup, robots: RobotsPart | None, store: FactStore) -> None:
        """Accept goals from now on; missions that an earlier daemon left unfinished are marked interrupted."""
        if self._site is None or robots is None or self._journal is None:
            return
        planner = Planner(self._site, self.contracts)
        runner = self._runner = MissionRunner(
            tasks,
            self._journal,
            robots.fleet,
            RememberingHosts(robots.hosts, store),
            planner,
            self._clocks,
            monitor_for=monitor_for,
        )
        self.goals = Goals(
            GrammarProvider(), planner, self._journal, runner, self._clocks, lambda: f"mission-{uuid4().hex[:8]}"
        )
        for mission in await self.goals.recover():
            structlog.get_logger("missions").warning(f"{mission} was interrupted by the end of the last daemon", goal=mission)
        runner.follow_robots()

    async def interrupt(self) -> None:
        """The daemon ends: what runs is stopped, and its missions are marked interrupted."""
        if self._runner is not None:
            await self._runner.interrupt_all()
