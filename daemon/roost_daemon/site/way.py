"""The shortest way between two points of the map that keeps out of forbidden areas and closed passages.

A way is straight within an area and leads through the middle of a passage; it enters and leaves a passage from a point half
the passage's width inside the area, so that it keeps clear of the walls beside the door. Dijkstra's algorithm over these
points finds it (Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1, 1959).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count, pairwise

from roost.errors import RoostError
from roost_daemon.site.geometry import along, enters, length_m, part_within, passage_polygon
from roost_daemon.site.model import Area, Passage, Point, Site

_FAR_M = 1e6


@dataclass(frozen=True, slots=True)
class Way:
    """Straight from point to point, through these passages in this order."""

    points: tuple[Point, ...]
    passages: tuple[str, ...]

    @property
    def length_m(self) -> float:
        """From the first point to the last."""
        return length_m(self.points)


class OffMapError(RoostError):
    """A point lies in no area and no passage."""

    reason = "OFF_MAP"


class NoWayError(RoostError):
    """No way leads there. forbidden, closed: each area and passage without which there would be one."""

    reason = "NO_WAY"

    def __init__(self, start: str, goal: str, *, forbidden: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> None:
        causes = [f"{area} is forbidden" for area in forbidden] + [f"{passage} is closed" for passage in closed]
        super().__init__(
            f"there is no way from {start} to {goal}: {', '.join(causes) or 'the map joins them by no passage'}",
            remedy="lift one of these, or name another place" if causes else "add a passage to the site",
        )
        self.forbidden = forbidden
        self.closed = closed


def shortest_way(
    site: Site, start: Point, goal: Point, *, forbidden: Collection[str] = (), closed: Collection[str] = ()
) -> Way:
    """The shortest way from start to goal that enters no forbidden area and uses no closed passage.

    Whoever stands in a closed passage may leave it by its nearer end. Raises `OffMapError` and `NoWayError`.
    """
    for point in (start, goal):
        if not site.area_of(point) and not any(_stands_in(passage, point) for passage in site.passages.values()):
            raise OffMapError(
                f"({point.x_m:.2f}, {point.y_m:.2f}) is off the map of {site.name}", remedy="name a point on it"
            )
    search = _Search(site, start, goal, frozenset(forbidden), frozenset(closed))
    way = search.run()
    if way is None:
        cut = search.cut()
        raise NoWayError(
            place_name(site, start),
            place_name(site, goal),
            forbidden=tuple(name for name in cut if name in site.areas),
            closed=tuple(name for name in cut if name in site.passages),
        )
    return way


def approach(site: Site, passage: Passage, area: str) -> Point:
    """Where a way enters a passage from an area: half the passage's width inside it, or midway if it is narrow."""
    side = passage.areas.index(area)
    end, other = passage.ends[side], passage.ends[1 - side]
    ahead = along(other, end, passage.length_m + _FAR_M)
    part = part_within(site.areas[area].polygon, end, ahead)
    chord_m = 0.0 if part is None else part[1] * end.distance_m(ahead)
    return along(end, ahead, min(passage.width_m, chord_m) / 2)


def place_name(site: Site, point: Point) -> str:
    """Where a point is, in words: its area, its passage, or its coordinates."""
    passages = (passage.name for passage in site.passages.values() if _stands_in(passage, point))
    return site.area_of(point) or next(passages, f"({point.x_m:.2f}, {point.y_m:.2f})")


def _stands_in(passage: Passage, point: Point) -> bool:
    return part_within(passage_polygon(passage), point, point) is not None


@dataclass(frozen=True, slots=True)
class _Edge:
    points: tuple[Point, ...]
    passage: str = ""


class _Search:
    """One run of Dijkstra's algorithm. It remembers which bans turned it back."""

    def __init__(self, site: Site, start: Point, goal: Point, forbidden: frozenset[str], closed: frozenset[str]) -> None:
        self._site, self._start, self._goal = site, start, goal
        self._forbidden, self._closed = forbidden, closed
        self._banned: set[str] = set()

    def run(self) -> Way | None:
        if not self._allowed(_Edge((self._start, self._start))):
            return None
        order = count()  # equal distances must not compare ways
        queue: list[tuple[float, int, Point, Way]] = [(0.0, next(order), self._start, Way((self._start,), ()))]
        done: set[Point] = set()
        while queue:
            distance_m, _, point, way = heapq.heappop(queue)
            if point == self._goal:
                return way
            if point in done:
                continue
            done.add(point)
            for edge in self._edges(point):
                end = edge.points[-1]
                if end in done or not self._allowed(edge):
                    continue
                passages = (*way.passages, edge.passage) if edge.passage else way.passages
                further = Way((*way.points, *edge.points[1:]), passages)
                heapq.heappush(queue, (distance_m + length_m(edge.points), next(order), end, further))
        return None

    def cut(self) -> tuple[str, ...]:
        """The bans that turned the search back and hold the goal off: without any one of them there is a way."""

        def opens(ban: str) -> bool:
            rest = self._banned - {ban}
            return _Search(self._site, self._start, self._goal, self._forbidden & rest, self._closed & rest).run() is not None

        return tuple(sorted(filter(opens, self._banned)) or sorted(self._banned))

    def _allowed(self, edge: _Edge) -> bool:
        bans = {
            name
            for name in self._forbidden
            if name in self._site.areas
            and any(enters(self._site.areas[name].polygon, start, end) for start, end in pairwise(edge.points))
        }
        if edge.passage in self._closed and not self._leaves(edge):
            bans.add(edge.passage)
        self._banned |= bans
        return not bans

    def _leaves(self, edge: _Edge) -> bool:
        """Whether this only leads out of the passage that the start stands in, by its nearer end."""
        ends = self._site.passages[edge.passage].ends
        nearer = min(ends, key=self._start.distance_m)
        return edge.points[0] == self._start and edge.points[1:2] == (nearer,)

    def _edges(self, point: Point) -> Iterator[_Edge]:
        for area in self._site.areas.values():
            if area.contains(point):
                yield from self._within(area, point)
        for passage in self._site.passages.values():
            doors = [approach(self._site, passage, area) for area in passage.areas]
            for side in (0, 1):
                if point == doors[side]:
                    yield _Edge((point, passage.ends[side], passage.ends[1 - side], doors[1 - side]), passage.name)
            if point == self._start and not self._site.area_of(point) and _stands_in(passage, point):
                for side in (0, 1):
                    yield _Edge((point, passage.ends[side], doors[side]), passage.name)
            if not self._site.area_of(self._goal) and _stands_in(passage, self._goal):
                if point == self._start and _stands_in(passage, point):
                    yield _Edge((point, self._goal), passage.name)
                for side in (0, 1):
                    if point == doors[side]:
                        yield _Edge((point, passage.ends[side], self._goal), passage.name)

    def _within(self, area: Area, point: Point) -> Iterator[_Edge]:
        if area.contains(self._goal):
            yield _Edge((point, self._goal))
        for passage in self._site.passages.values():
            if area.name in passage.areas:
                yield _Edge((point, approach(self._site, passage, area.name)))
