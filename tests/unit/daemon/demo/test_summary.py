"""The summary says that the story happened exactly if all of it did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roost_daemon.demo.summary import (
    MissionSummary,
    ModelSummary,
    MonitorSummary,
    Summary,
    missing_from_the_story,
)

MODEL = ModelSummary("vest", 10, 4, 3, 1, {"no_time": 2}, 1, 12.5, 20.0, 40.0)
WHOLE = Summary(
    models=(MODEL, replace(MODEL, name="text"), replace(MODEL, name="face")),
    missions=(MissionSummary("inspect", "succeeded", True), MissionSummary("go", "refused", False, "the dock is forbidden")),
    monitors=(MonitorSummary("never enter the yard", "satisfied"),),
    facts_replicated=3,
    compared=5,
)


def test_the_whole_story() -> None:
    assert list(missing_from_the_story(WHOLE)) == []
    assert WHOLE.to_json()["ok"] is True


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"models": WHOLE.models[:2]}, "only 2 models ran, not three or more"),
        ({"models": (replace(MODEL, late=0), *WHOLE.models)}, "the counts of vest do not add up"),
        (
            {"models": tuple(replace(m, on_time_cloud=0, generated=7) for m in WHOLE.models)},
            "no inference was on time in the cloud",
        ),
        ({"models": tuple(replace(m, stolen=0) for m in WHOLE.models)}, "no inference was stolen back by the edge"),
        ({"compared": 0}, "no frame was compared between edge and cloud"),
        ({"shared_core_share": 0.8}, "all processes but the engine used 80% of the second core, more than 70%"),
        ({"disagreed": 1}, "edge and cloud disagreed on 1 of 5 compared frames"),
        ({"facts_replicated": 0}, "no fact reached the second daemon"),
        (
            {"monitors": (MonitorSummary("never enter the yard", "violated"),)},
            "the rule 'never enter the yard' was violated",
        ),
        (
            {"missions": (replace(WHOLE.missions[0], outcome="failed"), WHOLE.missions[1])},
            "the missions ended failed, refused; the story wants one succeeded and one refused",
        ),
    ],
)
def test_what_is_missing_is_said(change: dict[str, Any], complaint: str) -> None:
    assert complaint in list(missing_from_the_story(replace(WHOLE, **change)))
