"""Lines where there is no terminal, the live view where there is one."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from typing import TextIO

import pytest

from roost_daemon.demo.configuration import SITE_FILE
from roost_daemon.demo.screen import LineScreen, LiveScreen, screen_for
from roost_daemon.demo.state import StoryState
from roost_daemon.site.load import load_site

XTERM = {"TERM": "xterm"}


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


def test_the_live_view_needs_a_terminal_that_can_show_it(terminal: TextIO) -> None:
    assert isinstance(screen_for(terminal, headless=False, environment=XTERM), LiveScreen)
    assert isinstance(screen_for(terminal, headless=True, environment=XTERM), LineScreen)
    assert isinstance(screen_for(terminal, headless=False, environment={"TERM": "dumb"}), LineScreen)
    assert isinstance(screen_for(terminal, headless=False, environment={}), LineScreen)
    assert isinstance(screen_for(io.StringIO(), headless=False, environment=XTERM), LineScreen)


def test_a_line_an_event_with_the_seconds_since_the_start() -> None:
    out = io.StringIO()
    screen = LineScreen(out)
    screen.tell("the first")
    screen.follow(StoryState(60.0), load_site(SITE_FILE))
    screen.tell("the second")
    screen.close()

    assert re.fullmatch(r" +\d+\.\d s  the first\n +\d+\.\d s  the second\n", out.getvalue())


def test_events_go_into_the_view_while_it_is_shown_and_the_terminal_is_given_back() -> None:
    out, state = io.StringIO(), StoryState(60.0)
    screen = LiveScreen(out, no_color=True)
    screen._console._force_terminal = True
    screen.tell("before")
    screen.follow(state, load_site(SITE_FILE))
    screen.tell("meanwhile")
    screen.close()
    screen.tell("after")
    screen.close()

    said = out.getvalue()
    assert list(state.events) == ["meanwhile"]
    assert said.index("before") < said.index("\x1b[?1049h") < said.index("\x1b[?1049l") < said.index("after")
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
