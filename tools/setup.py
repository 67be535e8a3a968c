"""Makes this clone ready for the demo and the tests: system packages, `.venv`, hashed packages, interfaces, assets.

Run by `make` with the system's Python. A step whose inputs did not change is not run again. Slow results that do not depend
on the clone lie in `${XDG_CACHE_HOME:-~/.cache}/roost`. Standard library only.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from steps import ROOT, VENV, StepFailedError, own_environment, run_step

SYSTEM_PYTHON = "/usr/bin/python3.11"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "roost-setup.json"
REQUIREMENTS = ROOT / "requirements"
LOCK = REQUIREMENTS / "x86_64-py311.txt"
INTERFACES = ROOT / "daemon" / "roost_daemon" / "demo" / "interfaces" / "nav2_msgs"
CACHE_HOME = os.environ.get("XDG_CACHE_HOME", "")
CACHE = (Path(CACHE_HOME) if CACHE_HOME.startswith("/") else Path.home() / ".cache") / "roost"
LIBRARY_DIRECTORIES = ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
# Each Debian package and a file that shows that it, or its like on another distribution, is there.
LIBRARIES = {
    "libegl1": "libEGL.so.1",
    "libegl-mesa0": "libEGL_mesa.so.0",
    "libgl1-mesa-dri": "dri/swrast_dri.so",
    "libopengl0": "libOpenGL.so.0",
}


def find_python() -> str:
    """A Python 3.11 for x86-64 Linux; ends with one line that says what works here when there is none."""
    question = "import platform, sys; print(*sys.version_info[:2], platform.machine(), sys.platform)"
    for candidate in (sys.executable, shutil.which("python3.11"), SYSTEM_PYTHON):
        if candidate and Path(candidate).exists():
            answer = subprocess.run([candidate, "-c", question], env=own_environment(), capture_output=True, text=True)
            if answer.stdout.split() == ["3", "11", "x86_64", "linux"]:
                return candidate
    sys.exit(
        f"The demo and the tests need Python 3.11 on x86-64 Linux; this is Python {platform.python_version()} on "
        f"{platform.machine()} {platform.system()}, where the daemon works: pip install . (with the ROS 2 of /opt/ros)."
    )


def missing_system_packages(python: str) -> list[str]:
    """The Debian packages that set-up and the demo need and that are not there."""
    question = (
        "import importlib.util as u, sysconfig; print(u.find_spec('ensurepip') is not None, sysconfig.get_path('include'))"
    )
    answer = subprocess.run([python, "-c", question], env=own_environment(), capture_output=True, text=True, check=True)
    has_ensurepip, headers = answer.stdout.split()
    missing = []
    if has_ensurepip != "True":
        missing.append("python3.11-venv")
    if not (Path(headers) / "Python.h").exists():
        missing.append("python3.11-dev")
    if shutil.which("g++") is None:
        missing.append("g++")
    for package, file in LIBRARIES.items():
        if not any((Path(directory) / file).exists() for directory in LIBRARY_DIRECTORIES):
            missing.append(package)
    return missing


def install_system_packages(python: str) -> None:
    """Install what is missing with apt, named before it is done; without root or apt, name it and end."""
    missing = missing_system_packages(python)
    if not missing:
        return
    names = " ".join(missing)
    command = f"apt-get install --no-install-recommends {names}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"System packages are missing: {names}. Install them as root, then run make again:\n  {command}")
    print(f"  system packages that are missing, installed now with apt-get: {names}")
    apt = own_environment(DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    run_step("system packages", ["apt-get", "update"], install, environment=apt)
    still = missing_system_packages(python)
    if still:
        sys.exit(f"apt-get installed them, and yet these are missing: {' '.join(still)}")


def key_of(*paths: Path) -> str:
    """A key that changes with the content of files, or of all files below directories."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def make_virtual_environment(python: str) -> None:
    """Make `.venv` unless there is one of the right Python."""
    question = ["-c", "import sys; print(*sys.version_info[:2])"]
    if PYTHON.exists():
        answer = subprocess.run([PYTHON, *question], env=own_environment(), capture_output=True, text=True)
        if answer.stdout.split() == ["3", "11"]:
            return
    run_step("virtual environment .venv", [python, "-m", "venv", "--clear", VENV])


def install_packages() -> None:
    """Install the locked packages, Roost itself and the generated interfaces; nothing that is as it should be."""
    stamps: dict[str, str] = json.loads(STAMPS.read_text()) if STAMPS.exists() else {}
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    locked: list[str | Path] = [*pip, "install", "--require-hashes", "--no-build-isolation", "-r"]
    count = LOCK.read_text().count("--hash=")
    wheels = CACHE / "interfaces" / key_of(INTERFACES, ROOT / "tools" / "make_ros_interfaces.py", LOCK)
    generate: list[str | Path] = [PYTHON, ROOT / "tools" / "make_ros_interfaces.py", INTERFACES, wheels]
    plan: tuple[tuple[str, str, list[str | Path] | None], ...] = (
        ("pip and build tools", key_of(REQUIREMENTS / "build.txt"), [*locked, REQUIREMENTS / "build.txt"]),
        (f"{count} Python packages, by hash", key_of(LOCK), [*locked, LOCK]),
        (
            "roost itself, editable",
            key_of(ROOT / "pyproject.toml"),
            [*pip, "install", "--no-deps", "--no-build-isolation", "-e", ROOT],
        ),
        ("ROS interfaces, generated", wheels.name, None),
    )
    for title, key, command in plan:
        if stamps.get(title) == key:
            continue
        if command is None:
            if not list(wheels.glob("*.whl")):
                run_step("ROS interfaces, generation", generate)
            (wheel,) = wheels.glob("*.whl")
            command = [*pip, "install", "--no-deps", "--no-index", "--force-reinstall", wheel]
        run_step(title, command)
        stamps[title] = key
        STAMPS.write_text(json.dumps(stamps, indent=1))


def fetch_assets() -> None:
    """Fetch models, clip and broker into the cache; the script itself sees what is there."""
    run_step("models, clip, broker", [PYTHON, ROOT / "tools" / "fetch_assets.py"])


def main() -> int:
    """Set up; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", action="store_true", help="refuse a machine that cannot run the demo")
    arguments = parser.parse_args()
    if arguments.demo and len(os.sched_getaffinity(0)) < 2:
        sys.exit(
            "The demo needs two processor cores, one for the edge's engine and one for all else; this process may use one."
        )
    python = find_python()
    CACHE.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    # Two set-ups at once would write into the same environment and cache.
    with (CACHE / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print("Setting Roost up:", flush=True)
        try:
            install_system_packages(python)
            make_virtual_environment(python)
            install_packages()
            fetch_assets()
        except StepFailedError as failure:
            print(f"Set-up stopped at: {failure}")
            return 1
    print(f"Roost is set up ({time.monotonic() - start:.0f} s).", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
