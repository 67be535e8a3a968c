"""A staged start: each stage has a name and a limit, and a failure names the stage; the stop runs in reverse order."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum

import anyio
import structlog

from roost.clock import Clocks, ns_to_seconds, seconds_to_ns
from roost.errors import RoostError, UnavailableError

StopStep = Callable[[], Awaitable[None]]


class LifeState(str, Enum):
    """Where a daemon stands."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class StageError(RoostError):
    """A stage of the start failed or took longer than its limit."""

    reason = "START_FAILED"


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A stage that is done: how long it took and how long it might have taken."""

    name: str
    took_ns: int
    limit_ns: int


@dataclass(slots=True)
class Lifecycle:
    """Runs the stages, remembers how to undo each, and undoes them in reverse."""

    clocks: Clocks
    state: LifeState = LifeState.STARTING
    stages: list[StageRecord] = field(default_factory=list)
    ready_ns: int = 0
    _undo: list[tuple[str, StopStep]] = field(default_factory=list)

    async def stage(self, name: str, limit_s: float, start: Callable[[], Awaitable[None]]) -> None:
        """Run one stage.

        Raises `StageError` that names the stage, and what failed or that its limit passed.
        """
        log = structlog.get_logger("start")
        begun_ns = self.clocks.monotonic_ns()
        log.info(f"{name} …", stage=name, limit_s=limit_s)
        try:
            with anyio.fail_after(limit_s):
                await start()
        except TimeoutError as error:
            raise StageError(
                f"start: stage '{name}' was not done within its limit of {limit_s:g} s",
                remedy=f"see the log above; a slow machine may need a higher daemon.start.{name}_s",
            ) from error
        except UnavailableError as error:
            raise StageError(f"start: stage '{name}' failed: {error.message}", remedy=error.remedy) from error
        took_ns = self.clocks.monotonic_ns() - begun_ns
        self.stages.append(StageRecord(name, took_ns, seconds_to_ns(limit_s)))
        log.info(f"{name} done", stage=name, took_s=round(ns_to_seconds(took_ns), 2))

    def on_stop(self, name: str, step: StopStep) -> None:
        """Remember how to undo what was just started."""
        self._undo.append((name, step))

    def ready(self) -> None:
        """All stages are done: goals are accepted from now on."""
        self.state, self.ready_ns = LifeState.READY, self.clocks.monotonic_ns()

    async def stop(self, limit_s: float) -> None:
        """Undo everything in reverse order. A step that outlives the limit is left, by name, in the log."""
        self.state = LifeState.STOPPING
        log = structlog.get_logger("stop")
        with anyio.CancelScope(shield=True), contextlib.suppress(TimeoutError):
            current = ""
            try:
                with anyio.fail_after(limit_s):
                    while self._undo:
                        current, step = self._undo.pop()
                        await step()
                        log.info(f"{current} stopped")
            except TimeoutError:
                log.error(f"stop: '{current}' was not done within {limit_s:g} s; going on without it")
                for name, step in reversed(self._undo):
                    with anyio.move_on_after(0.5):
                        await step()
                    log.info(f"{name} stopped")
