"""The site's map from above with the ways that the robots drove."""

from __future__ import annotations

import math
from collections.abc import Sequence

from roost_daemon.demo.picture.canvas import (
    ALARM,
    CARD,
    INK,
    ROBOT_COLOURS,
    SOFT_INK,
    Canvas,
    Colour,
    Frame,
    Place,
    lighter,
)
from roost_daemon.demo.picture.record import PictureRecord, Track
from roost_daemon.site.geometry import passage_polygon
from roost_daemon.site.model import Point, Site

_FLOOR: Colour = (226, 231, 236)
_EDGE: Colour = (160, 170, 180)
_LEGEND_PX = 24.0
_ARROW_EVERY_M = 2.2


class _Projection:
    """Metres of the map to pixels of the sheet, north up, as large as it fits."""

    def __init__(self, site: Site, frame: Frame) -> None:
        corners = [corner for area in site.areas.values() for corner in area.polygon]
        west, east = min(corner.x_m for corner in corners), max(corner.x_m for corner in corners)
        south, north = min(corner.y_m for corner in corners), max(corner.y_m for corner in corners)
        self._scale = min(frame.width / (east - west), frame.height / (north - south))
        self._left = frame.left + (frame.width - (east - west) * self._scale) / 2 - west * self._scale
        self._bottom = frame.top + (frame.height + (north - south) * self._scale) / 2 + south * self._scale

    def place(self, point: Point) -> Place:
        """Where on the sheet."""
        return (self._left + point.x_m * self._scale, self._bottom - point.y_m * self._scale)


def draw_map(canvas: Canvas, card: Frame, record: PictureRecord) -> None:
    """Draw the panel on its card."""
    room = canvas.card(card, "Where the robots went")
    site = record.site
    projection = _Projection(site, room.inset(0, 0, 0, _LEGEND_PX))
    for passage in site.passages.values():
        closed = passage.name in record.closed
        corners = [projection.place(corner) for corner in passage_polygon(passage)]
        canvas.polygon(corners, lighter(ALARM, 0.75) if closed else _FLOOR)
    for area in site.areas.values():
        corners = [projection.place(corner) for corner in area.polygon]
        canvas.polygon(corners, lighter(_FLOOR, 0.25), _EDGE)
        if area.name in record.forbidden:
            canvas.hatch(corners, lighter(ALARM, 0.45))
    for thing in site.objects.values():
        x, y = projection.place(thing.position)
        canvas.box(Frame(x - 5, y - 5, x + 5, y + 5), (186, 140, 84), (120, 84, 44))
        canvas.text((x + 9, y), thing.name, 12, SOFT_INK)
    for number, track in enumerate(record.tracks):
        _draw_track(canvas, projection, track, ROBOT_COLOURS[number % len(ROBOT_COLOURS)])
    for area in site.areas.values():
        _draw_name(canvas, projection, area.name, area.polygon, record.forbidden.get(area.name, ""))
    for name in sorted(record.closed & site.passages.keys()):
        start, end = (projection.place(point) for point in site.passages[name].ends)
        _draw_closed(canvas, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    _draw_legend(canvas, room, record.tracks)


def _draw_name(canvas: Canvas, projection: _Projection, name: str, polygon: Sequence[Point], reason: str) -> None:
    corners = [projection.place(corner) for corner in polygon]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    if reason:
        middle = (left + max(x for x, _ in corners)) / 2
        for line, (text, colour) in enumerate(((name, INK), (reason, ALARM))):
            size = 15.0 if line == 0 else 12.0
            width = canvas.text_width(text, size)
            canvas.tag((middle - width / 2 - 6, top + 40 + line * 22), text, size, CARD, colour)
    else:
        canvas.text((left + 7, top + 13), name, 15, INK)


def _draw_track(canvas: Canvas, projection: _Projection, track: Track, colour: Colour) -> None:
    if not track.points:
        return
    places = [projection.place(point) for point in track.points]
    canvas.line(places, CARD, 5.5)
    canvas.line(places, colour, 3)
    since_m = _ARROW_EVERY_M / 2
    for before, after in zip(track.points, track.points[1:], strict=False):
        since_m += before.distance_m(after)
        if since_m >= _ARROW_EVERY_M and before != after:
            _draw_arrow(canvas, projection.place(before), projection.place(after), colour)
            since_m = 0.0
    canvas.dot(places[0], 6, CARD, colour)
    canvas.dot(places[-1], 7, colour, CARD)


def _draw_arrow(canvas: Canvas, start: Place, end: Place, colour: Colour) -> None:
    heading = math.atan2(end[1] - start[1], end[0] - start[0])
    tip = (end[0] + 6 * math.cos(heading), end[1] + 6 * math.sin(heading))
    wings = [(end[0] + 8 * math.cos(heading + turn), end[1] + 8 * math.sin(heading + turn)) for turn in (2.35, -2.35)]
    canvas.polygon([tip, wings[0], wings[1]], colour)


def _draw_closed(canvas: Canvas, middle: Place) -> None:
    x, y = middle
    canvas.dot(middle, 11, ALARM, CARD)
    for slope in (-1, 1):
        canvas.line([(x - 5, y - 5 * slope), (x + 5, y + 5 * slope)], CARD, 2.5)
    canvas.tag((x + 16, y + 10), "closed", 12, ALARM)


def _draw_legend(canvas: Canvas, room: Frame, tracks: Sequence[Track]) -> None:
    x, y = room.left, room.bottom - 4
    for number, track in enumerate(tracks):
        canvas.line([(x, y), (x + 24, y)], ROBOT_COLOURS[number % len(ROBOT_COLOURS)], 3)
        canvas.text((x + 30, y), track.robot, 13, SOFT_INK)
        x += 30 + canvas.text_width(track.robot, 13) + 22
    canvas.dot((x + 6, y), 5, CARD, SOFT_INK)
    canvas.text((x + 16, y), "start", 13, SOFT_INK)
    canvas.dot((x + 66, y), 5, SOFT_INK)
    canvas.text((x + 76, y), "end", 13, SOFT_INK)
