"""Runs the steps of set-up and tests: a line and the seconds for each, the last 20 lines of one that fails.

What a step prints goes to `.roost/logs/<step>.log`. Standard library only: set-up runs before anything is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".roost" / "logs"
VENV = ROOT / ".venv"
LINES_SHOWN = 20

# A sourced ROS workspace and other virtual environments reach into Python, pip and CMake by these.
FOREIGN = re.compile(
    r"PYTHON(?!UNBUFFERED)|AMENT_|COLCON_|ROS_|RMW_|FASTDDS_|FASTRTPS_|CYCLONEDDS_|CMAKE_|_ROS_|"
    r"(LD_LIBRARY_PATH|LD_PRELOAD|VIRTUAL_ENV|PIP_TARGET|PIP_PREFIX|PIP_USER|PIP_REQUIRE_VIRTUALENV)$"
)


class StepFailedError(Exception):
    """A step ended with an exit code other than zero; its last lines were shown."""


def own_environment(**additions: str) -> dict[str, str]:
    """The environment of a step: this process's without what points at other installations, and `.venv` first on PATH."""
    environment = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    environment["PATH"] = f"{VENV / 'bin'}:{environment.get('PATH', os.defpath)}"
    return environment | additions


def run_step(
    title: str, *commands: Sequence[str | Path], environment: dict[str, str] | None = None, directory: Path = ROOT
) -> float:
    """Run commands one after the other as one step; returns its seconds.

    Raises `StepFailedError` when one of them fails, after its last lines were shown.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log_path = LOGS / (re.sub(r"\W+", "-", title.lower()).strip("-") + ".log")
    start = time.monotonic()
    print(f"  {title} ...", end="", flush=True)
    with log_path.open("w") as log:
        for command in commands:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=directory,
                env=environment or own_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            code = wait_with_clock(process, title, start)
            if code != 0:
                print(f" FAILED after {time.monotonic() - start:.0f} s", flush=True)
                show_end(log_path, f"{Path(str(command[0])).name} ended with exit code {code}")
                raise StepFailedError(title)
    seconds = time.monotonic() - start
    print(f" {seconds:.0f} s", flush=True)
    return seconds


def wait_with_clock(process: subprocess.Popen[bytes], title: str, start: float) -> int:
    """Wait for a command; on a terminal its line shows the seconds as they pass."""
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if sys.stdout.isatty():
                print(f"\r  {title} ... {time.monotonic() - start:.0f} s", end="", flush=True)
                print(f"\r  {title} ...", end="", flush=True)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def show_end(log_path: Path, verdict: str) -> None:
    """Print the last lines of a step's log, and where the rest is."""
    lines = log_path.read_text(errors="replace").splitlines()
    for line in lines[-LINES_SHOWN:]:
        print(f"    {line}")
    print(f"  {verdict}; all it said: {log_path.relative_to(ROOT)}", flush=True)
