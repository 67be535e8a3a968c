"""The sheet: colours, type, and drawing at twice the size, which makes every line smooth once it is brought down."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from roost_daemon.demo.picture.record import MarkKind

Colour = tuple[int, int, int]
Place = tuple[float, float]

PAPER: Colour = (244, 246, 248)
CARD: Colour = (255, 255, 255)
RULE: Colour = (222, 227, 232)
INK: Colour = (28, 37, 48)
SOFT_INK: Colour = (104, 116, 129)
ALARM: Colour = (201, 62, 52)

MARK_COLOURS: dict[MarkKind, Colour] = {
    MarkKind.EDGE: (46, 160, 118),
    MarkKind.STOLEN: (124, 88, 204),
    MarkKind.CLOUD: (62, 134, 214),
    MarkKind.LATE: (233, 165, 56),
    MarkKind.DROPPED: (206, 84, 66),
}
ROBOT_COLOURS: tuple[Colour, ...] = ((24, 112, 184), (196, 92, 28), (110, 70, 160), (60, 130, 70))

_SCALE = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on the sheet in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def inset(self, left: float, top: float, right: float, bottom: float) -> Frame:
        """The rectangle that many pixels further in on each side."""
        return Frame(self.left + left, self.top + top, self.right - right, self.bottom - bottom)


class Canvas:
    """A sheet of paper. All measures are pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (width * _SCALE, height * _SCALE), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def finished(self) -> Image.Image:
        """The picture at its own size."""
        return self._image.reduce(_SCALE)

    def card(self, frame: Frame, title: str) -> Frame:
        """A white card with a title; returns the room that is left on it."""
        self._draw.rounded_rectangle(_scaled(frame), 10 * _SCALE, fill=CARD, outline=RULE, width=_SCALE)
        self.text((frame.left + 18, frame.top + 24), title, 17, anchor="lm")
        return frame.inset(18, 44, 18, 16)

    def box(self, frame: Frame, fill: Colour | None = None, outline: Colour | None = None, width: float = 1.0) -> None:
        """A rectangle; nothing if it has no size."""
        if frame.width > 0 and frame.height > 0:
            self._draw.rectangle(_scaled(frame), fill=fill, outline=outline, width=round(width * _SCALE))

    def polygon(self, corners: Sequence[Place], fill: Colour, outline: Colour | None = None) -> None:
        """A filled polygon."""
        self._draw.polygon([_scaled_place(corner) for corner in corners], fill=fill, outline=outline, width=_SCALE)

    def line(self, places: Sequence[Place], colour: Colour, width: float = 1.0) -> None:
        """A line through all the places."""
        if len(places) > 1:
            self._draw.line([_scaled_place(place) for place in places], colour, round(width * _SCALE), joint="curve")

    def dot(self, place: Place, radius: float, fill: Colour, outline: Colour | None = None) -> None:
        """A disc."""
        (x, y), reach = _scaled_place(place), radius * _SCALE
        self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill, outline=outline, width=2 * _SCALE)

    def hatch(self, corners: Sequence[Place], colour: Colour, spacing: float = 9.0) -> None:
        """Slanting lines within a polygon."""
        mask = Image.new("L", self._image.size, 0)
        scaled = [_scaled_place(corner) for corner in corners]
        ImageDraw.Draw(mask).polygon(scaled, fill=255)
        left, right = min(x for x, _ in scaled), max(x for x, _ in scaled)
        top, bottom = min(y for _, y in scaled), max(y for _, y in scaled)
        lines = Image.new("L", self._image.size, 0)
        draw, step, x = ImageDraw.Draw(lines), spacing * _SCALE, left - (bottom - top)
        while x < right:
            draw.line([(x, bottom), (x + bottom - top, top)], fill=255, width=round(1.6 * _SCALE))
            x += step
        both = Image.composite(lines, Image.new("L", mask.size, 0), mask)
        self._image.paste(colour, (0, 0), both)

    def picture(self, image: Image.Image, frame: Frame) -> None:
        """An image, scaled to the rectangle."""
        left, top, right, bottom = (round(value) for value in _scaled(frame))
        self._image.paste(image.resize((right - left, bottom - top), Image.Resampling.LANCZOS), (left, top))

    def text(self, place: Place, text: str, size: float, colour: Colour = INK, anchor: str = "lm") -> None:
        """A line of text; the anchor is Pillow's (l, m or r, then a, m or s)."""
        self._draw.text(_scaled_place(place), text, fill=colour, font=_font(round(size * _SCALE)), anchor=anchor)

    def tag(self, place: Place, text: str, size: float, paper: Colour, colour: Colour = CARD) -> Frame:
        """Text on a small label whose lower left corner is the place; returns the label's rectangle."""
        frame = Frame(place[0], place[1] - size - 7, place[0] + self.text_width(text, size) + 12, place[1])
        self._draw.rounded_rectangle(_scaled(frame), 3 * _SCALE, fill=paper)
        self.text((frame.left + 6, (frame.top + frame.bottom) / 2), text, size, colour)
        return frame

    def text_width(self, text: str, size: float) -> float:
        """How wide that line is."""
        return self._draw.textlength(text, font=_font(round(size * _SCALE))) / _SCALE

    def wrapped(self, text: str, size: float, width: float) -> list[str]:
        """The text in lines that are no wider than that, broken at spaces."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.text_width(longer, size) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines


def lighter(colour: Colour, share: float) -> Colour:
    """The colour, mixed with that share of white."""
    red, green, blue = (round(value + (255 - value) * share) for value in colour)
    return red, green, blue


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _scaled(frame: Frame) -> tuple[float, float, float, float]:
    return (frame.left * _SCALE, frame.top * _SCALE, frame.right * _SCALE, frame.bottom * _SCALE)


def _scaled_place(place: Place) -> Place:
    return (place[0] * _SCALE, place[1] * _SCALE)
