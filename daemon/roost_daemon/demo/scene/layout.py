"""From the site's map to floors, low walls and rails. Pure.

Every edge of an area becomes a low wall that is open where a passage begins; every passage gets a floor and a rail on both
sides. The walls are lower than the camera flies, so that the whole site lies open to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from roost.robot import Pose
from roost_daemon.demo.scene.parts import Box, Colour, Shape, Slab
from roost_daemon.site.model import Area, Passage, Point, Site

WALL_HEIGHT_M = 0.45
WALL_THICKNESS_M = 0.08
RAIL_HEIGHT_M = 0.3
FLOOR_TOP_M = 0.02
ON_EDGE_TOLERANCE_M = 0.05

_WALL: Colour = (0.80, 0.81, 0.83)
_RAIL: Colour = (0.58, 0.61, 0.65)
_PASSAGE: Colour = (0.50, 0.52, 0.54)
_FLOORS: tuple[Colour, ...] = (
    (0.46, 0.52, 0.58),
    (0.56, 0.55, 0.50),
    (0.40, 0.40, 0.42),
    (0.52, 0.47, 0.40),
    (0.44, 0.46, 0.47),
    (0.50, 0.55, 0.50),
    (0.48, 0.50, 0.56),
)


def ground_shapes(site: Site) -> tuple[Shape, ...]:
    """Floors, walls and rails of the whole site."""
    shapes: list[Shape] = []
    for number, area in enumerate(site.areas.values()):
        corners = tuple((corner.x_m, corner.y_m) for corner in area.polygon)
        shapes.append(Slab(corners, FLOOR_TOP_M, _FLOORS[number % len(_FLOORS)]))
        shapes.extend(_walls(area, site))
    for passage in site.passages.values():
        shapes.extend(_passage_shapes(passage))
    return tuple(shapes)


def open_stretches(start: Point, end: Point, openings: Sequence[tuple[Point, float]]) -> list[tuple[float, float]]:
    """What is left of the edge from start to end once the openings (centre, width) on it are taken out.

    Returns stretches (from, to) in metres along the edge, in order. An opening that does not lie on the edge is no matter.
    """
    length_m = start.distance_m(end)
    along_x, along_y = (end.x_m - start.x_m) / length_m, (end.y_m - start.y_m) / length_m
    gaps = []
    for centre, width_m in openings:
        offset_x, offset_y = centre.x_m - start.x_m, centre.y_m - start.y_m
        along_m = offset_x * along_x + offset_y * along_y
        away_m = abs(offset_x * along_y - offset_y * along_x)
        if away_m <= ON_EDGE_TOLERANCE_M and 0.0 <= along_m <= length_m:
            gaps.append((max(0.0, along_m - width_m / 2), min(length_m, along_m + width_m / 2)))
    stretches, reached_m = [], 0.0
    for gap_from_m, gap_to_m in sorted(gaps):
        if gap_from_m > reached_m:
            stretches.append((reached_m, gap_from_m))
        reached_m = max(reached_m, gap_to_m)
    if reached_m < length_m:
        stretches.append((reached_m, length_m))
    return stretches


def _walls(area: Area, site: Site) -> Iterator[Shape]:
    openings = [
        (end, passage.width_m)
        for passage in site.passages.values()
        for end, name in zip(passage.ends, passage.areas, strict=True)
        if name == area.name
    ]
    corners = area.polygon
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        heading = math.atan2(end.y_m - start.y_m, end.x_m - start.x_m)
        for from_m, to_m in open_stretches(start, end, openings):
            middle_m = (from_m + to_m) / 2
            yield Box(
                Pose(
                    start.x_m + middle_m * math.cos(heading),
                    start.y_m + middle_m * math.sin(heading),
                    heading,
                    WALL_HEIGHT_M / 2,
                ),
                (to_m - from_m + WALL_THICKNESS_M, WALL_THICKNESS_M, WALL_HEIGHT_M),
                _WALL,
            )


def _passage_shapes(passage: Passage) -> Iterator[Shape]:
    start, end = passage.ends
    heading = math.atan2(end.y_m - start.y_m, end.x_m - start.x_m)
    middle_x, middle_y = (start.x_m + end.x_m) / 2, (start.y_m + end.y_m) / 2
    yield Box(Pose(middle_x, middle_y, heading, FLOOR_TOP_M / 2), (passage.length_m, passage.width_m, FLOOR_TOP_M), _PASSAGE)
    for side in (-0.5, 0.5):
        off_x, off_y = -math.sin(heading) * passage.width_m * side, math.cos(heading) * passage.width_m * side
        yield Box(
            Pose(middle_x + off_x, middle_y + off_y, heading, RAIL_HEIGHT_M / 2),
            (passage.length_m, WALL_THICKNESS_M, RAIL_HEIGHT_M),
            _RAIL,
        )
