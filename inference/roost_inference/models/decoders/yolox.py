"""YOLOX (Ge et al., "YOLOX: exceeding YOLO series in 2021", arXiv 2107.08430): raw grids [n,cells,5+classes]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roost_inference.models.decoders.outputs import Outputs, detections, expect, suppress
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection

_STRIDES = (8, 16, 32)
_LARGEST_LOG = 8.0


@dataclass(frozen=True, slots=True)
class Yolox:
    """Boxes with objectness * class probability above the threshold; suppression within each class.

    A cell of stride s at grid point p gives centre = (p + xy) * s and size = exp(wh) * s.
    """

    threshold: float = 0.4
    overlap: float = 0.45
    labels: tuple[str, ...] = ("object",)

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        points, strides = _grid(geometry.input_height, geometry.input_width)
        (cells,) = expect(outputs, "yolox", (None, len(points), 5 + len(self.labels)))
        classes = cells[:, 5:].argmax(axis=1)
        scores = cells[:, 4] * cells[np.arange(len(cells)), 5 + classes]
        chosen = np.nonzero(scores >= self.threshold)[0]
        centre = (points[chosen] + cells[chosen, :2]) * strides[chosen, None]
        half = np.exp(np.minimum(cells[chosen, 2:4], _LARGEST_LOG)) * strides[chosen, None] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
        scores, classes = scores[chosen], classes[chosen]
        # Boxes of different classes are moved apart, so that one suppression serves all of them.
        apart = (classes * 4.0 * max(geometry.input_height, geometry.input_width))[:, None].astype(np.float32)
        keep = suppress(boxes + apart, scores, self.overlap)
        return detections(boxes[keep], scores[keep], [self.labels[k] for k in classes[keep]], geometry)


def _grid(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grid points [cells,2] as x and y, and the stride of each cell."""
    points, strides = [], []
    for stride in _STRIDES:
        rows, columns = height // stride, width // stride
        y, x = np.mgrid[:rows, :columns]
        points.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full(rows * columns, stride))
    return np.concatenate(points).astype(np.float32), np.concatenate(strides).astype(np.float32)
