"""Bring an object to a place."""

from __future__ import annotations

from collections.abc import Mapping

from roost.contract import Parameter, SkillContract
from roost.skill import SkillContext


class Carry:
    """Fetch an object from where it is, bring it to a place, put it down.

    It may be repeated: a run that finds the object in the robot's gripper goes on from there.
    """

    contract = SkillContract(
        name="carry",
        description="Bring an object to a place.",
        parameters=(
            Parameter("object", "object", "What to bring."),
            Parameter("place", "place", "Where to."),
        ),
        preconditions=("at(object,source)",),
        effects=("at(object,place)", "at(robot,place)"),
        repeatable=True,
        resources=("robot", "gripper"),
        duration_bound_s=180.0,
        cancel="The robot rests where it is, and holds the object if it had taken it.",
        derived=(Parameter("source", "place", "Where the object is."),),
        visits=("source", "place"),
    )

    async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Bring it. The result is `{"object": …, "place": …}`."""
        thing, source, place = arguments["object"], arguments["source"], arguments["place"]
        if (await context.robot.state()).holding != thing:
            await context.say(f"going to {source} for the {thing}")
            await context.robot.navigate(source, context.deadline)
            await context.say(f"taking the {thing}")
            await context.robot.grasp(thing, context.deadline)
        await context.say(f"bringing the {thing} to {place}")
        await context.robot.navigate(place, context.deadline)
        await context.say(f"putting the {thing} down")
        await context.robot.release(context.deadline)
        return {"object": thing, "place": place}
