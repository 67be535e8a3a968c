"""The terminal is given back also when the demo crashes or is killed while the live view is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys, time
from roost_daemon.demo.command import DemoOptions, play
from roost_daemon.demo.configuration import SITE_FILE
from roost_daemon.demo.run import DemoRun
from roost_daemon.demo.state import StoryState
from roost_daemon.site.load import load_site

async def play_and_fail(self):
    self._screen.follow(StoryState(60.0), load_site(SITE_FILE))
    {end}

DemoRun.play = play_and_fail
play(DemoOptions(60), os.environ, sys.stdout)
"""


def said_on_a_terminal(directory: Path, end: str) -> tuple[int, str]:
    """The exit code and all that the demo and its janitor write when the run ends like this."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(end=end)],
        cwd=directory,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # the last one has closed the terminal
                break
            said += piece
    os.close(ours)
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("end", "code"),
    [("raise RuntimeError('a mistake of ours')", 1), ("os.kill(os.getpid(), signal.SIGKILL)", -9)],
    ids=["a crash", "a kill"],
)
def test_the_terminal_is_given_back(tmp_path: Path, end: str, code: int) -> None:
    returned, said = said_on_a_terminal(tmp_path, end)

    assert returned == code
    assert said.count("\x1b[?1049h") == said.count("\x1b[?1049l") == 1
    assert said.index("\x1b[?1049h") < said.index("\x1b[?1049l")
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    if code == 1:
        assert said.index("\x1b[?1049l") < said.index("RuntimeError: a mistake of ours")
