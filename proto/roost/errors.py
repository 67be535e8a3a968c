"""Errors that say what was wrong, where, and what to do.

Every error of Roost's own is a `RoostError`. Rooms add exact types below it; nobody raises `RoostError` itself.
"""

from __future__ import annotations


class RoostError(Exception):
    """What went wrong (`message`), by its stable name (`reason`), and what to do about it (`remedy`)."""

    reason = "ROOST_ERROR"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class ConfigurationError(RoostError):
    """The configuration cannot be used; the message names file and line."""

    reason = "CONFIGURATION"


class UnknownNameError(RoostError):
    """A robot, place, skill, model, camera or mission was named that does not exist."""

    reason = "UNKNOWN_NAME"


class RefusedError(RoostError):
    """A rule or bound forbids what was asked; nothing moved for it."""

    reason = "REFUSED"


class UnavailableError(RoostError):
    """A part that is needed does not answer: an engine, a broker, a gateway, the cloud."""

    reason = "UNAVAILABLE"


class DeadlineExceededError(RoostError):
    """The time ran out before the work was done."""

    reason = "DEADLINE_EXCEEDED"
