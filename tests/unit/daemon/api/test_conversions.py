"""What the API's services make of the rooms' data: nothing is lost, and every state has its word on the wire."""

from __future__ import annotations

import pytest
from google.protobuf import json_format

from roost.v1 import inference_pb2, mission_pb2
from roost_daemon.api.inference import report_to_proto, statistics_to_proto
from roost_daemon.api.memory import fact_to_proto
from roost_daemon.api.missions import mission_to_proto
from roost_daemon.memory.fact import Fact, Stamp
from roost_daemon.missions.events import Problem
from roost_daemon.missions.mission import MissionState, StepState
from roost_daemon.missions.view import MissionView, RuleView, TaskNodeView
from roost_inference.ports import Detection, Region
from roost_inference.results import InferenceReport
from roost_inference.scheduling.ledger import ModelCounts
from roost_inference.statistics import CameraStatistics, Statistics, TargetStatistics
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Outcome, Place, TaskOutcome

TASK = InferenceTask(7, "faces", 1_000, 2_000)


def outcome(kind: Outcome, place: Place, reason: DropReason | None = None) -> TaskOutcome:
    return TaskOutcome(TASK, kind, place, 1_200, 1_500, reason, stolen=False, migrated=False, utility=3.0)


def report(end: TaskOutcome, *found: Detection) -> InferenceReport:
    return InferenceReport(end, "eye", 12, 5_000_000_007, None, 2_500_000, found, {"heat": (1, 3)})


def test_a_result_crosses_whole() -> None:
    face = Detection("face", 0.75, Region(1, 2, 30, 40), "")
    result = report_to_proto(report(outcome(Outcome.ON_TIME, Place.CLOUD), face))
    assert (result.task_id, result.model, result.camera, result.frame_id) == (7, "faces", "eye", 12)
    assert (result.outcome, result.target, result.drop_reason) == (inference_pb2.OUTCOME_ON_TIME, "cloud", "")
    assert result.latency.ToNanoseconds() == 2_500_000
    assert result.frame_time.ToNanoseconds() == 5_000_000_007
    (found,) = result.detections
    assert (found.label, found.score) == ("face", 0.75)
    assert (found.region.left, found.region.top, found.region.right, found.region.bottom) == (1, 2, 30, 40)
    assert json_format.MessageToDict(result.outputs) == {"heat": [1, 3]}


@pytest.mark.parametrize("kind", Outcome)
def test_every_outcome_has_its_word(kind: Outcome) -> None:
    reason = DropReason.NO_TIME if kind is Outcome.DROPPED else None
    result = report_to_proto(report(outcome(kind, Place.EDGE, reason)))
    assert inference_pb2.Outcome.Name(result.outcome) == f"OUTCOME_{kind.name}"
    assert result.drop_reason == (reason.value if reason else "")


def test_statistics_cross_whole() -> None:
    counts = ModelCounts("faces", 10, 3, 2, 1, {"no_time": 2, "cloud_busy": 1}, 1, 2, 1, 99.5, 12.0, 30.0)
    message = statistics_to_proto(
        Statistics(
            models={"faces": counts},
            profiles={"faces": ModelProfile("faces", 100, 1, 26, 4_500_000, 120_000_000, 500_000_000)},
            targets={Place.EDGE: TargetStatistics(Place.EDGE, False, "the engine worker died", 0.5, 1)},
            cameras={"eye": CameraStatistics("eye", 40, 3, 9.5, True, "")},
            compared=5,
            disagreed=1,
            trace_lost=0,
        )
    )
    (model,) = message.models
    ended = model.on_time_edge + model.on_time_cloud + model.late + sum(model.dropped.values())
    assert model.generated == ended + model.in_flight
    assert dict(model.dropped) == {"no_time": 2, "cloud_busy": 1}
    assert (model.stolen, model.migrated, model.utility, model.p50_ms, model.p95_ms) == (1, 2, 99.5, 12.0, 30.0)
    assert (model.edge_time_ms, model.cloud_time_ms) == (4.5, 120.0)
    (target,) = message.targets
    assert (target.name, target.healthy, target.message, target.utilisation) == ("edge", False, "the engine worker died", 0.5)
    (camera,) = message.cameras
    assert (camera.name, camera.frames, camera.replaced, camera.frames_per_second, camera.healthy) == (
        "eye",
        40,
        3,
        9.5,
        True,
    )
    assert (message.compared, message.disagreed) == (5, 1)


@pytest.mark.parametrize("value", [{"x_m": 1.5, "places": ["depot", None]}, "DEPOT3", True, 4.0, None])
def test_a_fact_may_have_any_json_value(value: object) -> None:
    message = fact_to_proto(Fact("seen/depot/sign", value, "drone1", 1_000, Stamp(1, 0, "hangar"), 9_000, 0.5, "map"))  # type: ignore[arg-type]  # JSON
    assert json_format.MessageToDict(message.value) == value
    assert (message.key, message.source, message.confidence, message.frame) == ("seen/depot/sign", "drone1", 0.5, "map")
    assert (message.time.ToNanoseconds(), message.expires.ToNanoseconds()) == (1_000, 9_000)


def test_a_fact_for_ever_has_no_expiry() -> None:
    assert not fact_to_proto(Fact("a", 1, "drone1", 1_000, Stamp(1, 0, "hangar"))).HasField("expires")


def mission(state: MissionState, tree: TaskNodeView | None = None, problem: Problem | None = None) -> MissionView:
    rule = RuleView("never in the yard", "G !at(drone1,yard)", "satisfied")
    return MissionView("mission-1", "inspect the depot", state, tree, (rule,), ("first", "second"), 1, problem, 4_000)


@pytest.mark.parametrize("state", MissionState)
def test_every_state_of_a_mission_has_its_word(state: MissionState) -> None:
    message = mission_to_proto(mission(state))
    assert mission_pb2.MissionState.Name(message.state) == f"MISSION_STATE_{state.name}"


@pytest.mark.parametrize("state", StepState)
def test_every_state_of_a_step_has_its_word(state: StepState) -> None:
    leaf = TaskNodeView("1.1", "inspect the depot", "", "inspect", "drone1", state, ())
    root = TaskNodeView("1", "in order", "sequence", "", "", StepState.RUNNING, (leaf,))
    message = mission_to_proto(mission(MissionState.RUNNING, root))
    assert (message.tree.id, message.tree.order) == ("1", "sequence")
    (child,) = message.tree.children
    assert mission_pb2.StepState.Name(child.state) == f"STEP_STATE_{state.name}"
    assert (child.id, child.label, child.skill, child.robot) == ("1.1", "inspect the depot", "inspect", "drone1")


def test_a_mission_crosses_with_its_rules_and_its_problem() -> None:
    message = mission_to_proto(mission(MissionState.REFUSED, problem=Problem("KEEP_OUT", "no", "choose another place")))
    assert (message.id, message.goal, message.repairs) == ("mission-1", "inspect the depot", 1)
    assert list(message.explanation) == ["first", "second"]
    (rule,) = message.rules
    assert (rule.rule, rule.formula, rule.verdict) == ("never in the yard", "G !at(drone1,yard)", "satisfied")
    assert (message.problem.reason, message.problem.message, message.problem.remedy) == (
        "KEEP_OUT",
        "no",
        "choose another place",
    )
    assert not message.HasField("tree")
    assert not mission_to_proto(mission(MissionState.RUNNING)).HasField("problem")
