"""How many runs of a stream each frame gets."""

from __future__ import annotations

import random

import pytest

from roost_inference.streams import Pace, Stream

SECOND = 1_000_000_000


def runs(pace: Pace, camera_hz: float, frames: int, jitter: float = 0.0) -> list[int]:
    chance = random.Random(7)
    instants = [(number + jitter * chance.uniform(-0.5, 0.5)) / camera_hz for number in range(frames)]
    return [pace.runs_due(round(instant * SECOND)) for instant in instants]


def test_a_rate_equal_to_the_cameras_uses_every_frame_once_in_spite_of_jitter() -> None:
    assert runs(Pace(Stream("clip", "face", 30)), 30, 300, jitter=0.45) == [1] * 300


def test_a_lower_rate_uses_frames_evenly() -> None:
    due = runs(Pace(Stream("clip", "face", 5)), 10, 100)
    assert all(sum(due[number : number + 2]) == 1 for number in range(1, 99, 2))


@pytest.mark.parametrize("rate_hz", [0.5, 3, 7, 12, 29])
def test_the_rate_is_kept_on_average(rate_hz: float) -> None:
    assert sum(runs(Pace(Stream("clip", "face", rate_hz)), 30, 3000, jitter=0.5)) == pytest.approx(
        100 * rate_hz, rel=0.01, abs=2
    )


def test_a_higher_rate_cuts_frames_as_far_as_the_stream_allows() -> None:
    assert sum(runs(Pace(Stream("clip", "face", 142, max_tiles=16)), 30, 300)) == pytest.approx(1420, abs=20)
    assert runs(Pace(Stream("clip", "face", 142, max_tiles=3)), 30, 30) == [1] + [3] * 29
    assert runs(Pace(Stream("clip", "face", 142)), 30, 30) == [1] * 30


def test_after_a_silence_nothing_is_caught_up_with() -> None:
    pace = Pace(Stream("clip", "face", 10))
    assert [pace.runs_due(round(second * SECOND)) for second in (0, 0.1, 9.0, 9.1, 9.2)] == [1, 1, 1, 1, 1]


def test_a_paused_stream_runs_nothing_and_starts_with_the_next_frame() -> None:
    pace = Pace(Stream("clip", "face", 0))
    assert runs(pace, 10, 10) == [0] * 10
    pace.set_rate(10)
    assert pace.runs_due(2 * SECOND) == 1
