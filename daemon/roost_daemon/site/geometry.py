"""Straight lines and convex polygons: which part of a line lies in a polygon, without sampling.

A line from a to b is cut by each edge's half-plane in turn (Cyrus and Beck, "Generalized two- and three-dimensional
clipping", Computers and Graphics 3, 1978). Whoever judges a way uses this; whoever finds one does not need it to be right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from roost_daemon.site.model import Passage, Point

Polygon = Sequence[Point]

# Two parts of a line that meet at a shared edge may be computed this far apart, as shares of the line.
_SEAM = 1e-9


def enters(polygon: Polygon, start: Point, end: Point) -> bool:
    """Whether the line touches the inside of a convex counter-clockwise polygon; its edge alone does not count."""
    low, high = 0.0, 1.0
    for at_start, at_end in _signed_distances(polygon, start, end):
        if at_start <= 0.0 and at_end <= 0.0:
            return False
        if at_start <= 0.0:
            low = max(low, at_start / (at_start - at_end))
        elif at_end <= 0.0:
            high = min(high, at_start / (at_start - at_end))
    return low < high


def part_within(polygon: Polygon, start: Point, end: Point) -> tuple[float, float] | None:
    """The part of the line in the polygon, its edge included, as shares from 0 (start) to 1 (end); None for none."""
    low, high = 0.0, 1.0
    for at_start, at_end in _signed_distances(polygon, start, end):
        if at_start < 0.0 and at_end < 0.0:
            return None
        if at_start < 0.0:
            low = max(low, at_start / (at_start - at_end))
        elif at_end < 0.0:
            high = min(high, at_start / (at_start - at_end))
    return (low, high) if low <= high else None


def covered(polygons: Iterable[Polygon], start: Point, end: Point) -> bool:
    """Whether every point of the line lies in one of the polygons."""
    reached = 0.0
    parts = (part_within(polygon, start, end) for polygon in polygons)
    for low, high in sorted(part for part in parts if part is not None):
        if low > reached + _SEAM:
            return False
        reached = max(reached, high)
        if reached >= 1.0 - _SEAM:
            return True
    return False


def passage_polygon(passage: Passage) -> tuple[Point, ...]:
    """The ground of a passage: its length by its width, counter-clockwise."""
    start, end = passage.ends
    length_m = passage.length_m
    if length_m == 0.0:
        return (start, start, start)
    side_x = -(end.y_m - start.y_m) / length_m * passage.width_m / 2
    side_y = (end.x_m - start.x_m) / length_m * passage.width_m / 2
    return (
        Point(start.x_m - side_x, start.y_m - side_y),
        Point(end.x_m - side_x, end.y_m - side_y),
        Point(end.x_m + side_x, end.y_m + side_y),
        Point(start.x_m + side_x, start.y_m + side_y),
    )


def along(start: Point, end: Point, distance_m: float) -> Point:
    """The point that far from start towards end."""
    share = distance_m / max(start.distance_m(end), math.ulp(1.0))
    return Point(start.x_m + (end.x_m - start.x_m) * share, start.y_m + (end.y_m - start.y_m) * share)


def length_m(points: Sequence[Point]) -> float:
    """The length of a line through the points."""
    return sum(start.distance_m(end) for start, end in pairwise(points))


def _signed_distances(polygon: Polygon, start: Point, end: Point) -> Iterable[tuple[float, float]]:
    """For each edge, on which side start and end lie: positive inside. Scaled by the edge's length."""
    previous = polygon[-1]
    for corner in polygon:
        edge_x, edge_y = corner.x_m - previous.x_m, corner.y_m - previous.y_m
        yield (
            edge_x * (start.y_m - previous.y_m) - edge_y * (start.x_m - previous.x_m),
            edge_x * (end.y_m - previous.y_m) - edge_y * (end.x_m - previous.x_m),
        )
        previous = corner
