"""The way back from a model's input tensor to the picture that it was made from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roost_inference.ports import Region


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a tensor's pixels lie in the frame: x in the frame = left + x in the tensor * x_scale, and so for y.

    input_height, input_width: the tensor's size. bounds: the part of the frame that was looked at; what is found
    is cut to it.
    """

    x_scale: float
    y_scale: float
    input_height: int
    input_width: int
    bounds: Region

    def region(self, left: float, top: float, right: float, bottom: float) -> Region | None:
        """A box of the tensor as a region of the frame, cut to the bounds; None if nothing is left of it."""
        bounds = self.bounds
        region = Region(
            max(bounds.left, bounds.left + _nearest(left * self.x_scale)),
            max(bounds.top, bounds.top + _nearest(top * self.y_scale)),
            min(bounds.right, bounds.left + _nearest(right * self.x_scale)),
            min(bounds.bottom, bounds.top + _nearest(bottom * self.y_scale)),
        )
        return region if region.right > region.left and region.bottom > region.top else None


def _nearest(offset: float) -> int:
    """Rounded without regard to where the bounds begin, so that a crop and a whole frame give the same region."""
    return math.floor(offset + 0.5)
