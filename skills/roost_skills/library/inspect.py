"""Inspect a place: go there, read its sign, look for a safety vest."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from roost.clock import NANOSECONDS_PER_SECOND, Deadline
from roost.contract import Parameter, SkillContract
from roost.errors import RoostError, UnavailableError
from roost.skill import Look, Rectangle, SkillContext

# One look is worth nothing later than this, however much time the whole inspection has.
_LOOK_BUDGET_NS = 2 * NANOSECONDS_PER_SECOND
_PAUSE_BETWEEN_TRIES_S = 0.2
_MOST_TRIES = 40
_LEAST_SCORE = 0.5


class InspectionError(RoostError):
    """The place was reached, but what had to be seen was not."""

    reason = "NOTHING_READ"


class Inspect:
    """Go to a place, read the sign there, and look whether somebody in a safety vest is in sight.

    The sign is read by `text_detector` and then by `text_recogniser` on each box of the same frame, the vest is looked for
    by `vest_detector` on that frame too, so that one picture shows all that is reported. A look that the scheduler dropped,
    or that came late, is tried again on a newer frame.
    """

    contract = SkillContract(
        name="inspect",
        description="Go to a place, read its sign, look for a safety vest.",
        parameters=(Parameter("place", "place", "What to inspect."),),
        preconditions=(),
        effects=("at(robot,place)", "inspected(place)"),
        repeatable=True,
        resources=("robot", "camera"),
        duration_bound_s=120.0,
        cancel="The robot rests where it is.",
        visits=("place",),
    )

    async def run(self, context: SkillContext, arguments: Mapping[str, str]) -> Mapping[str, object]:
        """Inspect it. The result is `{"place": …, "sign": …, "vest": …, "frame_id": …}`.

        Raises `InspectionError` if no sign was read, or the vest was not looked for, within the tries that it has.
        """
        place = arguments["place"]
        await context.say(f"going to {place}")
        await context.robot.navigate(place, context.deadline)
        await context.say(f"looking for the sign of {place}")
        trouble = ""
        for attempt in range(1, _MOST_TRIES + 1):
            try:
                found = await self._look_once(context)
                said = f"read {found['sign']}, {'a vest is' if found['vest'] else 'no vest'} in sight, look {attempt}"
                await context.say(said)
                return {"place": place, **found}
            except (InspectionError, UnavailableError) as error:
                trouble = error.message
            if context.deadline is not None and context.deadline.remaining_ns(context.clocks) <= 0:
                break
            await anyio.sleep(_PAUSE_BETWEEN_TRIES_S)
        raise InspectionError(
            f"no sign could be read at {place} in {attempt} looks, at last because {trouble}",
            remedy="give it more time, or look whether the camera sees the sign",
        )

    async def _look_once(self, context: SkillContext) -> Mapping[str, object]:
        """The sign, and whether a vest is in sight, in one frame. Raises `InspectionError` where one of them is not known."""
        boxes = await self._look(context, "text_detector")
        sign = await self._read(context, boxes)
        if not sign:
            raise InspectionError("no text was read in the picture")
        people = await self._look(context, "vest_detector", frame_id=boxes.frame_id)
        vest = any(sighting.score >= _LEAST_SCORE for sighting in people.sightings)
        return {"sign": sign, "vest": vest, "frame_id": boxes.frame_id}

    async def _read(self, context: SkillContext, boxes: Look) -> str:
        """The surest text among the boxes of a frame, the empty string for none. A box whose look is dropped is passed over.

        Raises `InspectionError` where nothing was read and a look was dropped.
        """
        best_text, best_score = "", _LEAST_SCORE
        dropped: InspectionError | None = None
        for box in boxes.sightings:
            try:
                reading = await self._look(context, "text_recogniser", frame_id=boxes.frame_id, box=box.region)
            except InspectionError as error:
                dropped = error
                continue
            for line in reading.sightings:
                if line.text.strip() and line.score >= best_score:
                    best_text, best_score = line.text.strip(), line.score
        if dropped is not None and not best_text:
            raise dropped
        return best_text

    async def _look(self, context: SkillContext, model: str, *, frame_id: int = 0, box: Rectangle | None = None) -> Look:
        deadline = Deadline.after(context.clocks, _LOOK_BUDGET_NS).earlier(context.deadline)
        look = await context.perception.look(model, frame_id=frame_id, region=box, deadline=deadline)
        if look.outcome == "dropped":
            raise InspectionError(f"the look by {model} was dropped ({look.drop_reason})")
        return look
