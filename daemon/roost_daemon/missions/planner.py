"""Plans and repairs for missions: made, judged, and only then handed out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roost.contract import SkillContract
from roost.robot import RobotState
from roost_daemon.brain.tree import TaskTree
from roost_daemon.missions.mission import Mission, StepState
from roost_daemon.planning.allocate import allocate
from roost_daemon.planning.check import check
from roost_daemon.planning.plan import Plan, World
from roost_daemon.planning.repair import repair
from roost_daemon.site.model import Point, Site


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans on one site with one set of skills. No plan leaves it that the checker has not passed."""

    site: Site
    contracts: Mapping[str, SkillContract]

    def world(self, robots: Mapping[str, RobotState], objects: Mapping[str, str]) -> World:
        """What is known now: the robots' states by name, and the area where each object lies."""
        holding = {name: state.holding for name, state in robots.items() if state.holding}
        return World(
            robots={name: Point(state.pose.x_m, state.pose.y_m) for name, state in robots.items()},
            objects={name: area for name, area in objects.items() if name not in holding.values()},
            holding=holding,
        )

    def plan(self, tree: TaskTree, world: World) -> Plan:
        """A plan for a whole tree.

        Raises `roost_daemon.planning.plan.ImpossibleError` and `roost_daemon.planning.check.UnsoundPlanError`.
        """
        plan = allocate(tree, self.site, self.contracts, world)
        check(plan, tree, self.site, self.contracts, world)
        return plan

    def repair(self, mission: Mission, node: str, world: World) -> Plan:
        """A plan for what is left of a mission after the failure of a node. Raises as `plan` does."""
        assert mission.tree is not None
        settled = mission.done | mission.abandoned
        running = {step.node: step for step in mission.in_state(StepState.RUNNING)}
        known = replace(world, closed=world.closed | mission.closed)
        failure = mission.failure(node)
        plan = repair(mission.tree, self.site, self.contracts, known, failure, done=settled, running=running)
        check(
            plan,
            mission.tree,
            self.site,
            self.contracts,
            replace(known, closed=plan.closed),
            done=settled,
            running=frozenset(running),
        )
        return plan
