"""The function's own decisions: what is run, what is refused, what is called a cold start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from roost.clock import Clocks, Deadline
from roost.errors import ConfigurationError, DeadlineExceededError
from roost_cloud.aws_lambda.function.inference import InferenceFunction
from roost_cloud.aws_lambda.payload import PayloadError, Request, encode_request
from roost_inference.ports import Inference, Region

MS = 1_000_000


@dataclass
class Time:
    """Clocks that a test turns."""

    monotonic_ns: int = 5_000 * MS
    utc_ns: int = 1_764_000_000_000 * MS

    def clocks(self, error_ns: int = 0) -> Clocks:
        return Clocks(lambda: self.monotonic_ns, lambda: self.utc_ns, error_ns)


@dataclass
class RecordingRunner:
    models: list[str] = field(default_factory=list)

    def run(self, model: str, image: NDArray[np.uint8], region: Region | None) -> Inference:
        assert region is None
        self.models.append(model)
        return Inference((), {"heat": (1, 2)}, 7)


@dataclass
class Call:
    """AWS Lambda's context."""

    left_ms: int = 3000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def event(time: Time, budget_ns: int, clock_error_ns: int = 0) -> Any:
    clocks = time.clocks(clock_error_ns)
    deadline = Deadline.after(clocks, budget_ns).to_wire(clocks)
    return json.loads(encode_request(Request("vest", np.zeros((2, 2, 3), np.uint8), deadline)))


def test_a_request_in_time_is_run_and_answered() -> None:
    time, runner = Time(), RecordingRunner()
    answer = InferenceFunction(runner, time.clocks())(event(time, 100 * MS), Call())
    assert runner.models == ["vest"]
    assert answer == {"version": 1, "detections": [], "outputs": {"heat": [1, 2]}, "compute_ns": 7, "cold": True}


def test_a_request_whose_deadline_passed_on_the_way_is_not_run() -> None:
    time, runner = Time(), RecordingRunner()
    late = event(time, 100 * MS)
    time.utc_ns += 130 * MS
    with pytest.raises(DeadlineExceededError) as refused:
        InferenceFunction(runner, time.clocks())(late, Call())
    assert str(refused.value) == "'vest' reached the function 30 ms after its deadline and was not run"
    assert runner.models == []


def test_a_wrong_wall_clock_does_not_void_a_deadline_that_its_error_bound_covers() -> None:
    time, runner = Time(), RecordingRunner()
    sent = event(time, 100 * MS, clock_error_ns=40 * MS)
    time.utc_ns += 130 * MS
    InferenceFunction(runner, time.clocks())(sent, Call())
    assert runner.models == ["vest"]


def test_a_call_without_time_left_at_aws_is_not_run() -> None:
    time, runner = Time(), RecordingRunner()
    with pytest.raises(DeadlineExceededError):
        InferenceFunction(runner, time.clocks())(event(time, 100 * MS), Call(left_ms=0))
    assert runner.models == []


def test_only_the_first_call_of_an_environment_is_cold() -> None:
    time = Time()
    function = InferenceFunction(RecordingRunner(), time.clocks())
    assert [function(event(time, 100 * MS), Call())["cold"] for _ in range(3)] == [True, False, False]


def test_no_call_of_a_pre_warmed_environment_is_cold() -> None:
    time = Time()
    function = InferenceFunction(RecordingRunner(), time.clocks(), pre_warmed=True)
    assert function(event(time, 100 * MS), Call())["cold"] is False


def test_nonsense_is_refused() -> None:
    with pytest.raises(PayloadError):
        InferenceFunction(RecordingRunner(), Time().clocks())({"version": 0}, Call())


def test_without_models_the_function_does_not_start() -> None:
    with pytest.raises(ConfigurationError) as refused:
        InferenceFunction.from_environment({})
    assert str(refused.value) == (
        "the function has no models: ROOST_MODELS is not set; set it to the directory of the model manifests"
    )
