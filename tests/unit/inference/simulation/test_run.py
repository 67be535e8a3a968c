"""The simulator."""

from __future__ import annotations

import pytest

from roost_inference.scheduling.dems import Dems
from roost_inference.simulation.environment import Draws, Environment, boxes_of, draw
from roost_inference.simulation.load import Act, LoadPlan, StreamRate
from roost_inference.simulation.run import SimulationResult, simulate
from roost_inference.task import ModelProfile, Outcome, Place

MS = 1_000_000
PROFILES = {
    "text": ModelProfile("text", 100, 1, 26, 20 * MS, 100 * MS, 300 * MS),
    "reader": ModelProfile("reader", 100, 1, 26, 20 * MS, 100 * MS, 300 * MS),
}
EXACT = Environment(
    edge_ratio=1.0, edge_spread=0.0, stall_probability=0.0, cloud_sigma=0.0, cloud_scale=1.0, busy_probability=0.0
)


def run(rate: StreamRate, seconds: float = 2.0, seed: int = 1, environment: Environment = EXACT) -> SimulationResult:
    plan = LoadPlan((Act("only", seconds, (rate,), 0.0),))
    return simulate(Dems(PROFILES, 2), PROFILES, plan, environment, seed)


def test_a_load_that_the_edge_can_do_is_done_there_in_the_expected_time() -> None:
    result = run(StreamRate("camera", "text", 10))
    assert 19 <= len(result.outcomes) <= 21
    for outcome in result.outcomes:
        assert (outcome.outcome, outcome.place) == (Outcome.ON_TIME, Place.EDGE)
        assert outcome.finish_ns - outcome.start_ns == 20 * MS
    assert result.edge_busy_ns == 20 * MS * len(result.outcomes)
    assert result.cloud_calls == 0


def test_tiles_arrive_together_and_each_is_a_task() -> None:
    result = run(StreamRate("camera", "text", 2, tiles=3))
    releases = sorted(outcome.task.release_ns for outcome in result.outcomes)
    assert len(releases) == 12
    assert releases[0] == releases[2] < releases[3]


def test_what_the_edge_cannot_do_goes_to_the_cloud_and_takes_the_expected_time_there() -> None:
    result = run(StreamRate("camera", "text", 60))
    in_cloud = [outcome for outcome in result.outcomes if outcome.place is Place.CLOUD]
    assert in_cloud
    assert {outcome.finish_ns - outcome.start_ns for outcome in in_cloud} == {100 * MS}
    assert result.cloud_calls == len(in_cloud)


def test_a_chained_task_shares_release_and_deadline_of_the_one_that_found_it() -> None:
    result = run(StreamRate("camera", "text", 5, then="reader", boxes=2.0))
    found = {o.task.release_ns: o.task.deadline_ns for o in result.outcomes if o.task.model == "text"}
    read = [outcome.task for outcome in result.outcomes if outcome.task.model == "reader"]
    assert len(read) == 2 * len(found)
    assert all(found[task.release_ns] == task.deadline_ns for task in read)


def test_a_refused_call_falls_back_or_is_counted() -> None:
    result = run(StreamRate("camera", "text", 60, tiles=2), environment=Environment(busy_probability=1.0))
    counts = result.counts["text"]
    assert counts.on_time_cloud == 0
    assert counts.dropped["cloud_busy"] > 0


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    rate = StreamRate("camera", "text", 60)
    assert run(rate, environment=Environment()).outcomes == run(rate, environment=Environment()).outcomes
    assert run(rate, environment=Environment()).outcomes != run(rate, seed=2, environment=Environment()).outcomes


def test_draws_belong_to_seed_stream_and_number() -> None:
    long, short = draw(Environment(), 7, 0, 100), draw(Environment(), 7, 0, 10)
    for name in Draws.__slots__:
        assert getattr(long, name)[:10] == getattr(short, name)
    assert draw(Environment(), 7, 1, 10).cloud != short.cloud


def test_the_expected_cloud_time_is_the_95th_percentile() -> None:
    cloud = sorted(draw(Environment(), 3, 0, 20_000).cloud)
    assert cloud[19_000] == pytest.approx(1.0, rel=0.03)


def test_the_number_of_boxes_has_the_expectation_asked_for() -> None:
    assert [boxes_of(uniform, 1.5) for uniform in (0.0, 0.49, 0.5, 0.99)] == [2, 2, 1, 1]
    assert boxes_of(0.0, 9.0) == 4
