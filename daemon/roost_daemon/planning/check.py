"""Judges a plan against the tree, the site and the rules, by other means than those that made it.

It shares no line with `allocate`: the order is judged on the tree's ancestors, ways are judged by geometry alone. A planner
that is wrong is found out here, before a robot moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise

from roost.contract import SkillContract
from roost.errors import RefusedError
from roost_daemon.brain.tree import Group, Node, TaskTree
from roost_daemon.planning.plan import Plan, PlannedStep, World
from roost_daemon.site.geometry import covered, enters, part_within, passage_polygon
from roost_daemon.site.model import Point, Site
from roost_daemon.site.way import Way

_SLACK_S = 1e-6
_SAME_POINT_M = 1e-6


class UnsoundPlanError(RefusedError):
    """A plan does not do what the tree asks, or breaks a rule: a defect of the planner. Nothing moves for it."""

    reason = "UNSOUND_PLAN"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(
            f"the plan is unsound: {'; '.join(faults)}", remedy="report it as a defect, with the goal and the site"
        )
        self.faults = faults


def check(
    plan: Plan,
    tree: TaskTree,
    site: Site,
    contracts: Mapping[str, SkillContract],
    world: World,
    *,
    done: frozenset[str] = frozenset(),
    running: frozenset[str] = frozenset(),
) -> None:
    """Pass a sound plan for all that is not done. The ways of steps that run already are not judged again.

    Raises `UnsoundPlanError` with every fault found.
    """
    faults = [
        *_check_steps(plan, tree, site, contracts, done),
        *_check_order(plan, tree),
        *_check_robots(plan),
        *_check_ways(plan, tree, site, contracts, world, running),
    ]
    if faults:
        raise UnsoundPlanError(tuple(faults))


def _check_steps(
    plan: Plan, tree: TaskTree, site: Site, contracts: Mapping[str, SkillContract], done: frozenset[str]
) -> Iterator[str]:
    """Each step of the tree that is not done is planned once, as it was asked for, on a robot that can."""
    wanted = {step.node: step for step in tree.steps() if step.node not in done}
    nodes = [step.node for step in plan.steps]
    yield from (f"{node} is not planned" for node in wanted if node not in nodes)
    yield from (f"{node} is planned twice" for node in {node for node in nodes if nodes.count(node) > 1})
    for planned in plan.steps:
        step = wanted.get(planned.node)
        if step is None:
            yield f"{planned.node} was not asked for"
            continue
        if planned.skill != step.skill or any(planned.arguments.get(key) != value for key, value in step.arguments.items()):
            yield f"{planned.node} is not what was asked for"
        if step.robot and planned.robot != step.robot:
            yield f"{planned.node} was meant for {step.robot}, not for {planned.robot}"
        known = site.robots.get(planned.robot)
        if known is None or planned.skill not in known.skills or planned.skill not in contracts:
            yield f"{planned.robot} has no skill '{planned.skill}' for {planned.node}"


def _check_order(plan: Plan, tree: TaskTree) -> Iterator[str]:
    """Where a sequence puts one step before another, the plan makes the other wait, and its times agree."""
    earlier = {step.node: _all_before(plan, step.node) for step in plan.steps}
    yield from (f"{node} waits for itself" for node, before in earlier.items() if node in before)
    for first, second in _ordered_pairs(tree.root):
        one, other = plan.step(first), plan.step(second)
        if one is None or other is None:
            continue
        if first not in earlier[second]:
            yield f"{second} does not wait for {first}"
        if other.start_s < one.end_s - _SLACK_S:
            yield f"{second} starts before {first} ends"


def _check_robots(plan: Plan) -> Iterator[str]:
    """A robot does one step at a time, and the plan says in which order."""
    for one, other in combinations(plan.steps, 2):
        if one.robot != other.robot:
            continue
        if one.start_s < other.end_s - _SLACK_S and other.start_s < one.end_s - _SLACK_S:
            yield f"{one.robot} would do {one.node} and {other.node} at the same time"
        if one.node not in _all_before(plan, other.node) and other.node not in _all_before(plan, one.node):
            yield f"nothing says whether {one.robot} does {one.node} or {other.node} first"


def _check_ways(
    plan: Plan,
    tree: TaskTree,
    site: Site,
    contracts: Mapping[str, SkillContract],
    world: World,
    running: frozenset[str],
) -> Iterator[str]:
    """Each way joins where the robot is to where it is wanted, on free ground only, and takes no less time than it needs."""
    position = dict(world.robots)
    for step in sorted(plan.steps, key=lambda step: (step.start_s, step.end_s)):
        contract = contracts.get(step.skill)
        if contract is None or step.robot not in site.robots:
            continue
        places = [step.arguments.get(name, "") for name in contract.visits]
        places = [place for place in places if place]
        if len(places) != len(step.ways):
            yield f"{step.node} visits {len(places)} places by {len(step.ways)} ways"
        for place, way in zip(places, step.ways, strict=False):
            if step.node not in running:
                faults = list(_check_way(step, way, position.get(step.robot), place, tree, site, world))
                yield from (f"{step.node}: {fault}" for fault in faults)
            position[step.robot] = way.points[-1]
        least_s = step.length_m / site.robots[step.robot].max_speed_mps
        if step.end_s - step.start_s < least_s - _SLACK_S:
            yield f"{step.node} would take {step.end_s - step.start_s:.1f} s, but its way alone takes {least_s:.1f} s"


def _check_way(
    step: PlannedStep, way: Way, start: Point | None, place: str, tree: TaskTree, site: Site, world: World
) -> Iterator[str]:
    if start is None or start.distance_m(way.points[0]) > _SAME_POINT_M:
        yield f"the way does not begin where {step.robot} is"
    if place not in site.areas or not site.areas[place].contains(way.points[-1]):
        yield f"the way does not end in {place}"
    kept_out = {rule.place for rule in tree.rules if rule.robot == step.robot}
    kept_out |= {rule.area for rule in site.rules if step.robot in rule.robots}
    ground = [area.polygon for area in site.areas.values() if area.name not in kept_out]
    for passage in site.passages.values():
        polygon = passage_polygon(passage)
        leaves = part_within(polygon, way.points[0], way.points[0]) is not None
        if passage.name not in world.closed or leaves:
            ground.append(polygon)
    for here, there in pairwise(way.points):
        for area in kept_out & site.areas.keys():
            if enters(site.areas[area].polygon, here, there):
                yield f"the way enters {area}"
        if not covered(ground, here, there):
            where = f"({here.x_m:.1f}, {here.y_m:.1f}) and ({there.x_m:.1f}, {there.y_m:.1f})"
            yield f"the way leaves the free ground between {where}"
    for passage_name in sorted(world.closed.intersection(way.passages[1:])):
        yield f"the way leads through {passage_name}, which is closed"


def _ordered_pairs(node: Node) -> Iterator[tuple[str, str]]:
    """All pairs of steps of which a sequence puts the first before the second."""
    if not isinstance(node, Group):
        return
    for child in node.children:
        yield from _ordered_pairs(child)
    if node.order == "sequence":
        for one, other in combinations(node.children, 2):
            yield from ((first, second) for first in _leaves(one) for second in _leaves(other))


def _leaves(node: Node) -> list[str]:
    return [node.node] if not isinstance(node, Group) else [leaf for child in node.children for leaf in _leaves(child)]


def _all_before(plan: Plan, node: str) -> set[str]:
    """Every node that a node waits for, directly or by others."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        step = plan.step(waiting.pop())
        for before in step.after if step is not None else ():
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found
