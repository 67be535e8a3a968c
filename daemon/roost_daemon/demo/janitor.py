"""The last one to leave: cleans up after a demo, also after one that was killed.

The demo starts it first and holds the other end of its standard input. When that closes (the demo ended, or `kill -9`), the
janitor waits until the gateways have brought their robots to rest and gone, ends whatever else still carries the run's mark,
removes the sockets and the shared-memory files that nobody uses any more, and goes too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from roost_daemon.processes.environment import RUN_MARK
from roost_daemon.ros.shared_memory import remove_abandoned

IN_GOOD_ORDER = b"."
"""What the demo says to the janitor when it ends by itself, with the terminal given back."""

# xterm's control sequences: save the cursor, so that on the normal screen the next moves nothing; leave the alternate screen;
# show the cursor; plain characters.
_GIVE_TERMINAL_BACK = b"\x1b7\x1b[?1049l\x1b[?25h\x1b[0m\r\n"
# A gateway needs its heartbeat time-out, its robot's rest time, and its bound on odometry that has gone.
_PATIENCE_S = 15.0


def marked_processes(mark: str, module: str = "") -> list[int]:
    """The living processes, this one apart, whose environment carries the mark of a run. module: only those that run it."""
    wanted = f"{RUN_MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            alive = b"State:\tZ" not in (entry / "status").read_bytes()
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
        if alive and wanted in environment.split(b"\0") and (not module or module.encode() in arguments):
            found.append(int(entry.name))
    return found


def _wait_until_gone(mark: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while marked_processes(mark):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def _give_terminal_back() -> None:
    with contextlib.suppress(OSError):  # its window may have been closed
        os.write(sys.stdout.fileno(), _GIVE_TERMINAL_BACK)


def clean_up(mark: str, runtime_directory: Path) -> None:
    """Wait for the gateways, end the rest, remove what is left."""
    if not _wait_until_gone(mark, _PATIENCE_S):
        _signal(marked_processes(mark), signal.SIGTERM)
        if not _wait_until_gone(mark, 3.0):
            _signal(marked_processes(mark), signal.SIGKILL)
            _wait_until_gone(mark, 3.0)
    shutil.rmtree(runtime_directory, ignore_errors=True)
    remove_abandoned()


def main() -> None:
    """Wait for the end of the demo, then clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mark", required=True, help="the run's mark in the environment of its processes")
    parser.add_argument("--runtime", required=True, type=Path, help="the directory with the run's sockets; it is removed")
    arguments = parser.parse_args()
    # Ctrl-C at the terminal, or a hang-up, is for the demo; the janitor goes when the demo has gone.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not sys.stdin.buffer.read() and sys.stdout.isatty():
        _give_terminal_back()
    clean_up(arguments.mark, arguments.runtime)


if __name__ == "__main__":
    main()
