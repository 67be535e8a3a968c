"""Draws the boards: black letters on a white board with a coloured rim, as large as they fit."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

_PIXELS_PER_METRE = 460
_RIM = (20, 70, 140)


def draw_board(text: str, width_m: float, height_m: float) -> Image.Image:
    """The board as one reads it, RGB."""
    width, height = round(width_m * _PIXELS_PER_METRE), round(height_m * _PIXELS_PER_METRE)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    rim = height // 28
    draw.rectangle((0, 0, width - 1, height - 1), outline=_RIM, width=rim)
    font = _largest_font(draw, text, width * 0.80, height * 0.55)
    draw.text((width / 2, height / 2), text, fill="black", font=font, anchor="mm")
    return image


def board_texture_png(text: str, width_m: float, height_m: float) -> bytes:
    """The board as a texture for the face of a MuJoCo box, which shows its texture mirrored left to right; PNG."""
    mirrored = draw_board(text, width_m, height_m).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = io.BytesIO()
    mirrored.save(buffer, format="PNG")
    return buffer.getvalue()


def _largest_font(
    draw: ImageDraw.ImageDraw, text: str, width: float, height: float
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    size = 200
    while size > 8:
        font = ImageFont.load_default(size=size)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        if right - left <= width and bottom - top <= height:
            return font
        size -= 4
    return ImageFont.load_default(size=8)
