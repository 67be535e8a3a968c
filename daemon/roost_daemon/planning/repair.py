"""Makes a new plan for what is left when a step has failed.

What is done stays done, what runs goes on. A failure that names a passage closes it for the rest of the mission: the new plan
goes another way, or says that there is none. A step is tried again only if its skill may be repeated, and a mission is
repaired a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roost.contract import SkillContract
from roost_daemon.brain.tree import TaskTree
from roost_daemon.planning.allocate import allocate
from roost_daemon.planning.plan import Plan, PlannedStep, World
from roost_daemon.site.model import Site

# What a rule forbids, or what there is not, stays so however often it is tried.
_FINAL_REASONS = frozenset({"KEEP_OUT", "UNKNOWN_PLACE", "UNKNOWN_OBJECT", "UNKNOWN_NAME", "BAD_ARGUMENTS"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed: why, in words and by the stable name of the reason, and the passage that it failed in, if known."""

    step: PlannedStep
    why: str
    passage: str = ""
    reason: str = ""


def why_not_again(failure: Failure, contracts: Mapping[str, SkillContract], repairs: int, most_repairs: int) -> str:
    """Why a failed step must not be tried again, in words; the empty string if it may."""
    if not contracts[failure.step.skill].repeatable:
        return f"{failure.step.skill} must not be repeated"
    if failure.reason in _FINAL_REASONS:
        return "trying again cannot help"
    if repairs >= most_repairs:
        return f"the mission was repaired {repairs} times already"
    return ""


def repair(
    tree: TaskTree,
    site: Site,
    contracts: Mapping[str, SkillContract],
    world: World,
    failure: Failure,
    *,
    done: frozenset[str],
    running: Mapping[str, PlannedStep],
) -> Plan:
    """A plan for all that is not done, from the world as it is now, without the passage that the failure names.

    Raises `roost_daemon.planning.plan.ImpossibleError`: "… is impossible, because …".
    """
    closed = world.closed | ({failure.passage} if failure.passage in site.passages else set())
    return allocate(tree, site, contracts, replace(world, closed=closed), done=done, running=running)
