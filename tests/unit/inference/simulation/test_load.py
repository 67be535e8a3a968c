"""The plan of the three acts."""

from __future__ import annotations

import pytest

from roost.errors import ConfigurationError
from roost_inference.simulation.load import LoadPlan, StreamRate, StreamWish, edge_load, plan_load
from roost_inference.task import ModelProfile

MS = 1_000_000


def profile(name: str, edge_ms: float) -> ModelProfile:
    return ModelProfile(name, 100, 1, 26, round(edge_ms * MS), 100 * MS, 300 * MS)


PROFILES = {"text": profile("text", 20), "reader": profile("reader", 20), "face": profile("face", 10)}
WISHES = (
    StreamWish("drone", "text", calm_hz=5, overload_hz=5, then="reader", boxes=0.5),
    StreamWish("clip", "face", calm_hz=10, overload_hz=30, elastic_share=1.0),
)
CAMERAS = {"drone": 10.0, "clip": 30.0}


def plan(profiles: dict[str, ModelProfile] = PROFILES, wishes: tuple[StreamWish, ...] = WISHES) -> LoadPlan:
    return plan_load(profiles, wishes, CAMERAS, (10, 20, 15), calm_load=0.5, overload=2.0)


def test_there_are_three_acts_of_the_given_lengths_with_the_same_streams() -> None:
    acts = plan().acts
    assert [(act.name, act.seconds) for act in acts] == [("calm", 10), ("overload", 20), ("calm", 15)]
    assert plan().seconds == 45
    assert {tuple((stream.camera, stream.model) for stream in act.streams) for act in acts} == {
        (("drone", "text"), ("clip", "face"))
    }


def test_calm_rates_are_as_wished_where_the_edge_can_do_them() -> None:
    calm = plan().acts[0]
    assert [stream.runs_hz for stream in calm.streams] == [5, 10]
    assert calm.edge_load == pytest.approx(5 * (0.020 + 0.5 * 0.020) + 10 * 0.010)


def test_on_a_slow_machine_all_calm_rates_are_lower_by_one_factor() -> None:
    slow = {name: profile(name, 4 * known.edge_time_ns / MS) for name, known in PROFILES.items()}
    calm = plan(slow).acts[0]
    assert calm.edge_load == pytest.approx(0.5)
    assert [stream.runs_hz for stream in calm.streams] == pytest.approx([2.5, 5])


def test_in_overload_the_elastic_stream_makes_up_for_what_is_missing_by_cutting_frames_into_tiles() -> None:
    overload = plan().acts[1]
    text, face = overload.streams
    assert overload.edge_load == pytest.approx(2.0)
    assert (text.runs_hz, text.tiles) == (5, 1)
    assert face.tiles == 7
    assert face.frames_hz <= 30
    assert face.runs_hz == pytest.approx((2.0 - 0.15) / 0.010)


def test_on_a_machine_far_too_fast_the_plan_says_how_far_it_came() -> None:
    fast = {name: profile(name, known.edge_time_ns / MS / 20) for name, known in PROFILES.items()}
    overload = plan(fast).acts[1]
    assert overload.streams[1] == StreamRate("clip", "face", 30.0, 16)
    assert overload.edge_load < 1


def test_a_stream_that_is_not_elastic_never_asks_for_more_than_its_camera_brings() -> None:
    wishes = (StreamWish("drone", "text", calm_hz=50, overload_hz=50), WISHES[1])
    assert [act.streams[0].tiles for act in plan(wishes=wishes).acts] == [1, 1, 1]
    assert plan(wishes=wishes).acts[1].streams[0].frames_hz == 10


def test_a_chained_model_counts_for_each_detection_that_is_expected() -> None:
    assert edge_load(PROFILES, [StreamRate("drone", "text", 10, 1, "reader", 1.5)]) == pytest.approx(10 * 0.050)


def test_an_unknown_model_or_camera_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"the load names the model 'vest'; known: face, reader, text"):
        plan(wishes=(StreamWish("clip", "vest", 1, 1),))
    with pytest.raises(ConfigurationError, match=r"the load names the camera 'door'; known: clip, drone"):
        plan(wishes=(StreamWish("door", "face", 1, 1),))
