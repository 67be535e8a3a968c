"""The story asks as any client would: here of daemons that only answer what the test gives them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from roost.clock import Clocks
from roost.errors import UnavailableError
from roost.v1 import inference_pb2, mission_pb2, system_pb2
from roost_daemon.demo import story
from roost_daemon.demo.state import StoryState
from roost_daemon.demo.story import FORBIDDEN_GOAL, GOAL, Story
from roost_inference.simulation.load import Act, LoadPlan, StreamRate

pytestmark = pytest.mark.anyio

ACT_S = 0.1


def update(kind: str, message: str, state: mission_pb2.MissionState) -> mission_pb2.WatchMissionResponse:
    event = mission_pb2.MissionEvent(kind=kind, message=message)
    return mission_pb2.WatchMissionResponse(event=event, mission=mission_pb2.Mission(goal=GOAL, state=state, repairs=1))


def read(text: str, score: float) -> inference_pb2.WatchResultsResponse:
    found = inference_pb2.Detection(text=text, score=score)
    return inference_pb2.WatchResultsResponse(
        result=inference_pb2.InferenceResult(camera="drone1", frame_id=7, detections=[found]), lost=3
    )


@dataclass
class AnsweringDaemon:
    """What the story asks of a daemon's client."""

    results_given: tuple[inference_pb2.WatchResultsResponse, ...] = ()
    facts: int = 0
    answers: bool = True
    keeps_frames: bool = True
    rates: list[tuple[str, str, float]] = field(default_factory=list)

    async def submit(self, goal: str, *, idempotency_key: str) -> mission_pb2.Mission:
        if goal == FORBIDDEN_GOAL:
            problem = mission_pb2.Mission(problem={"message": "the dock has no railing"}).problem
            return mission_pb2.Mission(goal=goal, state=mission_pb2.MISSION_STATE_REFUSED, problem=problem)
        return mission_pb2.Mission(id="m", goal=goal, state=mission_pb2.MISSION_STATE_RUNNING, explanation=["in plain words"])

    async def watch(self, mission_id: str) -> AsyncIterator[mission_pb2.WatchMissionResponse]:
        assert mission_id == "m"
        yield update("submitted", "goal received", mission_pb2.MISSION_STATE_RUNNING)
        yield update("planned", "the plan takes about 17 s", mission_pb2.MISSION_STATE_RUNNING)
        yield update("step_started", "drone1 begins", mission_pb2.MISSION_STATE_RUNNING)
        yield update("repaired", "the plan was repaired", mission_pb2.MISSION_STATE_RUNNING)
        yield update("succeeded", "every step is done", mission_pb2.MISSION_STATE_SUCCEEDED)

    async def results(self) -> AsyncIterator[inference_pb2.WatchResultsResponse]:
        for result in self.results_given:
            yield result
        await anyio.sleep_forever()

    async def frame(self, camera: str, frame_id: int) -> inference_pb2.GetFrameResponse:
        if not self.keeps_frames:
            raise UnavailableError("the frame is no longer kept")
        return inference_pb2.GetFrameResponse(frame_id=frame_id, width=1, height=1, rgb=b"rgb")

    async def stats(self) -> inference_pb2.GetStatsResponse:
        return inference_pb2.GetStatsResponse(models=[inference_pb2.ModelStats(name="vest_detector")])

    async def status(self) -> system_pb2.GetStatusResponse:
        if not self.answers:
            raise UnavailableError("the office does not answer")
        return system_pb2.GetStatusResponse(robots=[system_pb2.RobotStatus(name="drone1")], facts_replicated=self.facts)

    async def set_stream_rate(self, camera: str, model: str, rate_hz: float) -> None:
        self.rates.append((camera, model, rate_hz))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "_GOAL_AFTER_S", 0.0)
    monkeypatch.setattr(story, "_FORBIDDEN_GOAL_AFTER_S", 0.0)


async def played(hangar: Any, office: Any) -> tuple[Story, StoryState, list[str]]:
    acts = tuple(
        Act(name, ACT_S, (StreamRate("clip", "face_detector", rate),), load)
        for name, rate, load in (("calm", 5.0, 0.3), ("overload", 50.0, 2.0), ("calm", 5.0, 0.3))
    )
    told: list[str] = []
    state = StoryState(3 * ACT_S)
    one = Story(hangar, office, LoadPlan(acts), state, told.append, Clocks())
    await one.run()
    return one, state, told


async def test_three_acts_each_with_its_caption_and_its_rates() -> None:
    hangar = AnsweringDaemon()
    one, _, told = await played(hangar, AnsweringDaemon())

    acts = [line for line in told if line.startswith("act ")]
    assert acts == [
        "act 1: calm: the edge keeps up on its own (asking for 30% of the edge)",
        "act 2: overload begins: the edge alone cannot keep up (asking for 200% of the edge)",
        "act 3: calm again: the queues drain, the edge keeps up (asking for 30% of the edge)",
    ]
    assert hangar.rates == [("clip", "face_detector", rate) for rate in (5.0, 50.0, 5.0)]
    assert [name for _, name in one.record.acts] == ["calm", "overload", "calm"]


async def test_each_event_is_one_line_and_nothing_is_said_twice() -> None:
    one, state, told = await played(AnsweringDaemon(), AnsweringDaemon())

    # The two goals are pursued side by side: which is told first is open.
    assert sorted(line for line in told if not line.startswith("act ")) == sorted(
        [
            f"goal: {GOAL}",
            f"goal: {FORBIDDEN_GOAL}",
            "  in plain words",
            "step started: drone1 begins",
            "repaired: the plan was repaired",
            "succeeded: every step is done",
            "refused: the dock has no railing",
        ]
    )
    assert one.record.missions[GOAL].state == mission_pb2.MISSION_STATE_SUCCEEDED
    assert one.record.missions[FORBIDDEN_GOAL].state == mission_pb2.MISSION_STATE_REFUSED
    assert state.mission is not None and state.mission.goal == GOAL


async def test_frames_in_which_something_was_read_well_are_kept_now_and_then() -> None:
    hangar = AnsweringDaemon(results_given=(read("DEPOT3", 0.5), read("DEPOT3", 0.95), read("DOCK7", 0.99)))
    one, _, _ = await played(hangar, AnsweringDaemon())

    assert [(frame.camera, frame.frame_id, frame.rgb) for frame in one.record.frames] == [("drone1", 7, b"rgb")]
    assert len(one.record.outcomes) == 3
    assert one.record.results_lost == 3


async def test_a_frame_that_is_no_longer_kept_is_left_out() -> None:
    hangar = AnsweringDaemon(results_given=(read("DEPOT3", 0.95),), keeps_frames=False)
    one, _, _ = await played(hangar, AnsweringDaemon())

    assert one.record.frames == []


async def test_the_present_moment_is_that_of_the_daemons() -> None:
    one, state, _ = await played(AnsweringDaemon(), AnsweringDaemon(facts=12))

    assert [model.name for model in state.models] == ["vest_detector"]
    assert state.facts_replicated == 12
    assert state.elapsed_s >= 3 * ACT_S
    assert one.record.tracks["drone1"][0] == (0.0, 0.0)


async def test_a_second_daemon_that_is_silent_is_told_and_the_story_goes_on() -> None:
    one, _, told = await played(AnsweringDaemon(), AnsweringDaemon(answers=False))

    assert "the second daemon does not answer: the office does not answer" in told
    assert len(one.record.acts) == 3
