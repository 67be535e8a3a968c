"""A picture becomes a model's input tensor."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roost_inference.models.geometry import Geometry
from roost_inference.models.manifest import InputSpec
from roost_inference.ports import BadInputError, Region

Tensor = NDArray[np.float32] | NDArray[np.uint8]
"""A model's input."""

_Value = TypeVar("_Value", np.float32, np.uint8)


def prepare(image: NDArray[np.uint8], region: Region | None, spec: InputSpec) -> tuple[Tensor, Geometry]:
    """The input tensor of one picture, [1,c,h,w] or [1,h,w,c], and its geometry.

    image: uint8 [h,w,3], RGB. Raises `BadInputError` if it is not that, or the region does not lie in it.
    """
    bounds = bounds_in(image, region)
    part = image[bounds.top : bounds.bottom, bounds.left : bounds.right]
    part_height, part_width = part.shape[:2]
    height, width = input_size(part_height, part_width, spec)
    if spec.resize == "letterbox":
        ratio = min(height / part_height, width / part_width)
        inner = (max(1, round(part_height * ratio)), max(1, round(part_width * ratio)))
    else:
        inner = (height, width)
    pixels = _resized(part, inner, spec.colour)
    if inner != (height, width):
        canvas = np.full((height, width, pixels.shape[2]), spec.padding, dtype=np.uint8)
        canvas[: inner[0], : inner[1]] = pixels
        pixels = canvas
    if spec.colour == "bgr":
        pixels = pixels[..., ::-1]
    geometry = Geometry(part_width / inner[1], part_height / inner[0], height, width, bounds)
    if spec.type == "uint8":
        return np.ascontiguousarray(_ordered(pixels, spec)), geometry
    return np.ascontiguousarray(_ordered(_normalised(pixels, spec), spec)), geometry


def input_size(height: int, width: int, spec: InputSpec) -> tuple[int, int]:
    """The tensor's height and width for a picture of that size."""
    fixed_height, fixed_width = spec.size
    if fixed_height is not None and fixed_width is not None:
        return fixed_height, fixed_width
    if fixed_height is not None:
        ratio = fixed_height / height
    elif fixed_width is not None:
        ratio = fixed_width / width
    else:
        ratio = min(1.0, spec.max_side / max(height, width)) if spec.max_side else 1.0
    return (
        fixed_height if fixed_height is not None else _rounded(height * ratio, spec),
        fixed_width if fixed_width is not None else _rounded(width * ratio, spec),
    )


def _rounded(side: float, spec: InputSpec) -> int:
    """A dynamic side: a multiple, at least one of them, at most `max_side`."""
    step = spec.multiple_of
    rounded = max(step, round(side / step) * step)
    return min(rounded, max(step, spec.max_side // step * step)) if spec.max_side else rounded


def bounds_in(image: NDArray[np.uint8], region: Region | None) -> Region:
    """The part of the picture to look at. Raises `BadInputError`: not uint8 [h,w,3], or the region is not in it."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise BadInputError(
            f"the frame is {image.dtype} {list(image.shape)}", remedy="give uint8 [height, width, 3], red, green and blue"
        )
    height, width = image.shape[:2]
    if region is None:
        return Region(0, 0, width, height)
    if not (0 <= region.left < region.right <= width and 0 <= region.top < region.bottom <= height):
        raise BadInputError(
            f"the region {region.left},{region.top}..{region.right},{region.bottom} is not in the frame of {width}x{height}",
            remedy="give left < right and top < bottom, in pixels of the frame",
        )
    return region


def _resized(part: NDArray[np.uint8], size: tuple[int, int], colour: str) -> NDArray[np.uint8]:
    """The part at its new height and width, [h,w,3] or [h,w,1]."""
    picture = Image.fromarray(np.ascontiguousarray(part))
    if colour == "grey":
        picture = picture.convert("L")
    if (picture.height, picture.width) != size:
        # Plain bilinear sampling, as in training; Pillow's `resize` would smooth first and shift scores by up to 0.1.
        steps = (picture.width / size[1], 0.0, 0.0, 0.0, picture.height / size[0], 0.0)
        picture = picture.transform((size[1], size[0]), Image.Transform.AFFINE, steps, Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _normalised(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.float32]:
    """(pixel * scale - mean) / std, in one multiplication and one addition."""
    std = np.asarray(spec.std, dtype=np.float64)
    factor = (spec.scale / std).astype(np.float32)
    offset = (-np.asarray(spec.mean, dtype=np.float64) / std).astype(np.float32)
    values = np.multiply(pixels, factor, dtype=np.float32)
    values += offset
    return values


def _ordered(pixels: NDArray[_Value], spec: InputSpec) -> NDArray[_Value]:
    """[h,w,c] as a batch of one in the model's order."""
    batch = pixels[np.newaxis]
    return batch.transpose(0, 3, 1, 2) if spec.layout == "nchw" else batch
