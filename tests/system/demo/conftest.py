"""`roost demo` as a user starts it, on a pipe or on a terminal, and what it must leave behind: nothing.

`start_demo` starts one in a directory of the test's own; at the end of the test every demo that still runs is ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost_daemon.demo.janitor import marked_processes
from roost_daemon.ros.environment import ros_environment
from roost_daemon.ros.shared_memory import remove_abandoned

READY_BOUND_S = 150.0
GONE_BOUND_S = 60.0
ROWS, COLUMNS = 24, 80
WITNESS = Path(__file__).with_name("odometry_witness.py")
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME")
_SHARED_MEMORY = "/dev/shm/"
_LISTENING = "0A"
# Fast DDS's ports for all domains of this host: another run may have them, and end before we look.
_OF_ALL_DOMAINS = re.compile(r"/dev/shm/(?:sem\.)?fastdds_port70\d\d")
_HOME_OF_CURSOR = "\x1b[H"
_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[78])")


def within(bound_s: float, words: str, condition: Callable[[], Any]) -> Any:
    """What the condition gives once that is true; fails with the words when it does not become true."""
    end_s = time.monotonic() + bound_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end_s:
            pytest.fail(f"not within {bound_s:g} s: {words}")
        time.sleep(0.1)


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket: the kernel's number for it, and the address that it listens on, in hexadecimal."""

    inode: str
    address: str

    @property
    def on_loopback(self) -> bool:
        """127.0.0.0/8, ::1, or the former written as the latter; the kernel prints words in the machine's byte order."""
        address = self.address
        return address.endswith("7F") if len(address) == 8 else address == "0" * 24 + "01000000" or address.endswith("7F")


def listening() -> set[Socket]:
    """All listening TCP sockets of this machine."""
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == _LISTENING:
                found.add(Socket(fields[9], fields[1].rpartition(":")[0]))
    return found


