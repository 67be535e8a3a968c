"""Where the demo shows itself: the live view on a terminal, one line an event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live

from roost_daemon.demo.state import StoryState
from roost_daemon.demo.view import render
from roost_daemon.site.model import Site

_REFRESHES_A_SECOND = 4


class Screen(Protocol):
    """What the demo tells its progress to."""

    @property
    def takes_terminal(self) -> bool:
        """Whether it changes what a terminal shows, until `close`."""
        ...

    def tell(self, line: str) -> None:
        """One event."""
        ...

    def follow(self, state: StoryState, site: Site) -> None:
        """From now on the state is worth showing."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class LineScreen:
    """One line an event."""

    takes_terminal = False

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._begun = time.monotonic()

    def tell(self, line: str) -> None:
        """Print it with the seconds since the start."""
        self._out.write(f"{time.monotonic() - self._begun:6.1f} s  {line}\n")
        self._out.flush()

    def follow(self, state: StoryState, site: Site) -> None:
        """A pipe or a file shows events only."""

    def close(self) -> None:
        """Nothing to restore."""


class LiveScreen:
    """Lines until the story begins, then the live view; the terminal is restored at the end and after an error."""

    takes_terminal = True

    def __init__(self, out: TextIO, *, no_color: bool) -> None:
        self._console = Console(file=out, no_color=no_color, highlight=False)
        self._lines = LineScreen(out)
        self._live: Live | None = None
        self._state: StoryState | None = None

    def tell(self, line: str) -> None:
        """Print it, or keep it in the view."""
        if self._state is None:
            self._lines.tell(line)
        else:
            self._state.events.append(line)

    def follow(self, state: StoryState, site: Site) -> None:
        """Take the whole screen and draw the state again and again."""
        self._state = state
        self._live = Live(
            get_renderable=lambda: render(state, site),
            console=self._console,
            refresh_per_second=_REFRESHES_A_SECOND,
            screen=True,
            redirect_stderr=False,
            redirect_stdout=False,
        )
        self._live.start()

    def close(self) -> None:
        """Give the screen back."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._state = None


def screen_for(out: TextIO, *, headless: bool, environment: Mapping[str, str]) -> Screen:
    """The live view on a terminal that can show it, lines elsewhere and on wish."""
    if headless or not out.isatty() or environment.get("TERM", "dumb") == "dumb":
        return LineScreen(out)
    return LiveScreen(out, no_color="NO_COLOR" in environment)
