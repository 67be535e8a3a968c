"""What robots saw goes into memory: a skill's findings at a place become facts `seen/PLACE/WHAT`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from roost_daemon.memory.fact import FactError
from roost_daemon.memory.store import FactStore
from roost_daemon.missions.ports import SkillHosts, StepOrder


class RememberingHosts:
    """Skill hosts (`roost_daemon.missions.ports.SkillHosts`) whose findings are kept."""

    def __init__(self, hosts: SkillHosts, store: FactStore) -> None:
        self._hosts = hosts
        self._store = store

    async def run(self, order: StepOrder, say: Callable[[str], Awaitable[None]]) -> Mapping[str, Any]:
        """Run a step; keep what it found, if it was at a place."""
        result = await self._hosts.run(order, say)
        step = order.step
        place = step.arguments.get("place", "")
        for name, value in result.items() if place else ():
            if name not in step.arguments:
                try:
                    self._store.put(f"seen/{place}/{name}", value, source=step.robot)
                except FactError as error:
                    structlog.get_logger("memory").warning(f"{step.skill} found something that cannot be kept: {error}")
        return result

    async def wait_ready(self, robot: str) -> None:
        """Return when the host of this robot answers."""
        await self._hosts.wait_ready(robot)
