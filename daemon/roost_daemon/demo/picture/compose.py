"""Puts the panels on one sheet."""

from __future__ import annotations

from PIL import Image

from roost_daemon.demo.picture.canvas import INK, RULE, SOFT_INK, Canvas, Frame
from roost_daemon.demo.picture.record import PictureRecord
from roost_daemon.demo.picture.site_map import draw_map
from roost_daemon.demo.picture.timeline import draw_timeline
from roost_daemon.demo.picture.view import draw_view

SHEET_SIZE_PX = (1600, 1000)

_MARGIN_PX = 28.0
_GAP_PX = 18.0
_TITLE_PX = 62.0
_TIMELINE_PX = 404.0
_MAP_WIDTH_PX = 590.0
_VIEW_WIDTH_PX = 606.0
_CAPTION_SIZE = 14.0
_LINE_PX = 20.0


def draw_story(record: PictureRecord) -> Image.Image:
    """The whole picture, RGB, `SHEET_SIZE_PX`."""
    width, height = SHEET_SIZE_PX
    canvas = Canvas(width, height)
    canvas.text((_MARGIN_PX, 32), record.title, 27, INK)
    canvas.text((_MARGIN_PX, 60), record.subtitle, 15, SOFT_INK)
    right, bottom = width - _MARGIN_PX, height - _MARGIN_PX
    top = _MARGIN_PX + _TITLE_PX - 8
    draw_timeline(canvas, Frame(_MARGIN_PX, top, right, top + _TIMELINE_PX), record)
    top += _TIMELINE_PX + _GAP_PX
    map_right = _MARGIN_PX + _MAP_WIDTH_PX
    view_right = map_right + _GAP_PX + _VIEW_WIDTH_PX
    draw_map(canvas, Frame(_MARGIN_PX, top, map_right, bottom), record)
    draw_view(canvas, Frame(map_right + _GAP_PX, top, view_right, bottom), record.view)
    _draw_captions(canvas, Frame(view_right + _GAP_PX, top, right, bottom), record)
    return canvas.finished()


def _draw_captions(canvas: Canvas, card: Frame, record: PictureRecord) -> None:
    room = canvas.card(card, "What happened")
    y = room.top + 4
    for number, caption in enumerate(record.captions):
        lines = canvas.wrapped(caption, _CAPTION_SIZE, room.width - 22)
        if y + len(lines) * _LINE_PX > room.bottom:
            canvas.text((room.left + 22, y + 6), f"and {len(record.captions) - number} more", _CAPTION_SIZE, SOFT_INK)
            return
        canvas.dot((room.left + 5, y + 7), 3.5, SOFT_INK)
        if number + 1 < len(record.captions):
            canvas.line([(room.left + 5, y + 14), (room.left + 5, y + len(lines) * _LINE_PX + 8)], RULE, 2)
        for line in lines:
            canvas.text((room.left + 22, y + 7), line, _CAPTION_SIZE, INK)
            y += _LINE_PX
        y += 9
