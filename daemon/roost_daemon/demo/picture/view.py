"""One frame of a robot's camera with what the models found in it."""

from __future__ import annotations

from PIL import Image

from roost_daemon.demo.picture.canvas import SOFT_INK, Canvas, Colour, Frame
from roost_daemon.demo.picture.record import View
from roost_inference.ports import Detection

_CAPTION_PX = 24.0
_TEXT_COLOUR: Colour = (24, 112, 184)
_THING_COLOUR: Colour = (206, 84, 30)


def draw_view(canvas: Canvas, card: Frame, view: View | None) -> None:
    """Draw the panel on its card."""
    room = canvas.card(card, "What it saw").inset(0, 0, 0, _CAPTION_PX)
    if view is None:
        canvas.text(((room.left + room.right) / 2, (room.top + room.bottom) / 2), "no frame was kept", 15, SOFT_INK, "mm")
        return
    height, width, _ = view.image.shape
    scale = min(room.width / width, room.height / height)
    left = room.left + (room.width - width * scale) / 2
    frame = Frame(left, room.top, left + width * scale, room.top + height * scale)
    canvas.picture(Image.fromarray(view.image), frame)
    for detection in view.detections:
        _draw_detection(canvas, frame, scale, detection)
    canvas.text((room.left, room.bottom + 20), view.caption, 13, SOFT_INK)


def _draw_detection(canvas: Canvas, frame: Frame, scale: float, detection: Detection) -> None:
    region = detection.region
    box = Frame(
        max(frame.left, frame.left + region.left * scale),
        max(frame.top, frame.top + region.top * scale),
        min(frame.right, frame.left + region.right * scale),
        min(frame.bottom, frame.top + region.bottom * scale),
    )
    colour = _TEXT_COLOUR if detection.text else _THING_COLOUR
    words = detection.text or detection.label
    canvas.box(box, outline=colour, width=3)
    canvas.tag((box.left, max(box.top - 2, frame.top + 24)), f"{words}  {100 * detection.score:.0f} %", 14, colour)
