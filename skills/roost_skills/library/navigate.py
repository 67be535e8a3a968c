"""Go to a place."""

from __future__ import annotations

from collections.abc import Mapping

from roost.contract import Parameter, SkillContract
from roost.skill import SkillContext


class Navigate:
    """Go to a place by name, along a way that the robot's gateway checks."""

    contract = SkillContract(
        name="navigate",
        description="Go to a place.",
        parameters=(Parameter("place", "place", "Where to go."),),
        preconditions=(),
        effects=("at(robot,place)",),
        repeatable=True,
        resources=("robot",),
        duration_bound_s=120.0,
        cancel="The robot rests where it is.",
        visits=("place",),
    )

    async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Go there. The result is `{"place": …}`."""
        place = arguments["place"]
        await context.say(f"going to {place}")
        await context.robot.navigate(place, context.deadline)
        return {"place": place}
