"""The mission as a state machine: what is told, what it decides, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import roost_daemon.demo
from roost.contract import SkillContract
from roost_daemon.brain.tree import Group, KeepOut, Step, TaskTree
from roost_daemon.logic.monitor import monitor_for
from roost_daemon.missions.events import Happening, Kind, MissionEvent, plan_to_data, tree_to_data
from roost_daemon.missions.mission import MOST_REPAIRS, Mission, MissionState, StepState, replay
from roost_daemon.missions.planner import Planner
from roost_daemon.missions.view import view
from roost_daemon.planning.plan import World
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point
from roost_skills.registry import standard_skills

CONTRACTS = standard_skills().contracts
SITE = load_site(Path(roost_daemon.demo.__file__).parent / "site.yaml")
PLANNER = Planner(SITE, CONTRACTS)
WORLD = World({name: Point(robot.home.x_m, robot.home.y_m) for name, robot in SITE.robots.items()}, {"crate": "store"})
TREE = TaskTree(
    "goal",
    Group(
        "1",
        "side by side",
        "parallel",
        (
            Group(
                "1.1",
                "in order",
                "sequence",
                (
                    Step("1.1.1", "inspect the depot", "inspect", "drone1", {"place": "depot"}),
                    Step("1.1.2", "inspect the dock", "inspect", "drone1", {"place": "dock"}),
                ),
            ),
            Step("1.2", "bring the crate to the gate", "carry", "robot2", {"object": "crate", "place": "gate"}),
        ),
    ),
    (KeepOut("drone1", "yard"),),
)
RULES = [
    {"words": "first the depot, then the dock", "formula": "(!done(1.1.2) U (done(1.1.1) & !done(1.1.2))) & F done(1.1.2)"},
    {"words": "the crate comes to the gate", "formula": "F done(1.2)"},
    {"words": "drone1 never enters the yard", "formula": "G !at(drone1,yard)"},
]
PROBLEM = {"reason": "COMMAND_FAILED", "message": "the way is blocked", "remedy": ""}


class Drama:
    """A mission, and all events that it has had."""

    def __init__(self, contracts: dict[str, SkillContract] | None = None) -> None:
        self.mission = Mission("m", contracts or dict(CONTRACTS), monitor_for)
        self.events: list[MissionEvent] = []
        self.tell(Kind.SUBMITTED, goal="goal")
        plan = PLANNER.plan(TREE, WORLD)
        self.tell(
            Kind.PLANNED,
            tree=tree_to_data(TREE),
            rules=RULES,
            explanation=["words"],
            plan=plan_to_data(plan),
            areas={"drone1": "base", "robot2": "store"},
        )

    def tell(self, kind: Kind, node: str = "", **data: Any) -> list[tuple[Kind, str]]:
        """Tell it something; returns what it decided upon that."""
        new = self.mission.advance(Happening(kind, f"{kind.value} happens", node, data), 1_000)
        self.events += new
        return [(event.kind, event.node) for event in new[1:]]

    def repair(self, node: str) -> list[tuple[Kind, str]]:
        return self.tell(Kind.REPAIRED, node, plan=plan_to_data(PLANNER.repair(self.mission, node, WORLD)))

    def verdicts(self) -> list[str]:
        return [rule.verdict for rule in self.mission.rules]


def test_every_branch_begins_at_once_and_each_rule_has_a_first_verdict() -> None:
    drama = Drama()
    assert [event.kind.value for event in drama.events] == [
        *("submitted", "planned", "verdict", "verdict", "verdict", "step_started", "step_started")
    ]
    assert [step.node for step in drama.mission.in_state(StepState.RUNNING)] == ["1.1.1", "1.2"]
    assert drama.verdicts() == ["currently_violated", "currently_violated", "currently_satisfied"]


def test_a_step_begins_when_those_before_it_are_done_and_the_end_is_the_last_decision() -> None:
    drama = Drama()
    assert drama.tell(Kind.STEP_DONE, "1.1.1", result={"sign": "DEPOT3"}) == [(Kind.STEP_STARTED, "1.1.2")]
    assert drama.tell(Kind.STEP_DONE, "1.2") == [(Kind.VERDICT, "")]
    assert drama.tell(Kind.STEP_DONE, "1.1.2") == [(Kind.VERDICT, ""), (Kind.SUCCEEDED, "")]
    assert drama.mission.state is MissionState.SUCCEEDED
    assert drama.verdicts() == ["satisfied", "satisfied", "currently_satisfied"]
    assert drama.mission.advance(Happening(Kind.CANCEL_REQUESTED, "late"), 2_000)[1:] == []


def test_a_robot_in_a_forbidden_place_breaks_the_mission_once_nothing_runs() -> None:
    drama = Drama()
    assert drama.tell(Kind.MOVED, robot="drone1", area="yard") == [(Kind.VERDICT, "")]
    assert drama.mission.stopping is Kind.FAILED
    assert drama.tell(Kind.STEP_CANCELLED, "1.1.1") == []
    assert drama.tell(Kind.STEP_CANCELLED, "1.2") == [(Kind.FAILED, "")]
    assert str(drama.mission.problem) == "a rule was broken: drone1 never enters the yard"


def test_a_failed_step_waits_for_its_repair_while_others_go_on() -> None:
    drama = Drama()
    drama.tell(Kind.STEP_DONE, "1.1.1")
    assert drama.tell(Kind.STEP_FAILED, "1.1.2", problem=PROBLEM, failed_passage="lane_west") == []
    assert view(drama.mission).tree.children[0].state is StepState.REPAIRING  # type: ignore[union-attr]  # it has a tree
    drama.tell(Kind.STEP_DONE, "1.2")
    assert drama.repair("1.1.2") == [(Kind.STEP_STARTED, "1.1.2")]
    assert (drama.mission.repairs, drama.mission.closed) == (1, {"lane_west"})
    assert drama.tell(Kind.STEP_DONE, "1.1.2")[-1] == (Kind.SUCCEEDED, "")


def test_a_step_that_must_not_be_repeated_is_given_up_and_the_other_branch_goes_on() -> None:
    drama = Drama({**CONTRACTS, "carry": replace(CONTRACTS["carry"], repeatable=False)})
    assert drama.tell(Kind.STEP_FAILED, "1.2", problem=PROBLEM) == [(Kind.GIVEN_UP, "1.2")]
    assert drama.tell(Kind.STEP_DONE, "1.1.1") == [(Kind.STEP_STARTED, "1.1.2")]
    assert drama.tell(Kind.STEP_DONE, "1.1.2")[-1] == (Kind.FAILED, "")
    assert str(drama.mission.problem) == (
        "robot2: bring the crate to the gate: the way is blocked (carry must not be repeated)"
    )


def test_what_a_rule_forbids_is_not_tried_again() -> None:
    drama = Drama()
    forbidden = {"reason": "KEEP_OUT", "message": "robot2 may not enter dock", "remedy": ""}
    assert drama.tell(Kind.STEP_FAILED, "1.2", problem=forbidden) == [(Kind.GIVEN_UP, "1.2")]
    problem = drama.mission.steps["1.2"].problem
    assert problem is not None
    assert problem.message.endswith("robot2 may not enter dock (trying again cannot help)")


def test_what_waits_for_a_step_that_is_given_up_never_begins() -> None:
    drama = Drama({**CONTRACTS, "inspect": replace(CONTRACTS["inspect"], repeatable=False)})
    drama.tell(Kind.STEP_FAILED, "1.1.1", problem=PROBLEM)
    assert drama.mission.abandoned == {"1.1.1", "1.1.2"}
    assert drama.tell(Kind.STEP_DONE, "1.2")[-1] == (Kind.FAILED, "")
    assert drama.mission.steps["1.1.2"].state is StepState.WAITING


def test_repairs_are_bounded() -> None:
    drama = Drama()
    for _ in range(MOST_REPAIRS):
        assert drama.tell(Kind.STEP_FAILED, "1.2", problem=PROBLEM) == []
        assert drama.repair("1.2") == [(Kind.STEP_STARTED, "1.2")]
    assert drama.tell(Kind.STEP_FAILED, "1.2", problem=PROBLEM) == [(Kind.GIVEN_UP, "1.2")]
    problem = drama.mission.steps["1.2"].problem
    assert problem is not None
    assert problem.message.endswith("the way is blocked (the mission was repaired 5 times already)")


@pytest.mark.parametrize(
    ("kind", "end", "reason"),
    [(Kind.CANCEL_REQUESTED, Kind.CANCELLED, "CANCELLED"), (Kind.DEADLINE_PASSED, Kind.FAILED, "DEADLINE_EXCEEDED")],
)
def test_a_mission_that_is_stopped_ends_when_its_last_skill_has(kind: Kind, end: Kind, reason: str) -> None:
    drama = Drama()
    assert drama.tell(kind) == []
    assert drama.tell(Kind.STEP_CANCELLED, "1.1.1") == []
    assert drama.tell(Kind.STEP_CANCELLED, "1.2") == [(end, "")]
    assert drama.mission.problem is not None
    assert drama.mission.problem.reason == reason


def test_a_robot_that_another_mission_moves_is_waited_for() -> None:
    mission = Mission("m", CONTRACTS, monitor_for)
    told = Drama().events[:2]
    mission.apply(told[0])
    planned = Happening(Kind.PLANNED, "planned", data=told[1].data)
    decided = mission.advance(planned, 1_000, busy={"robot2"})
    assert [event.node for event in decided if event.kind is Kind.STEP_STARTED] == ["1.1.1"]
    assert [event.node for event in mission.advance(None, 2_000)] == ["1.2"]


def test_the_same_events_make_the_same_mission() -> None:
    drama = Drama()
    drama.tell(Kind.STEP_FAILED, "1.2", problem=PROBLEM)
    drama.repair("1.2")
    drama.tell(Kind.MOVED, robot="drone1", area="")
    assert replay("m", drama.events) == drama.mission
