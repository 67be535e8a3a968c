"""Writes the locks in `requirements/`: every package with its version and the hash of the one file that is installed.

Run it with any Python after dependencies changed in `pyproject.toml`: `python3 tools/lock.py`. Each lock is resolved by pip
in a virtual environment of the Python that it is for, so interpreters named `python3.11` and `python3.10` must run here.
Versions that are locked stay as they are; `--upgrade` takes the newest that `pyproject.toml` allows.
The locks name no address: from where packages come is the machine's business (pip's own configuration).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
BUILD = "build.txt"


@dataclass(frozen=True)
class Lock:
    """A lock file, the Python that it is for, and what is asked of pip."""

    name: str
    python: str
    wanted: tuple[str, ...]
    purpose: str


LOCKS = (
    Lock(BUILD, "python3.11", ("--group", "build"), "pip and what builds the few packages that come as source"),
    Lock(
        "x86_64-py311.txt",
        "python3.11",
        (".[cpu,lambda-local,ros-dev,demo]", "--group", "dev", "--group", "ros-interfaces"),
        "everything for the demo and the tests on x86-64 with Python 3.11",
    ),
    Lock("py310-core.txt", "python3.10", ("--group", "core"), "the rooms that decide and their tests on Python 3.10"),
)


def run(*command: str) -> str:
    """Run a command in the repository; returns what it printed, ends the program when it fails."""
    # One index only: a second one or a directory of packages could put files into the lock that nobody else has.
    unwanted = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted} | {
        "PIP_CONFIG_FILE": os.devnull
    }
    result = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with exit code {result.returncode}")
    return result.stdout


def resolve(lock: Lock, upgrade: bool, scratch: Path) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of each package that pip would install, in the order of their names."""
    python = str(scratch / "bin" / "python")
    report, constraints = scratch / "report.json", scratch / "constraints.txt"
    run(lock.python, "-m", "venv", str(scratch))
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    # The build lock is resolved first; all locks agree with it.
    pinned = [] if lock.name == BUILD else pins_of(REQUIREMENTS / BUILD)
    pinned += [] if upgrade else pins_of(REQUIREMENTS / lock.name)
    constraints.write_text("\n".join(pinned) + "\n")
    install = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
    run(*install, "--constraint", str(constraints), *lock.wanted)
    packages = []
    for entry in json.loads(report.read_text())["install"]:
        source = entry["download_info"]
        name, version = entry["metadata"]["name"], entry["metadata"]["version"]
        if "dir_info" in source:
            continue  # this repository itself
        if not source["url"].startswith("https://"):
            sys.exit(f"{name} {version} came from {source['url']}, which others do not have")
        packages.append((re.sub(r"[-_.]+", "-", name).lower(), version, source["archive_info"]["hashes"]["sha256"]))
    return sorted(packages)


def pins_of(lock: Path) -> list[str]:
    """The `name==version` of each package in a lock; none where there is no lock yet."""
    return re.findall(r"^(\S+==\S+)", lock.read_text(), re.MULTILINE) if lock.exists() else []


def main() -> None:
    """Resolve and write the locks, the build lock first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    arguments = parser.parse_args()
    for lock in LOCKS:
        with tempfile.TemporaryDirectory(prefix="roost-lock-") as scratch:
            packages = resolve(lock, arguments.upgrade, Path(scratch))
        lines = [f"# Written by tools/lock.py: {lock.purpose}."]
        lines += [f"{name}=={version} \\\n    --hash=sha256:{sha256}" for name, version, sha256 in packages]
        (REQUIREMENTS / lock.name).write_text("\n".join(lines) + "\n")
        print(f"requirements/{lock.name}: {len(packages)} packages")


if __name__ == "__main__":
    main()
