"""The daemon as a process: directories, logs, processors, signals, and what a service manager is told."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import structlog

from roost.clock import Clocks
from roost.errors import ConfigurationError, RoostError, UnavailableError
from roost_daemon.app.daemon import Daemon, Directories
from roost_daemon.config import RoostSettings
from roost_daemon.observe.logs import logging_to
from roost_daemon.observe.service_manager import notify
from roost_daemon.processes.processors import plan_processors
from roost_daemon.ros.environment import ros_environment


def run_daemon(settings: RoostSettings, origin: Path) -> None:
    """Run a daemon until SIGTERM or SIGINT; a second signal ends it at once. origin: the configuration's file, for the log.

    Prints one line of JSON on standard output when goals are accepted. Raises `RoostError` where it cannot start.
    """
    directories = _make_directories(settings)
    with ExitStack() as held:
        for key, directory in (("runtime_directory", directories.runtime), ("state_directory", directories.state)):
            held.enter_context(_only_daemon_in(directory, key))
        _run(settings, directories, origin)


def _run(settings: RoostSettings, directories: Directories, origin: Path) -> None:
    processors = plan_processors(os.sched_getaffinity(0), pin=settings.processors.pin)
    if processors.others:
        os.sched_setaffinity(0, processors.others)
    if settings.site is not None:
        # rclpy reads these when its context is made; the gateways get the same from their own environment.
        os.environ.update(ros_environment(settings.ros.domain_id, settings.ros.discovery_range))
    log_file = settings.log.file.expanduser() if settings.log.file else None
    with logging_to(log_file, level=settings.log.level, log_format=settings.log.format):
        structlog.get_logger("start").info(f"{settings.daemon.name} starts with {origin}")
        try:
            anyio.run(_serve, Daemon(settings, Clocks(), processors, directories))
        except RoostError as error:
            structlog.get_logger("start").error(str(error))
            raise


async def _serve(daemon: Daemon) -> None:
    """Start, say so, wait for a signal, stop."""
    async with daemon.running():
        notify(os.environ, READY="1", STATUS="goals are accepted")
        line = {"ready": True, "socket": str(daemon.socket), "metrics_port": daemon.metrics_port}
        await anyio.to_thread.run_sync(_print_line, json.dumps(line))
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                structlog.get_logger("stop").info(f"{number.name}: stopping")
                break
        # From now on a signal has its default effect: the second one ends us at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        notify(os.environ, STOPPING="1")


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _make_directories(settings: RoostSettings) -> Directories:
    state = settings.daemon.state_directory.expanduser()
    runtime = settings.daemon.runtime_directory.expanduser()
    for directory in (state, runtime):
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"cannot make the directory {directory}: {error.strerror}", remedy="choose others under daemon"
            ) from error
    return Directories(state, runtime)


@contextmanager
def _only_daemon_in(directory: Path, key: str) -> Iterator[None]:
    """Keep other daemons out of a directory, before anything in it is touched. The lock ends with the process.

    Raises `UnavailableError`.
    """
    with (directory / f"{key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnavailableError(
                f"another daemon runs in {directory}", remedy=f"stop it, or choose another daemon.{key}"
            ) from error
        yield
