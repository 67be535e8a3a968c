"""The independent check between understanding and planning: nothing moves for a goal that did not pass here.

It trusts neither the provider nor the compiler. In order, the cheapest first: names and arguments; places that a rule
forbids to a robot that must visit them; the rules are in the specification, and its text says what it says; every formula
can hold, all can hold together. The first failure is the answer, with a reason, what is wrong and what to do. A goal that
passes comes with evidence: a shortest run that satisfies everything, in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from roost.contract import SkillContract
from roost.errors import RefusedError, UnknownNameError
from roost_daemon.brain.compiler import NamedFormula, Specification
from roost_daemon.brain.grounding import RobotLacksSkillError, WrongArgumentsError
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.scenario import Visit, run_words, satisfying_run
from roost_daemon.brain.tree import Step, TaskTree, at
from roost_daemon.logic import formula as ltl
from roost_daemon.logic.automaton import Trace, is_satisfiable
from roost_daemon.logic.parser import FormulaSyntaxError, parse

_CARRIED_OBJECT = "object"
_SOURCE = "source"


class RuleForbidsError(RefusedError):
    """A step must be at a place that a standing rule, or the goal's own rule, forbids to its robot."""

    reason = "RULE_FORBIDS"


class ContradictionError(RefusedError):
    """No run whatever satisfies what is asked together with the rules."""

    reason = "CONTRADICTION"


class SpecificationIncompleteError(RefusedError):
    """A rule that binds a robot of the mission is not in the specification: the compiler is at fault, not the goal."""

    reason = "SPECIFICATION_INCOMPLETE"


class UnfitNameError(RefusedError):
    """A requirement names something by signs that its notation cannot carry, so that its text would mean something else."""

    reason = "UNFIT_NAME"


@dataclass(frozen=True, slots=True)
class CheckedGoal:
    """A goal that may be planned. explanation: what was understood, a line each; evidence: a shortest run that keeps all."""

    tree: TaskTree
    specification: Specification
    explanation: tuple[str, ...]
    evidence: Trace


def verify(
    tree: TaskTree,
    specification: Specification,
    context: GroundingContext,
    *,
    robot_places: Mapping[str, str] | None = None,
    object_places: Mapping[str, str] | None = None,
) -> CheckedGoal:
    """The goal, checked.

    robot_places: the area where each robot is now, if that is known; a mission that would begin with a broken rule is
    refused. object_places: the area where each object is now; where the site's description puts it otherwise.

    Raises `roost.errors.UnknownNameError`, `RobotLacksSkillError`, `WrongArgumentsError`, `RuleForbidsError`,
    `SpecificationIncompleteError`, `UnfitNameError`, `ContradictionError`, and `logic.diagram.LogicLimitError` for what is
    too large to check.
    """
    _check_names(tree, context)
    visits = tuple(_visits(tree, context, {} if object_places is None else object_places))
    _check_places(tree, context, visits, {} if robot_places is None else robot_places)
    _check_rules_are_there(tree, specification, context)
    _check_notation(specification)
    evidence = _check_satisfiable(tree, specification, visits)
    explanation = (*(formula.words for formula in specification.formulas), *tree.notes, *run_words(tree, evidence))
    return CheckedGoal(tree, specification, explanation, evidence)


def _check_names(tree: TaskTree, context: GroundingContext) -> None:
    site = context.site
    for step in tree.steps():
        robot = site.robot(step.robot)
        if step.skill not in context.skills:
            raise UnknownNameError(
                f"there is no skill '{step.skill}' here", remedy=f"known are {', '.join(sorted(context.skills))}"
            )
        contract = context.skills[step.skill]
        if step.skill not in robot.skills:
            raise RobotLacksSkillError(f"{robot.name} cannot {step.skill}", remedy="ask a robot that has the skill")
        names = [parameter.name for parameter in contract.parameters]
        if sorted(names) != sorted(step.arguments):
            raise WrongArgumentsError(
                f"step {step.node} ({step.label}) has the arguments {', '.join(step.arguments) or 'none'}",
                remedy=f"the skill {step.skill} takes {', '.join(names) or 'none'}",
            )
        for parameter in contract.parameters:
            if parameter.kind == "place":
                site.area(step.arguments[parameter.name])
            elif parameter.kind == "object" and step.arguments[parameter.name] not in site.objects:
                raise UnknownNameError(
                    f"there is no object '{step.arguments[parameter.name]}' here",
                    remedy=f"known are {', '.join(sorted(site.objects)) or 'none'}",
                )
    for rule in tree.rules:
        site.robot(rule.robot)
        site.area(rule.place)


