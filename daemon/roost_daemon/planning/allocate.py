"""Makes a plan: which robot does which step, after which others, along which way.

Steps are taken in the tree's order from left to right, which is an order in which they may be done. A step that names no
robot gets the one that would be done with it first (list scheduling; Graham, "Bounds on multiprocessing timing anomalies",
SIAM Journal on Applied Mathematics 17, 1969). Times are estimates: the way's length at the robot's top speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from roost.contract import SkillContract
from roost_daemon.brain.tree import Group, Node, Step, TaskTree
from roost_daemon.planning.plan import ImpossibleError, Plan, PlannedStep, World, moved_objects
from roost_daemon.site.model import Point, Site
from roost_daemon.site.way import NoWayError, OffMapError, Way, shortest_way


def allocate(
    tree: TaskTree,
    site: Site,
    contracts: Mapping[str, SkillContract],
    world: World,
    *,
    done: frozenset[str] = frozenset(),
    running: Mapping[str, PlannedStep] | None = None,
) -> Plan:
    """A plan for the steps of the tree that are not done; those that run stay as they are.

    done: nodes of steps that are done. running: planned steps that robots do right now, by node.
    Raises `ImpossibleError`, which says for which step there is no robot or no way, and why.
    """
    allocation = _Allocation(tree, site, contracts, world)
    before = _predecessors(tree.root)
    for step in tree.steps():
        if step.node not in done:
            after = tuple(node for node in before[step.node] if node not in done)
            allocation.add(step, after, (running or {}).get(step.node))
    return Plan(tuple(allocation.steps), world.closed)


@dataclass(slots=True)
class _Robot:
    """Where a robot will be, and when it will be free."""

    position: Point
    free_s: float = 0.0
    last_node: str = ""


@dataclass(slots=True)
class _Allocation:
    """A plan in the making, and the world as it will be after the steps planned so far."""

    tree: TaskTree
    site: Site
    contracts: Mapping[str, SkillContract]
    world: World
    steps: list[PlannedStep] = field(default_factory=list)
    _robots: dict[str, _Robot] = field(init=False)
    _objects: dict[str, str] = field(init=False)
    _holding: dict[str, str] = field(init=False)
    _end_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._robots = {name: _Robot(position) for name, position in self.world.robots.items()}
        self._objects = dict(self.world.objects)
        self._holding = dict(self.world.holding)

    def add(self, step: Step, after: tuple[str, ...], running: PlannedStep | None) -> None:
        """Plan one more step."""
        if running is not None:
            best = replace(running, after=(), start_s=0.0, end_s=running.end_s - running.start_s)
        elif step.robot:
            best = self._plan(step, step.robot, after)
        else:
            best = self._choose(step, after)
        robot = self._robots[best.robot]
        if best.ways:
            robot.position = best.ways[-1].points[-1]
        robot.free_s, robot.last_node = best.end_s, best.node
        self._end_s[best.node] = best.end_s
        self._take_effect(best)
        self.steps.append(best)

    def _choose(self, step: Step, after: tuple[str, ...]) -> PlannedStep:
        """The step as the robot does it with which it would be done first."""
        attempts = [self._attempt(step, robot, after) for robot in sorted(self._robots)]
        planned = [attempt for attempt in attempts if isinstance(attempt, PlannedStep)]
        if not planned:
            reasons = "; ".join(attempt for attempt in attempts if isinstance(attempt, str))
            raise ImpossibleError(f"no robot can do {step.node} ({step.label}): {reasons or 'there is none'}")
        return min(planned, key=lambda attempt: (attempt.end_s, attempt.robot))

    def _attempt(self, step: Step, robot: str, after: tuple[str, ...]) -> PlannedStep | str:
        try:
            return self._plan(step, robot, after)
        except ImpossibleError as error:
            return error.message

    def _plan(self, step: Step, robot: str, after: tuple[str, ...]) -> PlannedStep:
        description = self.site.robot(robot)
        if step.skill not in description.skills or step.skill not in self.contracts:
            raise ImpossibleError(
                f"{step.node} ({step.label}) is impossible, because {robot} has no skill '{step.skill}'",
                remedy=f"it has {', '.join(description.skills)}",
            )
        if robot not in self._robots:
            raise ImpossibleError(f"{step.node} ({step.label}) is impossible, because nobody knows where {robot} is")
        contract, state = self.contracts[step.skill], self._robots[robot]
        arguments = dict(step.arguments) | {
            parameter.name: self._derive(parameter.name, step, robot) for parameter in contract.derived
        }
        places = [arguments[name] for name in contract.visits if arguments[name]]
        avoid = tuple(sorted({*self._kept_out(robot), *self.site.forbidden_areas(robot)}))
        ways = self._ways(step, robot, places, avoid)
        after = after if state.last_node in ("", *after) else (*after, state.last_node)
        start_s = max([state.free_s, *(self._end_s[node] for node in after)])
        travel_s = sum(way.length_m for way in ways) / description.max_speed_mps
        return PlannedStep(
            node=step.node,
            label=step.label,
            skill=step.skill,
            robot=robot,
            arguments=arguments,
            after=after,
            avoid=avoid,
            ways=ways,
            start_s=start_s,
            end_s=start_s + travel_s,
        )

    def _ways(self, step: Step, robot: str, places: list[str], avoid: tuple[str, ...]) -> tuple[Way, ...]:
        position, ways = self._robots[robot].position, []
        for place in places:
            why = self._why_forbidden(robot, place)
            if why:
                raise ImpossibleError(f"{step.node} ({step.label}) is impossible, because {why}", remedy="name another place")
            stand = self.site.area(place).stand
            try:
                way = shortest_way(
                    self.site, position, Point(stand.x_m, stand.y_m), forbidden=avoid, closed=self.world.closed
                )
            except (NoWayError, OffMapError) as error:
                raise ImpossibleError(
                    f"{step.node} ({step.label}) is impossible for {robot}, because {error.message}", remedy=error.remedy
                ) from error
            ways.append(way)
            position = way.points[-1]
        return tuple(ways)

    def _why_forbidden(self, robot: str, place: str) -> str:
        rule = self.site.forbidden_areas(robot).get(place)
        if rule is not None:
            return f"{robot} may not enter {place}: {rule.reason} (standing rule '{rule.name}')"
        return f"the goal itself keeps {robot} out of {place}" if place in self._kept_out(robot) else ""

    def _kept_out(self, robot: str) -> set[str]:
        return {rule.place for rule in self.tree.rules if rule.robot == robot}

    def _derive(self, name: str, step: Step, robot: str) -> str:
        """The value of a derived argument; the empty string for the source of an object that the robot holds already."""
        thing = step.arguments.get("object", "")
        if name != "source":
            raise ImpossibleError(f"{step.node} ({step.label}) is impossible, because nothing says how to derive '{name}'")
        if self._holding.get(robot) == thing:
            return ""
        if thing not in self._objects:
            raise ImpossibleError(f"{step.node} ({step.label}) is impossible, because nobody knows where the {thing} is")
        return self._objects[thing]

    def _take_effect(self, step: PlannedStep) -> None:
        """Move the objects that the step moves."""
        moved = moved_objects(self.contracts[step.skill], step.arguments)
        self._objects.update(moved)
        if moved:
            self._holding.pop(step.robot, None)


def _predecessors(root: Node) -> dict[str, tuple[str, ...]]:
    """For each step the steps that must be done directly before it."""
    before: dict[str, tuple[str, ...]] = {}

    def visit(node: Node, after: tuple[str, ...]) -> tuple[str, ...]:
        """Note what each step below waits for; returns the steps whose end is the node's end."""
        if not isinstance(node, Group):
            before[node.node] = after
            return (node.node,)
        if node.order == "parallel":
            return tuple(last for child in node.children for last in visit(child, after))
        for child in node.children:
            after = visit(child, after)
        return after

    visit(root, ())
    return before
