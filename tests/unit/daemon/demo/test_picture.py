"""The picture at the end: everything that a record holds is on it, and the same record gives the same picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from roost.robot import Pose
from roost.v1 import inference_pb2
from roost_daemon.demo.picture import (
    SHEET_SIZE_PX,
    Act,
    MarkKind,
    OutcomeMark,
    PictureRecord,
    Track,
    View,
    draw_story,
    mark_of_result,
)
from roost_daemon.demo.picture.canvas import ALARM, MARK_COLOURS, ROBOT_COLOURS, Canvas, Colour
from roost_daemon.site.model import Area, Passage, Point, Site
from roost_inference.ports import Detection, Region


def two_rooms() -> Site:
    west = Area("west", (Point(0, 0), Point(3, 0), Point(3, 3), Point(0, 3)), Pose(1.5, 1.5))
    east = Area("east", (Point(4, 0), Point(7, 0), Point(7, 3), Point(4, 3)), Pose(5.5, 1.5))
    passage = Passage("door", ("west", "east"), (Point(3, 1.5), Point(4, 1.5)), 1.0)
    return Site("rooms", {"west": west, "east": east}, {"door": passage})


BARE = PictureRecord("A run", "one goal", 20.0, two_rooms())


def count(picture: Image.Image, colour: Colour) -> int:
    """How many pixels have just that colour."""
    return int((np.asarray(picture) == colour).all(axis=2).sum())


def test_the_sheet_has_its_size_even_for_a_run_in_which_nothing_happened() -> None:
    picture = draw_story(BARE)

    assert (picture.size, picture.mode) == (SHEET_SIZE_PX, "RGB")


def test_the_same_record_gives_the_same_picture() -> None:
    record = replace(BARE, outcomes=(OutcomeMark("vest_detector", 3.0, MarkKind.EDGE),), captions=("it began",))

    assert draw_story(record).tobytes() == draw_story(record).tobytes()


@pytest.mark.parametrize("kind", MarkKind)
def test_every_kind_of_outcome_shows_in_its_colour(kind: MarkKind) -> None:
    without, with_it = draw_story(BARE), draw_story(replace(BARE, outcomes=(OutcomeMark("vest_detector", 3.0, kind),)))

    legend = count(without, MARK_COLOURS[kind])
    assert legend > 50
    assert count(with_it, MARK_COLOURS[kind]) > legend + 50


def test_a_bar_is_as_high_as_its_share_of_the_tallest() -> None:
    edge = [OutcomeMark("m", 2.1, MarkKind.EDGE)] * 3
    late = [OutcomeMark("m", 2.2, MarkKind.LATE)]
    legend = draw_story(BARE)

    picture = draw_story(replace(BARE, outcomes=(*edge, *late)))

    edge_pixels, late_pixels = (
        count(picture, MARK_COLOURS[kind]) - count(legend, MARK_COLOURS[kind]) for kind in (MarkKind.EDGE, MarkKind.LATE)
    )
    assert edge_pixels / late_pixels == pytest.approx(3.0, rel=0.1)


def test_an_outcome_after_the_end_stays_on_the_time_line() -> None:
    at_end = draw_story(replace(BARE, outcomes=(OutcomeMark("m", 19.9, MarkKind.DROPPED),)))
    after = draw_story(replace(BARE, outcomes=(OutcomeMark("m", 25.0, MarkKind.DROPPED),)))

    assert at_end.tobytes() == after.tobytes()


def test_acts_are_marked() -> None:
    calm = draw_story(replace(BARE, acts=(Act("calm", 0.0, 20.0),)))
    two = draw_story(replace(BARE, acts=(Act("calm", 0.0, 10.0), Act("overload", 10.0, 20.0))))

    assert len({draw_story(BARE).tobytes(), calm.tobytes(), two.tobytes()}) == 3


def test_tracks_show_in_the_robots_colours() -> None:
    ways = (Track("drone1", (Point(0.5, 0.5), Point(5.0, 1.5))), Track("robot2", (Point(6.0, 0.5), Point(6.0, 2.5))))

    picture = draw_story(replace(BARE, tracks=ways))

    assert all(count(picture, colour) > 200 for colour in ROBOT_COLOURS[:2])
    assert not any(count(draw_story(BARE), colour) for colour in ROBOT_COLOURS[:2])


def test_a_robot_that_never_moved_is_a_point_on_the_map() -> None:
    assert count(draw_story(replace(BARE, tracks=(Track("drone1", (Point(1.0, 1.0),)),))), ROBOT_COLOURS[0]) > 30


def test_a_closed_passage_and_a_forbidden_area_stand_out() -> None:
    assert count(draw_story(BARE), ALARM) == 0
    assert count(draw_story(replace(BARE, closed=frozenset({"door"}))), ALARM) > 200
    forbidden = draw_story(replace(BARE, forbidden={"east": "by the goal"}))
    assert np.abs(np.asarray(forbidden).astype(int) - np.asarray(draw_story(BARE))).sum() > 10_000


def test_the_frame_is_shown_with_what_was_found_in_it() -> None:
    green = np.full((240, 320, 3), (10, 200, 30), np.uint8)
    sign = Detection("text", 0.9, Region(100, 80, 200, 120), "DEPOT3")
    plain = draw_story(replace(BARE, view=View(green, (), "seen")))
    annotated = draw_story(replace(BARE, view=View(green, (sign,), "seen")))

    assert count(plain, (10, 200, 30)) > 150_000
    assert count(plain, (10, 200, 30)) - count(annotated, (10, 200, 30)) > 1_000


def test_captions_that_do_not_fit_are_counted_on_the_sheet() -> None:
    few = draw_story(replace(BARE, captions=tuple("something happened" for _ in range(30))))
    more = draw_story(replace(BARE, captions=tuple("something happened" for _ in range(31))))

    assert few.tobytes() != more.tobytes(), "the number of those left out differs"


def test_text_is_broken_at_spaces_only() -> None:
    lines = Canvas(300, 100).wrapped("drone1 drives to the dock by base, store and gate", 14, 120)

    assert len(lines) > 2
    assert " ".join(lines) == "drone1 drives to the dock by base, store and gate"


@pytest.mark.parametrize(
    ("outcome", "target", "stolen", "kind"),
    [
        (inference_pb2.OUTCOME_ON_TIME, "edge", False, MarkKind.EDGE),
        (inference_pb2.OUTCOME_ON_TIME, "edge", True, MarkKind.STOLEN),
        (inference_pb2.OUTCOME_ON_TIME, "cloud", False, MarkKind.CLOUD),
        (inference_pb2.OUTCOME_LATE, "edge", True, MarkKind.LATE),
        (inference_pb2.OUTCOME_LATE, "cloud", False, MarkKind.LATE),
        (inference_pb2.OUTCOME_DROPPED, "none", False, MarkKind.DROPPED),
        (inference_pb2.OUTCOME_DROPPED, "cloud", False, MarkKind.DROPPED),
    ],
)
def test_a_result_of_the_daemon_becomes_a_mark(
    outcome: inference_pb2.Outcome, target: str, stolen: bool, kind: MarkKind
) -> None:
    result = inference_pb2.InferenceResult(model="vest_detector", outcome=outcome, target=target, stolen=stolen)

    assert mark_of_result(result, 3.5) == OutcomeMark("vest_detector", 3.5, kind)
