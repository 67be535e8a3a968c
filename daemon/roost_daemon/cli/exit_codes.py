"""What the `roost` command's exit code means. Stable: scripts rely on it."""

from __future__ import annotations

from enum import IntEnum

from roost.errors import (
    ConfigurationError,
    DeadlineExceededError,
    RefusedError,
    RoostError,
    UnavailableError,
    UnknownNameError,
)


class ExitCode(IntEnum):
    """The table of exit codes."""

    OK = 0
    FAILED = 1
    """What was asked for was tried and did not succeed."""
    USAGE = 2
    """The command line is wrong."""
    CONFIGURATION = 3
    """The configuration cannot be used."""
    UNAVAILABLE = 4
    """The daemon, or a part that is needed, does not answer."""
    REFUSED = 5
    """A check or a rule refused it; nothing moved."""
    UNKNOWN_NAME = 6
    """A mission, robot, place, skill, model or fact of that name does not exist."""
    DEADLINE = 7
    """The time ran out."""
    INTERRUPTED = 130
    """Ctrl-C."""


_BY_ERROR: tuple[tuple[type[RoostError], ExitCode], ...] = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (UnavailableError, ExitCode.UNAVAILABLE),
    (RefusedError, ExitCode.REFUSED),
    (UnknownNameError, ExitCode.UNKNOWN_NAME),
    (DeadlineExceededError, ExitCode.DEADLINE),
)


def exit_code(error: RoostError) -> ExitCode:
    """The code for an error that reached the command line."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)


def table() -> str:
    """The table for `roost --help`, a line a code."""
    meanings = {
        ExitCode.OK: "done",
        ExitCode.FAILED: "tried, and did not succeed",
        ExitCode.USAGE: "wrong command line",
        ExitCode.CONFIGURATION: "the configuration cannot be used",
        ExitCode.UNAVAILABLE: "the daemon, or a part that is needed, does not answer",
        ExitCode.REFUSED: "a check or rule refused it; nothing moved",
        ExitCode.UNKNOWN_NAME: "no mission, robot, place, skill, model or fact of that name",
        ExitCode.DEADLINE: "the time ran out",
        ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
    }
    return "\n\n".join(f"{code.value:3}  {meanings[code]}" for code in ExitCode)
