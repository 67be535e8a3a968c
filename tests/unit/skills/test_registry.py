"""A registry holds usable declarations only, and says of a bad one which field is wrong and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from roost.contract import Parameter, SkillContract
from roost.errors import UnknownNameError
from roost.skill import SkillContext
from roost_skills.registry import SkillDeclarationError, SkillRegistry, standard_skills

WAVE = SkillContract(
    name="wave",
    description="Wave at somebody.",
    parameters=(Parameter("place", "place", "Where."),),
    preconditions=("at(robot,place)", "!holding(robot)"),
    effects=("waved(place)",),
    repeatable=True,
    resources=("robot",),
    duration_bound_s=5.0,
    cancel="The robot rests.",
    visits=("place",),
)


class Wave:
    def __init__(self, contract: SkillContract = WAVE) -> None:
        self.contract = contract

    async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
        return {}


def test_the_standard_skills_are_three_and_usable() -> None:
    registry = standard_skills()
    assert sorted(registry.contracts) == ["carry", "inspect", "navigate"]
    assert registry.skill("inspect").contract.visits == ("place",)
    assert [parameter.name for parameter in registry.contracts["carry"].derived] == ["source"]


def test_an_unknown_skill_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownNameError) as caught:
        standard_skills().skill("dance")
    assert str(caught.value) == "there is no skill 'dance' here; known are carry, inspect, navigate"


def test_two_skills_of_one_name_are_refused() -> None:
    with pytest.raises(SkillDeclarationError) as caught:
        SkillRegistry([Wave(), Wave()])
    assert str(caught.value) == "two skills are called 'wave'; rename one of them"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"name": "Wave!"}, "a skill cannot be called 'Wave!'; use lower-case letters, digits and underscores"),
        ({"cancel": " "}, "skill 'wave' has no cancel; say it in a sentence in `cancel`"),
        (
            {"effects": ("waved place",)},
            "skill 'wave' declares 'waved place'; write propositions as `name(argument,argument)`",
        ),
        ({"effects": ("waved(who)",)}, "skill 'wave' speaks of 'who' in 'waved(who)'; known are place, robot"),
        ({"visits": ("who",)}, "skill 'wave' visits 'who', which is no parameter of kind place; declare it, or drop it"),
        ({"resources": ()}, "skill 'wave' needs no resource; name at least `robot` in `resources`"),
        ({"duration_bound_s": float("inf")}, "skill 'wave' is bounded by inf s; give `duration_bound_s` seconds above 0"),
        (
            {"parameters": (Parameter("place", "spot", "Where."),)},  # type: ignore[arg-type]  # the bad kind is the point
            "skill 'wave' has a parameter 'place' of kind 'spot'; use place, object, text, number",
        ),
        (
            {"derived": (Parameter("place", "place", "Again."),)},
            "skill 'wave' declares 'place' twice; give each parameter a name of its own",
        ),
    ],
)
def test_a_bad_declaration_is_one_clear_line(change: dict[str, Any], line: str) -> None:
    with pytest.raises(SkillDeclarationError) as caught:
        SkillRegistry([Wave(replace(WAVE, **change))])
    assert str(caught.value) == line