def _visits(tree: TaskTree, context: GroundingContext, object_places: Mapping[str, str]) -> Iterator[Visit]:
    """Where each step's robot must be, in the order of the text; an object is where the last step before brought it."""
    where = {name: thing.area for name, thing in context.site.objects.items()} | dict(object_places)
    for step in tree.steps():
        contract = context.skills[step.skill]
        arguments = dict(step.arguments)
        if _SOURCE in {parameter.name for parameter in contract.derived} and _CARRIED_OBJECT in arguments:
            arguments[_SOURCE] = where[arguments[_CARRIED_OBJECT]]
        places = tuple(arguments[name] for name in contract.visits if arguments.get(name))
        yield Visit(step, places)
        _move_objects(step, contract, where)


def _move_objects(step: Step, contract: SkillContract, where: dict[str, str]) -> None:
    for parameter in contract.parameters:
        for target in contract.parameters:
            effects = {effect.replace(" ", "") for effect in contract.effects}
            if parameter.kind == "object" and target.kind == "place" and at(parameter.name, target.name) in effects:
                where[step.arguments[parameter.name]] = step.arguments[target.name]


def _check_places(
    tree: TaskTree, context: GroundingContext, visits: tuple[Visit, ...], robot_places: Mapping[str, str]
) -> None:
    own = {(rule.robot, rule.place) for rule in tree.rules}
    for visit in visits:
        robot = visit.step.robot
        standing = context.site.forbidden_areas(robot)
        for place in visit.places:
            what = f"'{visit.step.label}' needs {robot} in the {place}"
            if place in standing:
                rule = standing[place]
                raise RuleForbidsError(
                    f"{what}, which the standing rule '{rule.name}' forbids: {rule.reason}",
                    remedy=f"choose another place, or a robot that the rule does not bind{_unbound(rule.robots, context)}",
                )
            if (robot, place) in own:
                raise RuleForbidsError(
                    f"{what}, which the goal itself forbids: {robot} never enters the {place}",
                    remedy="drop the step or the rule",
                )
    for robot in tree.robots():
        place = robot_places.get(robot, "")
        standing = context.site.forbidden_areas(robot)
        if place in standing or (robot, place) in own:
            by = f"the standing rule '{standing[place].name}'" if place in standing else "the goal itself"
            raise RuleForbidsError(
                f"{robot} is in the {place} now, which {by} forbids", remedy=f"bring {robot} out of the {place} first"
            )


def _unbound(bound: tuple[str, ...], context: GroundingContext) -> str:
    free = [robot for robot in context.site.robots if robot not in bound]
    return f" ({', '.join(free)})" if free else ""


def _check_rules_are_there(tree: TaskTree, specification: Specification, context: GroundingContext) -> None:
    present = {formula.formula for formula in specification.formulas}
    bans = {(robot, area): rule.name for robot in tree.robots() for area, rule in context.site.forbidden_areas(robot).items()}
    bans |= {(rule.robot, rule.place): "the goal's own rule" for rule in tree.rules}
    for (robot, area), name in bans.items():
        if ltl.globally(ltl.not_(ltl.atom(at(robot, area)))) not in present:
            raise SpecificationIncompleteError(
                f"'{name}' is not in the specification for {robot}",
                remedy="report this: it is a fault of Roost, not of the goal",
            )


def _check_notation(specification: Specification) -> None:
    """Journals and monitors get formulas as text: each must be read back as what it is."""
    for named in specification.formulas:
        text = str(named.formula)
        try:
            faithful = parse(text) == named.formula
        except FormulaSyntaxError:
            faithful = False
        if not faithful:
            raise UnfitNameError(
                f"'{text}' cannot be read back as a formula",
                remedy="use letters, digits, blanks, '_', '.' and '-' in the names of places and robots",
            )


def _check_satisfiable(tree: TaskTree, specification: Specification, visits: tuple[Visit, ...]) -> Trace:
    for formula in specification.formulas:
        if not is_satisfiable(formula.formula):
            raise ContradictionError(f"this can never hold: {formula.words}", remedy="drop it or say it otherwise")
    run = satisfying_run(tree, specification.formulas, visits)
    if run is not None:
        return run
    conflict = list(specification.formulas)
    for formula in specification.formulas:
        rest = [other for other in conflict if other is not formula]
        if satisfying_run(tree, rest, visits) is None:
            conflict = rest
    raise ContradictionError(_conflict_words(conflict), remedy="drop one of them")


def _conflict_words(conflict: list[NamedFormula]) -> str:
    if len(conflict) == 1:
        return f"with the steps of the goal this cannot hold: {conflict[0].words}"
    return f"these cannot hold together: {'; '.join(formula.words for formula in conflict)}"
