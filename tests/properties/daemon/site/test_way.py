"""Ways over random maps: never forbidden, never closed, never shorter than straight, never longer than any other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon

from roost.robot import Pose
from roost_daemon.site.geometry import covered, enters, part_within, passage_polygon
from roost_daemon.site.model import Area, Passage, Point, Site
from roost_daemon.site.way import NoWayError, approach, shortest_way

ROOM_M, GAP_M = 4.0, 2.0


def room(column: int, row: int) -> Area:
    left, bottom = column * (ROOM_M + GAP_M), row * (ROOM_M + GAP_M)
    right, top = left + ROOM_M, bottom + ROOM_M
    corners = (Point(left, bottom), Point(right, bottom), Point(right, top), Point(left, top))
    return Area(f"room{column}{row}", corners, Pose(left + 1.0, bottom + 1.0))


@st.composite
def maps(draw: st.DrawFn) -> Site:
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    areas = {(column, row): room(column, row) for column in range(columns) for row in range(rows)}
    passages = {}
    for (column, row), area in areas.items():
        offset = draw(st.integers(1, 3))
        corner = area.polygon[0]
        east, north = areas.get((column + 1, row)), areas.get((column, row + 1))
        if east is not None and draw(st.booleans()):
            y_m = corner.y_m + offset
            ends = (Point(corner.x_m + ROOM_M, y_m), Point(corner.x_m + ROOM_M + GAP_M, y_m))
            passages[f"{area.name}_east"] = Passage(f"{area.name}_east", (area.name, east.name), ends, 1.0)
        if north is not None and draw(st.booleans()):
            x_m = corner.x_m + offset
            ends = (Point(x_m, corner.y_m + ROOM_M), Point(x_m, corner.y_m + ROOM_M + GAP_M))
            passages[f"{area.name}_north"] = Passage(f"{area.name}_north", (area.name, north.name), ends, 1.0)
    return Site("random", {area.name: area for area in areas.values()}, passages)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Site, Point, Point, list[str], list[str]]:
    site = draw(maps())
    names = sorted(site.areas)
    start, goal = (stand(site.areas[draw(st.sampled_from(names))]) for _ in range(2))
    forbidden = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    closed = draw(st.lists(st.sampled_from(sorted(site.passages)), max_size=3, unique=True)) if site.passages else []
    return site, start, goal, forbidden, closed


def stand(area: Area) -> Point:
    return Point(area.stand.x_m, area.stand.y_m)


def all_lengths_m(site: Site, start: Point, goal: Point, forbidden: list[str], closed: list[str]) -> Iterator[float]:
    """The length of every way that uses no passage twice, by trying them all."""

    def onwards(at: Point, area: str, used: frozenset[str], length_m: float) -> Iterator[float]:
        if area in forbidden:
            return
        if site.areas[area].contains(goal):
            yield length_m + at.distance_m(goal)
        for name, passage in site.passages.items():
            if area in passage.areas and name not in used and name not in closed:
                far = passage.areas[1 - passage.areas.index(area)]
                enter, leave = approach(site, passage, area), approach(site, passage, far)
                further_m = length_m + at.distance_m(enter) + enter.distance_m(leave)
                yield from onwards(leave, far, used | {name}, further_m)

    yield from onwards(start, site.area_of(start), frozenset(), 0.0)


@given(questions())
def test_a_way_obeys_and_is_the_best_of_all(question: tuple[Site, Point, Point, list[str], list[str]]) -> None:
    site, start, goal, forbidden, closed = question
    others = list(all_lengths_m(*question))
    try:
        way = shortest_way(site, start, goal, forbidden=forbidden, closed=closed)
    except NoWayError as error:
        assert not others
        assert set(error.forbidden) <= set(forbidden)
        assert set(error.closed) <= set(closed)
        return
    assert abs(way.length_m - min(others)) < 1e-6
    assert way.length_m >= start.distance_m(goal) - 1e-9
    assert (way.points[0], way.points[-1]) == (start, goal)
    assert not set(way.passages) & set(closed)
    ground = [area.polygon for area in site.areas.values()] + [passage_polygon(passage) for passage in site.passages.values()]
    for begin, end in pairwise(way.points):
        assert covered(ground, begin, end)
        assert not any(enters(site.areas[name].polygon, begin, end) for name in forbidden)


whole = st.integers(-6, 6).map(float)
points = st.builds(Point, whole, whole)
rectangles = st.tuples(whole, whole, st.integers(1, 5), st.integers(1, 5)).map(
    lambda box: (
        Point(box[0], box[1]),
        Point(box[0] + box[2], box[1]),
        Point(box[0] + box[2], box[1] + box[3]),
        Point(box[0], box[1] + box[3]),
    )
)
triangles = st.tuples(points, points, points).filter(lambda corners: cross(*corners) > 0)


def cross(first: Point, second: Point, third: Point) -> float:
    return (second.x_m - first.x_m) * (third.y_m - first.y_m) - (second.y_m - first.y_m) * (third.x_m - first.x_m)


def enters_exactly(polygon: tuple[Point, ...], start: Point, end: Point) -> bool:
    """The same question in exact fractions: somewhere along the line all edges have it strictly on their left."""
    low, high, open_low, open_high = Fraction(0), Fraction(1), False, False
    for corner, following in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = Fraction(cross(corner, following, start)), Fraction(cross(corner, following, end))
        if a == b:
            if a <= 0:
                return False
            continue
        share = a / (a - b)
        if a < b and share >= low:
            low, open_low = share, True
        if a > b and share <= high:
            high, open_high = share, True
    return low < high or (low == high and not open_low and not open_high)


@given(st.one_of(rectangles, triangles), points, points)
def test_entering_is_judged_exactly(polygon: tuple[Point, ...], start: Point, end: Point) -> None:
    assert enters(polygon, start, end) == enters_exactly(polygon, start, end)


@given(st.one_of(rectangles, triangles), points, points)
def test_the_part_within_agrees_with_an_independent_library(polygon: tuple[Point, ...], start: Point, end: Point) -> None:
    ground = Polygon([(corner.x_m, corner.y_m) for corner in polygon])
    line = LineString([(start.x_m, start.y_m), (end.x_m, end.y_m)])
    part = part_within(polygon, start, end)
    within_m = 0.0 if part is None else (part[1] - part[0]) * start.distance_m(end)
    assert abs(within_m - line.intersection(ground).length) < 1e-6


@given(st.lists(rectangles, min_size=1, max_size=4), points, points)
def test_covered_means_nothing_sticks_out(grounds: list[tuple[Point, ...]], start: Point, end: Point) -> None:
    line = LineString([(start.x_m, start.y_m), (end.x_m, end.y_m)])
    for ground in grounds:
        line = line.difference(Polygon([(corner.x_m, corner.y_m) for corner in ground]))
    if start != end:
        assert covered(grounds, start, end) == (line.length < 1e-6)
