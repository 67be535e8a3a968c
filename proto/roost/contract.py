"""What a skill declares before anybody runs it.

Planning reads preconditions and effects, the checker reads parameters, the gateway reads bounds, repair reads whether a
skill may be repeated. A skill that declares nothing can be asked to do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ParameterKind = Literal["place", "object", "text", "number"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its name, what it must name, and what it is for."""

    name: str
    kind: ParameterKind
    description: str


@dataclass(frozen=True, slots=True)
class SkillContract:
    """A skill's promise.

    preconditions, effects: propositions over the skill's parameters and `robot`, written `name(argument, …)`, such as
    `at(robot, place)`; a leading `!` negates. repeatable: whether it may be run again after a failure without harm.
    resources: what one run needs for itself, with `robot` standing for the robot. duration_bound_s: a run that takes
    longer is cancelled. cancel: what a cancelled run leaves behind, in words. derived: arguments that no goal says and
    planning fills in from what it knows of the site; there is one so far, `source`, the area where `object` is. visits:
    the parameters whose places a run goes to, in this order; planning sums its way over them and judges it by the rules.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    preconditions: tuple[str, ...]
    effects: tuple[str, ...]
    repeatable: bool
    resources: tuple[str, ...]
    duration_bound_s: float
    cancel: str
    derived: tuple[Parameter, ...] = ()
    visits: tuple[str, ...] = ()
