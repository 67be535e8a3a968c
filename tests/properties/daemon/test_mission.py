"""Whatever is told to a mission: its journal makes the same mission again, its order holds, and it ends once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import roost_daemon.demo
from roost_daemon.brain.tree import Group, KeepOut, Step, TaskTree
from roost_daemon.logic.monitor import monitor_for
from roost_daemon.missions.events import ENDINGS, Happening, Kind, MissionEvent, plan_to_data, tree_to_data
from roost_daemon.missions.mission import Mission, StepState, replay
from roost_daemon.missions.planner import Planner
from roost_daemon.planning.plan import ImpossibleError, World
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point
from roost_skills.registry import standard_skills

CONTRACTS = {name: replace(contract, repeatable=name != "navigate") for name, contract in standard_skills().contracts.items()}
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
                    Step("1.1.2", "go to the base", "navigate", "drone1", {"place": "base"}),
                    Step("1.1.3", "inspect the dock", "inspect", "drone1", {"place": "dock"}),
                ),
            ),
            Step("1.2", "bring the crate to the gate", "carry", "robot2", {"object": "crate", "place": "gate"}),
        ),
    ),
    (KeepOut("drone1", "yard"),),
)
PLANNED = {
    "tree": tree_to_data(TREE),
    "rules": [
        {"words": "the crate comes to the gate", "formula": "F done(1.2)"},
        {"words": "drone1 never enters the yard", "formula": "G !at(drone1,yard)"},
    ],
    "explanation": [],
    "plan": plan_to_data(PLANNER.plan(TREE, WORLD)),
    "areas": {"drone1": "base", "robot2": "store"},
}
PROBLEM = {"reason": "COMMAND_FAILED", "message": "it did not work", "remedy": ""}


def tell(mission: Mission, kind: Kind, node: str = "", **data: Any) -> list[MissionEvent]:
    return mission.advance(Happening(kind, kind.value, node, data), 1_000)


def something(mission: Mission, data: st.DataObject) -> list[MissionEvent]:
    """Tell the mission one of the things that could happen now."""
    running = [step.node for step in mission.in_state(StepState.RUNNING)]
    repairing = [step.node for step in mission.in_state(StepState.REPAIRING)]
    choices = [
        "moved",
        "cancel",
        "deadline",
        *(["done", "failed", "cancelled"] * bool(running)),
        *(["repair"] * bool(repairing)),
    ]
    choice = data.draw(st.sampled_from(choices))
    if choice == "moved":
        robot, area = data.draw(st.sampled_from(sorted(SITE.robots))), data.draw(st.sampled_from(["", *sorted(SITE.areas)]))
        return tell(mission, Kind.MOVED, robot=robot, area=area)
    if choice in ("cancel", "deadline"):
        # Rare, or no mission would get far.
        if data.draw(st.integers(0, 9)):
            return mission.advance(None, 1_000)
        return tell(mission, Kind.CANCEL_REQUESTED if choice == "cancel" else Kind.DEADLINE_PASSED)
    if choice == "repair":
        node = data.draw(st.sampled_from(repairing))
        try:
            plan = PLANNER.repair(mission, node, WORLD)
        except ImpossibleError as error:
            return mission.advance(mission.give_up(node, error.message), 1_000)
        return tell(mission, Kind.REPAIRED, node, plan=plan_to_data(plan))
    node = data.draw(st.sampled_from(running))
    if choice == "done":
        return tell(mission, Kind.STEP_DONE, node, result={"seen": 1})
    if choice == "cancelled" and mission.stopping is not None:
        return tell(mission, Kind.STEP_CANCELLED, node)
    passage = data.draw(st.sampled_from(["", *sorted(SITE.passages)]))
    return tell(mission, Kind.STEP_FAILED, node, problem=PROBLEM, failed_passage=passage)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mission_and_its_replay_are_one(data: st.DataObject) -> None:
    mission = Mission("m", CONTRACTS, monitor_for)
    events = [*tell(mission, Kind.SUBMITTED, goal="goal"), *tell(mission, Kind.PLANNED, **PLANNED)]
    for _ in range(data.draw(st.integers(0, 25))):
        if mission.has_ended:
            break
        events += something(mission, data)
    journaled = [replace(event, data=json.loads(json.dumps(dict(event.data)))) for event in events]
    assert replay("m", journaled) == mission
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert sum(event.kind in ENDINGS for event in events) == int(mission.has_ended)
    done: set[str] = set()
    for event in events:
        if event.kind is Kind.STEP_STARTED:
            assert {"1.1.2": {"1.1.1"}, "1.1.3": {"1.1.1", "1.1.2"}}.get(event.node, set()) <= done
        elif event.kind is Kind.STEP_DONE:
            done.add(event.node)
    if mission.state.value == "succeeded":
        assert done == {"1.1.1", "1.1.2", "1.1.3", "1.2"}
