"""From the names of a goal to the robots, places, objects and skills that the site has.

What differs only in case, blanks, hyphens or underscores is the same name. Nothing else is guessed: an unknown name is
refused with the nearest known one, a robot that was left out is chosen only where one alone can.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from roost.contract import Parameter, SkillContract
from roost.errors import RefusedError, UnknownNameError
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.brain.sentence import plain
from roost_daemon.brain.tree import Group, KeepOut, Node, Step, TaskTree
from roost_daemon.brain.words import step_label
from roost_daemon.site.model import Point, RobotDescription

HOME = "home"
"""A place name that every robot has: the area where its home lies, where the site has no area of that name."""


class RobotLacksSkillError(RefusedError):
    """The robot that was named, or every robot, lacks the skill that the step needs."""

    reason = "ROBOT_LACKS_SKILL"


class RobotUnclearError(RefusedError):
    """No robot was named and several could do it."""

    reason = "ROBOT_UNCLEAR"


class WrongArgumentsError(RefusedError):
    """A step lacks an argument that its skill needs, or has one that the skill does not take."""

    reason = "WRONG_ARGUMENTS"


def ground(tree: TaskTree, context: GroundingContext) -> TaskTree:
    """The tree in the site's own names, with a robot for every step and every rule.

    Raises `roost.errors.UnknownNameError`, `RobotLacksSkillError`, `RobotUnclearError` and `WrongArgumentsError`.
    """
    notes = list(tree.notes)
    root = _node(tree.root, context, notes)
    grounded = replace(tree, root=root)
    rules: dict[KeepOut, None] = {}
    for rule in tree.rules:
        robots = (find("robot", rule.robot, context.site.robots),) if rule.robot else grounded.robots()
        place = find("place", rule.place, context.site.areas)
        rules |= {KeepOut(robot, place): None for robot in robots}
    return replace(grounded, rules=tuple(rules), notes=tuple(notes))


def find(kind: str, name: str, known: Iterable[str]) -> str:
    """The known name that is meant. kind: what it names, for the message.

    Raises `roost.errors.UnknownNameError` with the nearest known name.
    """
    by_plain = {plain(each): each for each in known}
    if plain(name) in by_plain:
        return by_plain[plain(name)]
    near = difflib.get_close_matches(plain(name), by_plain, n=1)
    suggestion = f"did you mean '{by_plain[near[0]]}'? " if near else ""
    names = ", ".join(sorted(by_plain.values())) or "none"
    raise UnknownNameError(f"there is no {kind} '{name}' here", remedy=f"{suggestion}known are {names}")


def _node(node: Node, context: GroundingContext, notes: list[str]) -> Node:
    if isinstance(node, Group):
        return replace(node, children=tuple(_node(child, context, notes) for child in node.children))
    contract = context.skills[find("skill", node.skill, context.skills)]
    robot = _robot(node, contract, context, notes)
    arguments = _arguments(node, contract, context, robot)
    label = step_label(contract.name, arguments)
    return replace(node, skill=contract.name, robot=robot.name, arguments=arguments, label=label)


def _robot(step: Step, contract: SkillContract, context: GroundingContext, notes: list[str]) -> RobotDescription:
    robots = context.site.robots
    able = [robot for robot in robots.values() if contract.name in robot.skills]
    names = " and ".join(robot.name for robot in able)
    if step.robot:
        robot = robots[find("robot", step.robot, robots)]
        if robot not in able:
            raise RobotLacksSkillError(
                f"{robot.name} cannot {contract.name}: its skills are {', '.join(robot.skills) or 'none'}",
                remedy=f"ask {names}" if able else f"give a robot the skill '{contract.name}'",
            )
        return robot
    if not able:
        raise RobotLacksSkillError(
            f"no robot here can {contract.name}, which '{step.label}' needs",
            remedy=f"give a robot the skill '{contract.name}'",
        )
    if len(able) > 1:
        raise RobotUnclearError(
            f"'{step.label}' does not say which robot: {names} can {contract.name}",
            remedy=f"name one, as in '{able[0].name}, {step.label}'",
        )
    notes.append(f"{able[0].name} was chosen to {step.label}: no other robot can {contract.name}")
    return able[0]


def _arguments(step: Step, contract: SkillContract, context: GroundingContext, robot: RobotDescription) -> Mapping[str, str]:
    needed = {parameter.name for parameter in contract.parameters}
    for name in step.arguments:
        if name not in needed:
            raise WrongArgumentsError(
                f"'{step.label}' gives '{name}', which the skill {contract.name} does not take",
                remedy=f"it takes {', '.join(sorted(needed)) or 'nothing'}",
            )
    arguments = {}
    for parameter in contract.parameters:
        if not step.arguments.get(parameter.name, ""):
            raise WrongArgumentsError(
                f"'{step.label}' lacks '{parameter.name}', which the skill {contract.name} needs",
                remedy=f"say it: {parameter.description}",
            )
        arguments[parameter.name] = _argument(step.arguments[parameter.name], parameter, step, context, robot)
    return arguments


def _argument(value: str, parameter: Parameter, step: Step, context: GroundingContext, robot: RobotDescription) -> str:
    site = context.site
    match parameter.kind:
        case "place":
            home_area = site.area_of(Point(robot.home.x_m, robot.home.y_m))
            if plain(value) == HOME and HOME not in site.areas and home_area:
                return home_area
            return find("place", value, site.areas)
        case "object":
            return find("object", value, site.objects)
        case "number":
            try:
                float(value)
            except ValueError:
                raise WrongArgumentsError(
                    f"'{step.label}' gives '{value}' as '{parameter.name}', which is no number", remedy="give a number"
                ) from None
    return value
