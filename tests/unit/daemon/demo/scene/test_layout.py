"""The ground of the scene follows the map."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.robot import Pose
from roost_daemon.demo.scene.layout import ground_shapes, open_stretches
from roost_daemon.demo.scene.parts import Box, Slab
from roost_daemon.site.model import Area, Passage, Point, Site

START, END = Point(0.0, 0.0), Point(3.0, 0.0)


def two_rooms() -> Site:
    """Two rooms of 3 by 3 m, 1 m apart, with a passage 1 m wide between them."""
    west = Area("west", (Point(0, 0), Point(3, 0), Point(3, 3), Point(0, 3)), Pose(1.5, 1.5))
    east = Area("east", (Point(4, 0), Point(7, 0), Point(7, 3), Point(4, 3)), Pose(5.5, 1.5))
    passage = Passage("door", ("west", "east"), (Point(3, 1.5), Point(4, 1.5)), 1.0)
    return Site("rooms", {"west": west, "east": east}, {"door": passage})


def covers(box: Box, x_m: float, y_m: float) -> bool:
    """Whether the box stands on that spot."""
    cosine, sine = math.cos(box.pose.yaw_rad), math.sin(box.pose.yaw_rad)
    off_x, off_y = x_m - box.pose.x_m, y_m - box.pose.y_m
    ahead_m, left_m = off_x * cosine + off_y * sine, off_y * cosine - off_x * sine
    return abs(ahead_m) <= box.size_m[0] / 2 and abs(left_m) <= box.size_m[1] / 2


def test_an_edge_without_openings_is_one_wall() -> None:
    assert open_stretches(START, END, []) == [(0.0, 3.0)]


def test_an_opening_parts_the_edge_in_two() -> None:
    assert open_stretches(START, END, [(Point(1.0, 0.0), 0.5)]) == [(0.0, 0.75), (1.25, 3.0)]


def test_an_opening_at_the_corner_leaves_one_part() -> None:
    assert open_stretches(START, END, [(Point(0.2, 0.0), 1.0)]) == [(0.7, 3.0)]


def test_openings_that_overlap_leave_no_wall_between_them() -> None:
    assert open_stretches(START, END, [(Point(1.0, 0.0), 1.0), (Point(1.5, 0.0), 1.0)]) == [(0.0, 0.5), (2.0, 3.0)]


def test_an_opening_beside_the_edge_is_no_matter() -> None:
    assert open_stretches(START, END, [(Point(1.0, 0.3), 1.0), (Point(4.0, 0.0), 1.0)]) == [(0.0, 3.0)]


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 2)), max_size=4))
def test_walls_and_openings_together_make_the_edge(openings: list[tuple[float, float]]) -> None:
    stretches = open_stretches(START, END, [(Point(x_m, 0.0), width_m) for x_m, width_m in openings])

    for along_m in (0.01 * step for step in range(1, 300)):
        in_wall = any(low <= along_m <= high for low, high in stretches)
        in_opening = any(abs(along_m - x_m) < width_m / 2 - 1e-9 for x_m, width_m in openings)
        assert in_wall != in_opening or any(abs(abs(along_m - x_m) - width_m / 2) < 1e-6 for x_m, width_m in openings)


def test_every_area_has_a_floor_and_walls_that_are_open_at_the_passage() -> None:
    shapes = ground_shapes(two_rooms())

    assert [slab.corners_m[0] for slab in shapes if isinstance(slab, Slab)] == [(0.0, 0.0), (4.0, 0.0)]
    upright = [box for box in shapes if isinstance(box, Box) and box.size_m[2] > 0.1]
    on_wall, in_door, in_passage = (3.0, 0.5), (3.0, 1.5), (3.5, 1.5)
    assert any(covers(box, *on_wall) for box in upright)
    assert not any(covers(box, *in_door) for box in upright)
    assert not any(covers(box, *in_passage) for box in upright)


@pytest.mark.parametrize("side_m", [1.0, 2.0])
def test_a_passage_has_rails_on_both_sides(side_m: float) -> None:
    upright = [box for box in ground_shapes(two_rooms()) if isinstance(box, Box) and box.size_m[2] > 0.1]

    assert any(covers(box, 3.5, side_m) for box in upright)
