"""Which skills there are, and whether what they declare can be used.

A declaration is checked once, when the registry is made: everything later (grounding, planning, repair, the host) may rely
on it. A skill's name, its parameters and its propositions are the words that goals and plans are written in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import get_args

from roost.contract import Parameter, ParameterKind, SkillContract
from roost.errors import RoostError, UnknownNameError
from roost.skill import Skill
from roost_skills.library.carry import Carry
from roost_skills.library.inspect import Inspect
from roost_skills.library.navigate import Navigate

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PROPOSITION = re.compile(r"!?(?P<name>[a-z][a-z0-9_]*)\((?P<arguments>[a-z0-9_,]+)\)")


class SkillDeclarationError(RoostError):
    """A skill declares something that cannot be used; the message names the skill and the field."""

    reason = "SKILL_DECLARATION"


class SkillRegistry:
    """The skills by name.

    Raises `SkillDeclarationError` for a declaration that cannot be used, and for a name that two skills have.
    """

    def __init__(self, skills: Iterable[Skill]) -> None:
        self._skills: dict[str, Skill] = {}
        for skill in skills:
            check_contract(skill.contract)
            if skill.contract.name in self._skills:
                raise SkillDeclarationError(f"two skills are called '{skill.contract.name}'", remedy="rename one of them")
            self._skills[skill.contract.name] = skill

    @property
    def contracts(self) -> Mapping[str, SkillContract]:
        """What each skill declares, by name."""
        return {name: skill.contract for name, skill in self._skills.items()}

    def skill(self, name: str) -> Skill:
        """The skill of that name.

        Raises `UnknownNameError`.
        """
        if name not in self._skills:
            raise UnknownNameError(f"there is no skill '{name}' here", remedy=f"known are {', '.join(sorted(self._skills))}")
        return self._skills[name]


def standard_skills() -> SkillRegistry:
    """The skills that come with Roost."""
    return SkillRegistry([Navigate(), Inspect(), Carry()])


def check_contract(contract: SkillContract) -> None:
    """Whether goals, plans and hosts can use the declaration.

    Raises `SkillDeclarationError`, which names the skill, the field, and what is allowed there.
    """
    if not _NAME.fullmatch(contract.name):
        raise SkillDeclarationError(
            f"a skill cannot be called '{contract.name}'", remedy="use lower-case letters, digits and underscores"
        )
    for field in ("description", "cancel"):
        if not getattr(contract, field).strip():
            raise _unusable(contract, f"has no {field}", f"say it in a sentence in `{field}`")
    parameters = (*contract.parameters, *contract.derived)
    names = [parameter.name for parameter in parameters]
    for parameter in parameters:
        _check_parameter(contract, parameter)
        if names.count(parameter.name) > 1:
            raise _unusable(contract, f"declares '{parameter.name}' twice", "give each parameter a name of its own")
    for proposition in (*contract.preconditions, *contract.effects):
        _check_proposition(contract, proposition, {*names, "robot"})
    places = {parameter.name for parameter in parameters if parameter.kind == "place"}
    for visited in contract.visits:
        if visited not in places:
            raise _unusable(contract, f"visits '{visited}', which is no parameter of kind place", "declare it, or drop it")
    if not contract.resources:
        raise _unusable(contract, "needs no resource", "name at least `robot` in `resources`")
    if not (math.isfinite(contract.duration_bound_s) and contract.duration_bound_s > 0.0):
        raise _unusable(contract, f"is bounded by {contract.duration_bound_s} s", "give `duration_bound_s` seconds above 0")


def _check_parameter(contract: SkillContract, parameter: Parameter) -> None:
    kinds = get_args(ParameterKind)
    if not _NAME.fullmatch(parameter.name) or parameter.name == "robot":
        raise _unusable(contract, f"has a parameter '{parameter.name}'", "use lower-case letters, and not the word `robot`")
    if parameter.kind not in kinds:
        raise _unusable(contract, f"has a parameter '{parameter.name}' of kind '{parameter.kind}'", f"use {', '.join(kinds)}")


def _check_proposition(contract: SkillContract, proposition: str, known: set[str]) -> None:
    match = _PROPOSITION.fullmatch(proposition)
    if match is None:
        raise _unusable(contract, f"declares '{proposition}'", "write propositions as `name(argument,argument)`")
    for argument in match["arguments"].split(","):
        if argument not in known:
            raise _unusable(contract, f"speaks of '{argument}' in '{proposition}'", f"known are {', '.join(sorted(known))}")


def _unusable(contract: SkillContract, what: str, remedy: str) -> SkillDeclarationError:
    return SkillDeclarationError(f"skill '{contract.name}' {what}", remedy=remedy)
