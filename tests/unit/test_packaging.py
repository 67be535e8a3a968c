"""What is promised about packages, locks and the contents of this repository."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import roost

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FULL_LOCK = ROOT / "requirements" / "x86_64-py311.txt"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([^\s#=]+)==(\S+)", lock.read_text(), re.MULTILINE))


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.mark.parametrize("module", ["roost", "roost.clock", "roost.contract", "roost.errors", "roost.robot"])
def test_the_public_face_needs_the_standard_library_only(module: str) -> None:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    # -S keeps site-packages, and what its .pth files import, out of the picture.
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, 'proto'); {program}"]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) - sys.stdlib_module_names - {"__main__"} == {"roost"}


def test_the_version_is_said_once_and_the_same_twice() -> None:
    assert PROJECT["project"]["version"] == roost.__version__


def test_the_full_lock_holds_what_the_project_asks_for() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    groups = PROJECT["dependency-groups"]
    asked = [
        *PROJECT["project"]["dependencies"],
        *(line for extra in ("cpu", "lambda-local", "ros-dev", "demo") for line in extras[extra]),
        *groups["dev"],
        *groups["ros-interfaces"],
    ]
    locked = pins(FULL_LOCK)
    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {FULL_LOCK.name}; run tools/lock.py"
        assert requirement.specifier.contains(version), f"{requirement} is locked as {version}; run tools/lock.py"


def test_the_lock_has_one_runtime_for_models_not_two() -> None:
    assert [name for name in pins(FULL_LOCK) if name.startswith("onnxruntime")] == ["onnxruntime"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_each_package_and_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert text.count("--hash=sha256:") == len(pins(lock)) > 0
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_locks_agree_on_what_builds_packages() -> None:
    full = pins(FULL_LOCK)
    for name, version in pins(ROOT / "requirements" / "build.txt").items():
        assert full.get(name, version) == version


def test_ci_runs_exactly_what_anybody_runs() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert commands == ["exec make test"]


def test_no_weights_or_clips_of_others_are_committed() -> None:
    carried = [path for path in tracked_files() if path.endswith((".onnx", ".mp4", ".whl", ".deb", ".pt"))]
    assert [path for path in carried if path != "daemon/roost_daemon/demo/models/vest_detector.onnx"] == []


def test_no_file_carries_the_place_where_it_was_made() -> None:
    place = str(ROOT).encode()
    assert [path for path in tracked_files() if (ROOT / path).is_file() and place in (ROOT / path).read_bytes()] == []


def test_the_notice_names_every_package_that_set_up_takes_files_from() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for name, version in pins(ROOT / "requirements" / "assets.txt").items():
        assert f"{name} {version}" in notice
