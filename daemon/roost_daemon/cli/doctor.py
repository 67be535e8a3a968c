"""`roost doctor`: what this machine has of what Roost can use, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

from roost.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. needed: without it the daemon does not work at all."""

    what: str
    good: bool
    found: str
    remedy: str = ""
    needed: bool = False


_PACKAGES = (
    ("onnxruntime", "local inference", "pip install 'roost[cpu]'"),
    ("boto3", "AWS Lambda", "pip install roost"),
    ("aiomqtt", "shared memory", "pip install roost"),
    ("awslambdaric", "the embedded Lambda end point", "pip install 'roost[lambda-local]'"),
    ("rclpy", "robots over ROS 2", "source your ROS 2, or pip install 'roost[ros-dev]' on x86-64"),
    ("nav2_msgs", "navigation over ROS 2", "install your distribution's nav2_msgs, or run make setup"),
    ("mujoco", "the demo's camera", "pip install 'roost[demo]'"),
    ("pyrobosim", "the demo's robots", "pip install 'roost[demo]'"),
)


def examine() -> Iterator[Finding]:
    """Look at everything, cheapest first. Imports nothing that is heavy."""
    yield Finding("Python", True, platform.python_version(), needed=True)
    cpus = sorted(os.sched_getaffinity(0))
    yield Finding(
        "processors",
        len(cpus) >= 2,
        f"{len(cpus)} usable",
        "the engine wants a core of its own: allow at least two (taskset, cpuset), or set processors.pin to false",
    )
    for package, purpose, remedy in _PACKAGES:
        present = importlib.util.find_spec(package) is not None
        yield Finding(f"{package} ({purpose})", present, _version(package) if present else "absent", remedy)
    yield from _assets()


def _version(package: str) -> str:
    for name in (package, f"ros-{package.replace('_', '-')}"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "present"


def _assets() -> Iterator[Finding]:
    from roost_daemon import assets

    for what, find in (
        ("text detector (demo)", assets.text_detector_path),
        ("face detector (demo)", assets.face_detector_path),
        ("clip (demo)", assets.clip_path),
        ("MQTT broker (demo)", lambda: assets.mosquitto_command()[0][0]),
    ):
        try:
            yield Finding(what, True, str(find()))
        except UnavailableError as error:
            yield Finding(what, False, "absent", error.remedy)
