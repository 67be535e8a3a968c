"""Centre heat maps, such as the vest detector's: out [n,h,w,3] = heat, width / 8, height / 8 (in pixels of the tensor)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roost_inference.models.decoders.outputs import Outputs, detections, expect, suppress
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A detection wherever the heat has a local maximum above the threshold. unit: pixels of one unit of width and height."""

    threshold: float = 0.3
    overlap: float = 0.3
    unit: float = 8.0
    label: str = "object"

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        (cells,) = expect(outputs, "heatmap", (None, None, None, 3))
        heat = cells[..., 0]
        rows, columns = np.nonzero((heat >= self.threshold) & (heat >= _neighbourhood_maximum(heat)))
        if rows.size == 0:
            return ()
        x = (columns + 0.5) * (geometry.input_width / heat.shape[1])
        y = (rows + 0.5) * (geometry.input_height / heat.shape[0])
        half = cells[rows, columns, 1:] * (self.unit / 2)
        boxes = np.stack([x - half[:, 0], y - half[:, 1], x + half[:, 0], y + half[:, 1]], axis=1).astype(np.float32)
        scores = heat[rows, columns]
        keep = suppress(boxes, scores, self.overlap)
        return detections(boxes[keep], scores[keep], [self.label] * len(keep), geometry)


def _neighbourhood_maximum(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each cell the largest value of it and its eight neighbours."""
    padded = np.pad(heat, 1, constant_values=-np.inf)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    result: NDArray[np.float32] = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return result
