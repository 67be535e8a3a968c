"""What is told of a daemon's log: written by the very logger that the daemon uses."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import structlog

from roost_daemon.demo.progress import LogProgress, progress_in
from roost_daemon.observe.logs import logging_to


def log_something(path: Path) -> None:
    with logging_to(path, level="info", log_format="text"):
        start, processes = structlog.get_logger("start"), structlog.get_logger("processes")
        start.info("hangar starts with /tmp/hangar.yaml")
        start.info("robots …", stage="robots", limit_s=60.0)
        processes.info("Warning: something that a child said", component="broker")
        processes.info("ready", component="gateway/drone1")
        start.info("robots done", stage="robots", took_s=3.19)
        structlog.get_logger("inference").info("profile of vest_detector", model="vest_detector", edge_ms=3.1, cloud_ms=18.9)
        processes.warning("cloud ended with exit code 1; starting it again", component="cloud")
        structlog.get_logger("missions").warning("the gateway of robot2 does not answer", robot="robot2")
        structlog.get_logger("stop").info("robots stopped")


TOLD = [
    "stage robots … at most 60.0 s",
    "  gateway/drone1 is ready",
    "stage robots done in 3.19 s",
    "  vest_detector takes 3.1 ms on the edge, 18.9 ms in the cloud",
    "cloud ended with exit code 1; starting it again",
    "  robots stopped",
]


@pytest.mark.anyio
async def test_it_tells_how_far_the_daemon_is(tmp_path: Path) -> None:
    told: list[str] = []
    progress = LogProgress(tmp_path / "hangar.log", told.append)
    await progress.catch_up()
    assert told == []

    await anyio.to_thread.run_sync(log_something, tmp_path / "hangar.log")
    await progress.catch_up()
    await progress.catch_up()

    assert told == TOLD


@pytest.mark.anyio
async def test_a_line_is_told_once_it_is_whole(tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "hangar.log"
    progress = LogProgress(log, told.append)
    whole = "2026-01-31T12:00:00.000000Z [info] robots stopped [stop]\n"

    log.write_text(whole[:30])
    await progress.catch_up()
    assert told == []
    log.write_text(whole)
    await progress.catch_up()
    assert told == ["  robots stopped"]


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", '{"event": "ready"}', "  File 'x' [stop]"])
def test_what_is_no_line_of_the_log_is_not_told(line: str) -> None:
    assert progress_in(line) is None
