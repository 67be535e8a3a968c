"""The janitor knows the processes of its run by their mark, and ends them and no others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roost_daemon.demo import janitor
from roost_daemon.demo.janitor import clean_up, marked_processes
from roost_daemon.processes.environment import RUN_MARK

WAITS = "print('here', flush=True); input()"


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a process that carries this mark."""
    processes: list[subprocess.Popen[str]] = []

    def started(mark: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={RUN_MARK: mark}
        )
        processes.append(process)
        assert process.stdout is not None and process.stdout.readline() == "here\n"
        return process

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def test_a_run_has_its_own_processes_only(start: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> None:
    ours, beside = start(f"{tmp_path}/run"), start(f"{tmp_path}/run.1")

    assert marked_processes(f"{tmp_path}/run") == [ours.pid]
    assert marked_processes(f"{tmp_path}/run.1") == [beside.pid]
    assert marked_processes(f"{tmp_path}/run", WAITS) == [ours.pid]
    assert marked_processes(f"{tmp_path}/run", "roost_daemon.gateway_main") == []


def test_one_that_has_ended_counts_no_more(start: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start(str(tmp_path))
    process.kill()
    process.wait()

    assert marked_processes(str(tmp_path)) == []


def test_who_does_not_go_is_ended_and_the_sockets_are_removed(
    start: Callable[[str], subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(janitor, "remove_abandoned", lambda: [])  # /dev/shm belongs to others too
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "daemon.sock").touch()
    ours, other = start(f"{tmp_path}/run"), start(f"{tmp_path}/other")

    clean_up(f"{tmp_path}/run", runtime)

    assert ours.wait(10) < 0
    assert other.poll() is None
    assert not runtime.exists()
