"""What every test may use: a ROS domain, a port, a short directory for sockets, the shared models and clips.

Async tests are marked `@pytest.mark.anyio` and run on asyncio; in them a blocking call of our own code inside the event loop
fails the test. Every test has a time limit (`timeout` in `pyproject.toml`, `@pytest.mark.timeout(seconds)` to change it).
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

ROOT = Path(__file__).resolve().parent.parent
OUR_PACKAGES = ("roost", "roost_inference", "roost_cloud", "roost_skills", "roost_daemon")
# Domains above 101 collide with the ports that Linux hands out to clients.
ROS_DOMAINS = range(1, 102)
NO_SHARED = "no ../shared beside the repository"


def shared_directory() -> Path | None:
    """The shared models and clips: `$ROOST_SHARED`, else `../shared`; none where there is no such directory."""
    named = os.environ.get("ROOST_SHARED")
    path = Path(named) if named else ROOT.parent / "shared"
    if named and not path.is_dir():
        raise pytest.UsageError(f"ROOST_SHARED names {path}, which is no directory")
    return path if path.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `shared` where there is nothing shared, and only there."""
    if shared_directory() is not None:
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason=NO_SHARED))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip of a `shared` test into a failure where there is something shared."""
    report = yield
    if report.skipped and item.get_closest_marker("shared") and shared_directory() is not None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped although the shared models and clips are there: {report.longrepr}"
    return report


@pytest.fixture
def shared() -> Path:
    """The directory with the shared models and clips; only for tests marked `shared`."""
    path = shared_directory()
    if path is None:
        pytest.fail("a test that uses the fixture `shared` must be marked `@pytest.mark.shared`")
    return path


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio only, as the daemon does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """In async tests, a blocking call that our code makes inside the event loop raises `blockbuster.BlockingError`."""
    if request.node.get_closest_marker("anyio") is None:
        yield None
        return
    with blockbuster_ctx(scanned_modules=OUR_PACKAGES) as blockbuster:
        for call in ("io.TextIOWrapper.write", "io.BufferedWriter.write", "os.write"):
            # A log line is written where it is said, so that it is in the file after a crash.
            blockbuster.functions[call].can_block_in("logging/__init__.py", "emit")
        yield blockbuster


@dataclass(frozen=True)
class RosDomain:
    """A ROS domain that no other test or run on this machine uses, and the variables that put a child into it."""

    domain_id: int
    environment: dict[str, str]


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[RosDomain]:
    """A ROS domain of the test's own, for nodes in this process and, by `environment`, for its children."""
    start = os.getpid() % len(ROS_DOMAINS)
    for domain_id in (*ROS_DOMAINS[start:], *ROS_DOMAINS[:start]):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
            try:
                # An abstract socket: it holds the number as long as this process lives and leaves no file.
                lock.bind(f"\0roost-ros-domain-{domain_id}")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            environment = {"ROS_DOMAIN_ID": str(domain_id), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            yield RosDomain(domain_id, environment)
            return
    pytest.fail("every ROS domain from 1 to 101 is taken by another test on this machine")


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def runtime_directory() -> Iterator[Path]:
    """A directory with a short path, for Unix sockets (their paths must stay below 108 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="roost-", dir="/tmp"))
    yield path
    shutil.rmtree(path)
