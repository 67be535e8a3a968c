"""The interface of what turns words into a task tree, and the errors that any provider may raise.

A provider proposes; it decides nothing. Its names are grounded, its tree is compiled and checked by code that trusts no
provider. The grammar (`grammar`) is the first; learned ones take the same place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from roost.contract import SkillContract
from roost.errors import RoostError
from roost_daemon.brain.tree import TaskTree
from roost_daemon.site.model import Site

EXAMPLE_GOAL = (
    "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"
)
"""The form of goals that every provider understands, said when one was not."""


class NotUnderstoodError(RoostError):
    """The words could not be turned into a task tree; nothing was guessed."""

    reason = "NOT_UNDERSTOOD"

    def __init__(self, message: str, *, remedy: str = f"say it like this, in names of this site: {EXAMPLE_GOAL}") -> None:
        super().__init__(message, remedy=remedy)


@dataclass(frozen=True, slots=True)
class GroundingContext:
    """What words may refer to: the site's robots, places and objects, and the skills by name."""

    site: Site
    skills: Mapping[str, SkillContract]


class GoalProvider(Protocol):
    """Turns the text of a goal into a task tree."""

    @property
    def name(self) -> str:
        """What it is called in explanations."""
        ...

    async def propose(self, text: str, context: GroundingContext) -> TaskTree:
        """The tree that the text asks for. Names may be as the user wrote them; robots may be left out (empty).

        Raises `NotUnderstoodError`, and `roost.errors.UnavailableError` where the provider itself cannot be reached.
        """
        ...
