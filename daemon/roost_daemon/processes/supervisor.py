"""Starts children, waits until they say that they are ready, starts them again when they die, and ends them in order.

A child is a command line. It says that it is ready with one line of JSON on its standard output (`{"ready": true, …}`) or,
for a foreign program, by accepting connections on a port. Every child has a session of its own, so that Ctrl-C at a terminal
reaches the daemon alone, which then ends its children in the right order.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup

from roost.clock import Clocks, ns_to_seconds
from roost.errors import UnavailableError
from roost.restart import RestartPolicy, RestartWindow

_PR_SET_PDEATHSIG = 1
_STDERR_LINES_KEPT = 20
_LONGEST_LINE_BYTES = 1 << 20


class ChildState(str, Enum):
    """Where a child stands."""

    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """It died and will be started again."""
    STOPPED = "stopped"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start, and how.

    environment: the whole environment, built by `environment.child_environment`. cpus: the CPUs that it may use, None for
    the parent's. ready_port: for a program that says nothing on its standard output. dies_with_parent: killed by the kernel
    when the daemon dies; False for gateways, which must live on to stop their robot.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    start_limit_s: float
    cpus: frozenset[int] | None = None
    ready_port: int | None = None
    dies_with_parent: bool = True
    stop_limit_s: float = 5.0
    restart: RestartPolicy = field(default_factory=RestartPolicy)


class Child:
    """A supervised child as others see it."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state = ChildState.STARTING
        self.message = "starting"
        self.restarts = 0
        self.process_id = 0
        self.ready_line: Mapping[str, Any] = {}
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()
        self._gone = asyncio.Event()

    async def wait_ready(self) -> Mapping[str, Any]:
        """What it said when it was ready.

        Raises `UnavailableError` where it has been given up or stopped.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self.state not in (ChildState.STARTING, ChildState.DEGRADED))
        if self.state is not ChildState.READY:
            raise UnavailableError(self.message, remedy="see the log")
        return self.ready_line

    async def stop(self) -> None:
        """Ask it to end; returns when it is gone."""
        self._stopping.set()
        await self._gone.wait()

    async def _enter(self, state: ChildState, message: str) -> None:
        async with self._changed:
            self.state, self.message = state, message
            self._changed.notify_all()


class Supervisor:
    """Owns the children of a daemon. Its tasks live in the task group that it is given."""

    def __init__(self, tasks: TaskGroup, clocks: Clocks, on_change: Callable[[Child], None] | None = None) -> None:
        self._tasks = tasks
        self._clocks = clocks
        self._on_change = on_change or (lambda child: None)
        self._log = structlog.get_logger("processes")
        self.children: dict[str, Child] = {}

    def start(self, spec: ChildSpec) -> Child:
        """Start a child and keep it running."""
        child = self.children[spec.name] = Child(spec)
        self._tasks.start_soon(self._keep_running, child, name=f"child {spec.name}")
        return child

    async def stop_all(self) -> None:
        """End all children side by side."""
        async with anyio.create_task_group() as tasks:
            for child in self.children.values():
                tasks.start_soon(child.stop)

    async def _keep_running(self, child: Child) -> None:
        window = RestartWindow(child.spec.restart)
        try:
            while True:
                ending = await self._run_once(child)
                if child._stopping.is_set():
                    await self._say(child, ChildState.STOPPED, "stopped")
                    return
                delay_ns = window.next_delay_ns(self._clocks.monotonic_ns())
                if delay_ns is None:
                    times = child.spec.restart.limit + 1
                    starts = "1 start" if times == 1 else f"{times} starts"
                    await self._say(child, ChildState.GIVEN_UP, f"{child.spec.name} {ending}; given up after {starts}")
                    return
                await self._say(child, ChildState.DEGRADED, f"{child.spec.name} {ending}; starting it again")
                with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                    await asyncio.wait_for(child._stopping.wait(), ns_to_seconds(delay_ns))
                if child._stopping.is_set():
                    await self._say(child, ChildState.STOPPED, "stopped")
                    return
                child.restarts += 1
        finally:
            child._gone.set()

    async def _run_once(self, child: Child) -> str:
        """Run the child to its end; returns how it ended, in words."""
        spec = child.spec
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.argv,
                env=dict(spec.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE_BYTES,
                start_new_session=True,
                preexec_fn=_prepare(spec),
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        child.process_id = process.pid
        last_lines: deque[str] = deque(maxlen=_STDERR_LINES_KEPT)
        ready: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        helpers = [
            asyncio.create_task(self._read_errors(spec.name, process, last_lines)),
            asyncio.create_task(_read_output(process, ready)),
        ]
        if spec.ready_port is not None:
            helpers.append(asyncio.create_task(_watch_port(spec.ready_port, ready)))
        exited = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(child._stopping.wait())
        try:
            first: set[asyncio.Future[Any]] = {ready, exited, stopping}
            await asyncio.wait(first, timeout=spec.start_limit_s, return_when=asyncio.FIRST_COMPLETED)
            late = not (ready.done() or exited.done() or stopping.done())
            if ready.done():
                child.ready_line = ready.result()
                await self._say(child, ChildState.READY, "ready")
                then: set[asyncio.Future[Any]] = {exited, stopping}
                await asyncio.wait(then, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                await self._end(process, spec.stop_limit_s)
            code = await exited
            await asyncio.wait(helpers, timeout=1.0)
            if late:
                return f"was not ready within {spec.start_limit_s:g} s"
            # Who is killed from outside has not said why.
            last = f": {last_lines[-1]}" if last_lines and code != -signal.SIGKILL else ""
            return f"ended with {_exit_in_words(code)}{last}"
        finally:
            stopping.cancel()
            for helper in helpers:
                helper.cancel()
            if process.returncode is None:
                # We are being cancelled: nobody will wait for this child any more.
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM if not spec.dies_with_parent else signal.SIGKILL)

    async def _end(self, process: asyncio.subprocess.Process, limit_s: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), limit_s)
        except (TimeoutError, asyncio.TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _read_errors(self, name: str, process: asyncio.subprocess.Process, last_lines: deque[str]) -> None:
        assert process.stderr is not None
        log = self._log.bind(component=name)
        async for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip()
            if line:
                last_lines.append(line)
                log.info(line)

    async def _say(self, child: Child, state: ChildState, message: str) -> None:
        await child._enter(state, message)
        if state is ChildState.GIVEN_UP:
            self._log.error(message, component=child.spec.name)
        elif state is ChildState.DEGRADED:
            self._log.warning(message, component=child.spec.name)
        else:
            self._log.info(message, component=child.spec.name)
        self._on_change(child)


async def _read_output(process: asyncio.subprocess.Process, ready: asyncio.Future[Mapping[str, Any]]) -> None:
    assert process.stdout is not None
    async for raw in process.stdout:
        if ready.done():
            continue
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("ready") is True:
            ready.set_result(line)


async def _watch_port(port: int, ready: asyncio.Future[Mapping[str, Any]]) -> None:
    while not ready.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        ready.set_result({"ready": True, "port": port})


def _prepare(spec: ChildSpec) -> Callable[[], None]:
    """What the child does to itself between fork and exec. Kept tiny: only system calls, nothing that takes a lock."""
    libc = ctypes.CDLL(None, use_errno=True)
    cpus, dies_with_parent, parent = spec.cpus, spec.dies_with_parent, os.getpid()

    def prepare() -> None:
        if cpus is not None:
            os.sched_setaffinity(0, cpus)
        if dies_with_parent:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)  # the parent died before the kernel was asked to tell

    return prepare


def _exit_in_words(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs one of our own mains with this interpreter."""
    return (sys.executable, "-m", module, *arguments)