def children_of(process_id: int) -> set[int]:
    """All living descendants of a process."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {process_id, *found}} - found:
        found |= more
    return found


def command_of(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def alive(process_id: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return False


@dataclass
class Footprint:
    """What the processes of a run hold while they live."""

    shared_memory: set[str] = field(default_factory=set)
    sockets: set[Socket] = field(default_factory=set)

    def look(self, processes: list[int]) -> None:
        """Add what these processes hold now."""
        inodes: set[str] = set()
        for process_id in processes:
            directory = Path(f"/proc/{process_id}")
            try:
                names = [line.split(maxsplit=5)[5:] for line in (directory / "maps").read_text().splitlines()]
                held = [name[0] for name in names if name]
                handles = list((directory / "fd").iterdir())
            except OSError:
                continue  # it has just ended
            for handle in handles:
                with suppress(OSError):  # closed meanwhile
                    held.append(str(handle.readlink()))
            inodes |= {name.removeprefix("socket:[").removesuffix("]") for name in held if name.startswith("socket:[")}
            self.shared_memory |= {
                name
                for name in held
                if name.startswith(_SHARED_MEMORY) and not name.endswith("(deleted)") and not _OF_ALL_DOMAINS.match(name)
            }
        self.sockets |= {found for found in listening() if found.inode in inodes}


class Demo:
    """A running `roost demo`. terminal: it has one of 80x24, else a pipe."""

    def __init__(
        self, directory: Path, arguments: tuple[str, ...], environment: Mapping[str, str], *, terminal: bool
    ) -> None:
        self.directory = directory
        self.footprint = Footprint()
        command = [sys.executable, "-m", "roost_daemon.cli", "demo", *arguments]
        own = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"TERM": "xterm-256color"}
        ours, theirs = pty.openpty() if terminal else os.pipe()
        if terminal:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            settings = termios.tcgetattr(theirs)
            settings[3] &= ~termios.ECHO  # what we type is not what the demo says
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env=own | dict(environment),
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0)) if terminal else None,
        )
        os.close(theirs)
        self._ours = ours
        self._said = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 1 << 16)
            except OSError:  # the last one has closed the terminal
                return
            if not piece:
                return
            self._said += piece

    @property
    def said(self) -> str:
        """All that it has written so far, with control sequences."""
        return self._said.decode(errors="replace").replace("\r\n", "\n")

    @property
    def plain(self) -> str:
        """The same without control sequences."""
        return _CONTROL.sub("", self.said)

    @property
    def pictures(self) -> list[list[str]]:
        """What the live view has drawn, each time, line by line, without control sequences."""
        _, _, drawn = self.said.rpartition("\x1b[?1049h")
        drawn, _, _ = drawn.partition("\x1b[?1049l")
        frames = [_CONTROL.sub("", frame).split("\n") for frame in drawn.split(_HOME_OF_CURSOR)]
        return [frame for frame in frames if len(frame) > 1]

    @cached_property
    def run(self) -> Path:
        """The directory of the run, as it is said in the first line."""
        found = within(READY_BOUND_S, "the run's directory is said", lambda: re.search(r"run lies in (.+)\n", self.plain))
        return Path(found[1])

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """The first daemon's configuration."""
        file = self.run / "hangar.yaml"
        within(READY_BOUND_S, "the daemon's configuration is written", file.exists)
        data: dict[str, Any] = within(5.0, "it is whole", lambda: yaml.safe_load(file.read_text()))
        return data

    @property
    def runtime(self) -> Path:
        """The directory of the sockets."""
        return Path(self.configuration["daemon"]["runtime_directory"]).parent

    @property
    def ros_domain(self) -> int:
        return int(self.configuration["ros"]["domain_id"])

    @property
    def events(self) -> str:
        """What has happened, as the run's own log says."""
        log = self.run / "demo.log"
        return log.read_text() if log.exists() else ""

    def await_event(self, words: str, bound_s: float = READY_BOUND_S) -> None:
        """Wait until the run's log has these words."""

        def happened() -> bool:
            if self.process.poll() is not None:
                pytest.fail(f"the demo has ended before: {words}\n{self.plain}")
            return words in self.events

        within(bound_s, f"{words}\n{self.plain[-3000:]}", happened)

    def processes(self) -> list[int]:
        """All living processes of the run but the demo's own and the janitor."""
        return marked_processes(str(self.run))

    def process_of(self, *words: str) -> int:
        """The one process of the run with all these words in its command line."""
        commands = {process_id: command_of(process_id) for process_id in self.processes()}
        (found,) = (process_id for process_id, command in commands.items() if all(word in command for word in words))
        return found

    def janitor(self) -> int:
        (found,) = (child for child in children_of(self.process.pid) if "demo.janitor" in command_of(child))
        return found

    def look(self) -> None:
        """Remember what the run holds, for `left_nothing`; everything that it started carries its mark."""
        within(5.0, f"all but the janitor carry the mark: {self._unmarked()}", lambda: not self._unmarked())
        self.footprint.look([*self.processes(), self.process.pid])

    def _unmarked(self) -> list[str]:
        unmarked = children_of(self.process.pid) - set(self.processes())
        return [command for found in unmarked if alive(found) and "demo.janitor" not in (command := command_of(found))]

    def wait(self, bound_s: float = GONE_BOUND_S) -> int:
        """Wait for its end and for the last of what it wrote; the exit code."""
        try:
            code = self.process.wait(bound_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the demo did not end within {bound_s:g} s\n{self.plain[-3000:]}")
        self._reader.join(GONE_BOUND_S)
        return code

    def interrupt(self) -> None:
        """Ctrl-C at its terminal."""
        os.write(self._ours, b"\x03")

    def left_nothing(self, *, heard: bool = False) -> None:
        """No process, runtime directory, shared memory or listening socket of the run is left.

        heard: a witness has listened to its robots, and holds their shared memory.
        """
        assert self.footprint.sockets, "nobody looked at this run"
        assert self.footprint.shared_memory, "nobody looked at this run"
        assert [command_of(process_id) for process_id in self.processes()] == []
        assert not self.runtime.exists()
        assert not self.footprint.sockets & listening()
        if not heard:
            # What somebody else holds too stays until that one has gone.
            assert self.footprint.shared_memory & {str(path) for path in remove_abandoned()} == set()

    def end(self) -> None:
        """End whatever is left of it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(GONE_BOUND_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(GONE_BOUND_S)
        os.close(self._ours)


@dataclass(frozen=True)
class Odometry:
    """A message of a robot's odometry, and when it came."""

    robot: str
    at_s: float
    speed_mps: float


class Witness:
    """Listens to the odometry of a ROS domain, in a process of its own."""

    def __init__(self, domain_id: int, robots: tuple[str, ...]) -> None:
        own = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, str(WITNESS), *robots],
            env=own | ros_environment(domain_id),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.heard: list[Odometry] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.heard.append(Odometry(**json.loads(line)))

    def of(self, robot: str) -> list[Odometry]:
        """What was heard of one robot so far."""
        return [message for message in self.heard if message.robot == robot]

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()  # a listener that cannot let go of ROS is no matter of the demo
            self._process.wait(10)
        self._reader.join(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos in the test's directory: `start_demo(*arguments, terminal=False, **environment)`."""
    demos: list[Demo] = []

    def start(*arguments: str, terminal: bool = False, directory: Path = tmp_path, **environment: str) -> Demo:
        demos.append(Demo(directory, arguments, environment, terminal=terminal))
        return demos[-1]

    yield start
    for demo in demos:
        demo.end()


@pytest.fixture
def start_witness() -> Iterator[Callable[..., Witness]]:
    """Starts witnesses of odometry: `start_witness(domain_id, robots)`."""
    witnesses: list[Witness] = []

    def start(domain_id: int, robots: tuple[str, ...]) -> Witness:
        witnesses.append(Witness(domain_id, robots))
        return witnesses[-1]

    yield start
    for witness in witnesses:
        witness.end()


@pytest.fixture
def wait_within() -> Callable[..., Any]:
    """`wait_within(bound_s, words, condition)`."""
    return within
