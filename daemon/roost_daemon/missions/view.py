"""A mission as others see it: plain data that mirrors `roost.v1.Mission`."""

from __future__ import annotations

from dataclasses import dataclass

from roost_daemon.brain.tree import Group, Node
from roost_daemon.missions.events import MissionEvent, Problem
from roost_daemon.missions.mission import Mission, MissionState, StepState


@dataclass(frozen=True, slots=True)
class TaskNodeView:
    """A node of the task tree. order: `sequence` or `parallel`, empty for a leaf; skill: empty for an inner node."""

    node: str
    label: str
    order: str
    skill: str
    robot: str
    state: StepState
    children: tuple[TaskNodeView, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule in words and as a formula, and its verdict, empty before the mission runs."""

    words: str
    formula: str
    verdict: str


@dataclass(frozen=True, slots=True)
class MissionView:
    """A mission as it stands. tree: None for a goal that was not understood."""

    mission_id: str
    goal: str
    state: MissionState
    tree: TaskNodeView | None
    rules: tuple[RuleView, ...]
    explanation: tuple[str, ...]
    repairs: int
    problem: Problem | None
    submitted_utc_ns: int


@dataclass(frozen=True, slots=True)
class MissionUpdate:
    """One event, and the mission as it stood after it."""

    event: MissionEvent
    mission: MissionView


def view(mission: Mission, *, started: bool = True) -> MissionView:
    """A mission as others see it, now. started: False for a preview, of which nothing runs."""
    return MissionView(
        mission_id=mission.mission_id,
        goal=mission.goal,
        state=mission.state if started or mission.has_ended else MissionState.SUBMITTED,
        tree=None if mission.tree is None else _node(mission, mission.tree.root),
        rules=tuple(RuleView(rule.words, rule.formula, rule.verdict) for rule in mission.rules),
        explanation=mission.explanation,
        repairs=mission.repairs,
        problem=mission.problem,
        submitted_utc_ns=mission.submitted_utc_ns,
    )


def _node(mission: Mission, node: Node) -> TaskNodeView:
    if isinstance(node, Group):
        children = tuple(_node(mission, child) for child in node.children)
        return TaskNodeView(node.node, node.label, node.order, "", "", _group_state(children), children)
    status, planned = mission.steps.get(node.node), mission.planned.get(node.node)
    return TaskNodeView(
        node=node.node,
        label=node.label,
        order="",
        skill=node.skill,
        robot=planned.robot if planned else node.robot,
        state=status.state if status else StepState.WAITING,
        children=(),
        message=status.message if status else "",
    )


def _group_state(children: tuple[TaskNodeView, ...]) -> StepState:
    """Done with all its children; else as the child that matters most; running from its first step to its last."""
    states = {child.state for child in children}
    for state in (StepState.FAILED, StepState.REPAIRING, StepState.RUNNING):
        if state in states:
            return state
    if states == {StepState.DONE}:
        return StepState.DONE
    return StepState.RUNNING if StepState.DONE in states else StepState.WAITING
