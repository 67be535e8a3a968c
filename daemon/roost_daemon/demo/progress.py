"""What a newcomer is told while a daemon starts and stops: the lines of its log that say how far it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import anyio

from roost_daemon.processes.supervisor import ChildState

_LOOK_PERIOD_S = 0.2
# 2026-01-31T12:00:00.000000Z [info] robots done [start] stage=robots took_s=3.19
_LINE = re.compile(r"^\S+ \[(?P<level>\w+)\s*\] (?P<event>.+) \[(?P<logger>[\w.]+)\](?P<values>(?: \w+=\S+)*)$")
_PROFILE = "profile of "


def progress_in(line: str) -> str | None:
    """What to tell of a line of a daemon's log (`log.format: text`); None for nothing."""
    match = _LINE.match(line)
    if match is None:
        return None
    event, logger = match["event"], match["logger"]
    values = dict(value.split("=", 1) for value in match["values"].split())
    if logger == "start" and "limit_s" in values:
        return f"stage {event} at most {values['limit_s']} s"
    if logger == "start" and "took_s" in values:
        return f"stage {event} in {values['took_s']} s"
    if logger == "inference" and event.startswith(_PROFILE):
        name = event.removeprefix(_PROFILE)
        return f"  {name} takes {values['edge_ms']} ms on the edge, {values['cloud_ms']} ms in the cloud"
    if logger == "processes" and match["level"] in ("warning", "error"):
        return event
    if logger == "processes" and event == ChildState.READY.value:
        return f"  {values['component']} is ready"
    if logger == "stop" and event.endswith(" stopped"):
        return f"  {event}"
    return None


class LogProgress:
    """Follows the log of a daemon, which may not be there yet. `tell` gets the lines that are worth it."""

    def __init__(self, log: Path, tell: Callable[[str], None]) -> None:
        self._log = log
        self._tell = tell
        self._read_bytes = 0
        self._reading = anyio.Lock()

    async def follow(self) -> None:
        """Tell what comes, until cancelled."""
        while True:
            await self.catch_up()
            await anyio.sleep(_LOOK_PERIOD_S)

    async def catch_up(self) -> None:
        """Tell what has come since the last time."""
        async with self._reading:
            for line in await anyio.to_thread.run_sync(self._new_lines):
                told = progress_in(line)
                if told is not None:
                    self._tell(told)

    def _new_lines(self) -> list[str]:
        try:
            with self._log.open("rb") as file:
                file.seek(self._read_bytes)
                complete, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._read_bytes += len(complete) + len(newline)
        return complete.decode(errors="replace").splitlines()
