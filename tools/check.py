"""Runs everything that CI runs, and sums it up: checks of the code, the deciding rooms on Python 3.10, the tests.

Run by `make test` after set-up. The last line is pytest's own summary. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from setup import PYTHON, REQUIREMENTS, key_of
from steps import ROOT, VENV, StepFailedError, own_environment, run_step

BIN = VENV / "bin"
CORE_VENV = ROOT / ".venv310"
CORE_LOCK = REQUIREMENTS / "py310-core.txt"
# The tests of the rooms that decide: they import neither ROS nor a network.
CORE_TESTS = (
    "tests/properties",
    "tests/unit/daemon/brain",
    "tests/unit/daemon/logic",
    "tests/unit/daemon/missions",
    "tests/unit/daemon/planning",
    "tests/unit/daemon/site",
    "tests/unit/inference/scheduling",
)
PACKAGE_DIRECTORIES = ("proto", "inference", "cloud", "skills", "daemon")


@dataclass
class Tally:
    """What passed, what failed, and what was skipped for which reason."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def run(self, title: str, *commands: list[str | Path], environment: dict[str, str] | None = None) -> None:
        """Run one check as a step and count it; later checks run also when it fails."""
        try:
            run_step(title, *commands, environment=environment)
        except StepFailedError:
            self.failed.append(title)
        else:
            self.passed += 1


def check_code(tally: Tally) -> None:
    """The checks that take seconds."""
    tally.run("generated code is current", [PYTHON, "tools/generate_protos.py", "--check"])
    tally.run("buf lint", [BIN / "buf", "lint"])
    tally.run("ruff check", [BIN / "ruff", "check", "."])
    tally.run("ruff format", [BIN / "ruff", "format", "--check", "."])
    # The training of the vest detector needs torch, which is not in the lock.
    tools: list[str | Path] = [BIN / "mypy", "tools", "tests/conftest.py", "--exclude", "tools/.*vest_"]
    tally.run("mypy --strict", [BIN / "mypy"], tools)
    tally.run("import contracts", [BIN / "lint-imports", "--no-logo"])


def find_python310() -> str | None:
    """A Python 3.10 that runs; pyenv has a `python3.10` on PATH that only says that it is not chosen."""
    installed = sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10"))
    for candidate in (shutil.which("python3.10"), *map(str, installed)):
        if candidate:
            command = [candidate, "-c", "import sys, venv; print(*sys.version_info[:2])"]
            answer = subprocess.run(command, env=own_environment(), capture_output=True, text=True)
            if answer.stdout.split() == ["3", "10"]:
                return candidate
    return None


def check_core_on_python310(tally: Tally) -> None:
    """Test the rooms that decide on the oldest Python that robots have, where this machine has one."""
    title = "the deciding rooms on Python 3.10"
    python310 = find_python310()
    if python310 is None:
        tally.skipped.append(f"{title}: no Python 3.10 on this machine")
        return
    stamp, key = CORE_VENV / "roost-setup.txt", key_of(CORE_LOCK)
    if not stamp.exists() or stamp.read_text() != key:
        pip: list[str | Path] = [PYTHON, "-m", "pip", "--python", CORE_VENV / "bin" / "python", "install"]
        locked = [*pip, "--require-hashes", "--no-build-isolation", "-r"]
        try:
            run_step(
                "virtual environment .venv310",
                [python310, "-m", "venv", "--clear", "--without-pip", CORE_VENV],
                [*locked, REQUIREMENTS / "build.txt"],
                [*locked, CORE_LOCK],
            )
        except StepFailedError:
            tally.failed.append(title)
            return
        stamp.write_text(key)
    path = os.pathsep.join(str(ROOT / directory) for directory in PACKAGE_DIRECTORIES)
    tests = [test for test in CORE_TESTS if (ROOT / test).is_dir()]
    pytest: list[str | Path] = [CORE_VENV / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    tally.run(title, pytest, environment=own_environment(PYTHONPATH=path))


def run_tests(tally: Tally) -> str:
    """Run pytest with coverage, its output as it comes; returns its summary line."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [str(BIN / "pytest"), "--cov", "--cov-report=term", f"--junitxml={report.name}"]
        if sys.stdout.isatty():
            command.append("--color=yes")
        print("  tests:", flush=True)
        process = subprocess.Popen(command, cwd=ROOT, env=own_environment(), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        summary = "pytest said nothing"
        for line in process.stdout:
            print(line, end="", flush=True)
            summary = line.rstrip() or summary
        if process.wait() == 0:
            tally.passed += 1
        else:
            tally.failed.append("tests")
        reasons = (
            Counter(skipped.get("message", "") for skipped in ElementTree.parse(report.name).iter("skipped"))
            if Path(report.name).stat().st_size
            else Counter()
        )
    tally.skipped += [f"{count} tests: {reason}" for reason, count in sorted(reasons.items())]
    return summary


def main() -> int:
    """Run all checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="only the checks that take seconds")
    arguments = parser.parse_args()
    tally = Tally()
    print("Checking:", flush=True)
    check_code(tally)
    summary = ""
    if not arguments.lint:
        check_core_on_python310(tally)
        summary = run_tests(tally)
    print(f"\nChecks: {tally.passed} passed, {len(tally.failed)} failed, skipped: {len(tally.skipped) or 'nothing'}")
    for title in tally.failed:
        print(f"  failed: {title}")
    for reason in tally.skipped:
        print(f"  skipped: {reason}")
    if summary:
        print(summary)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
