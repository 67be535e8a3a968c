"""The first half of the goal's road: words in, a checked goal out, or one exact refusal."""

from __future__ import annotations

from collections.abc import Mapping

from roost.contract import SkillContract
from roost_daemon.brain.compiler import compile_tree
from roost_daemon.brain.grounding import ground
from roost_daemon.brain.providers import GoalProvider, GroundingContext
from roost_daemon.brain.verifier import CheckedGoal, verify
from roost_daemon.site.model import Site


async def understand(
    text: str,
    provider: GoalProvider,
    site: Site,
    skills: Mapping[str, SkillContract],
    *,
    robot_places: Mapping[str, str] | None = None,
    object_places: Mapping[str, str] | None = None,
) -> CheckedGoal:
    """What the text asks for, in the site's names, compiled and checked. Only the provider may wait for anything.

    robot_places, object_places: where robots and objects are now, if known (see `verifier.verify`).

    Raises what a provider raises (`NotUnderstoodError`), and the errors of `grounding.ground` and `verifier.verify`.
    """
    context = GroundingContext(site, skills)
    tree = ground(await provider.propose(text, context), context)
    specification = compile_tree(tree, site)
    return verify(tree, specification, context, robot_places=robot_places, object_places=object_places)
