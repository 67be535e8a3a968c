"""MoveNet, the pose of one person: key points [n,1,17,3] = y, x (from 0 to 1) and score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roost_inference.models.decoders.outputs import Outputs, detections, expect
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection


@dataclass(frozen=True, slots=True)
class MoveNet:
    """One person where at least `least` key points lie above the threshold: their bounding box and mean score."""

    threshold: float = 0.3
    least: float = 6.0
    label: str = "person"

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        (points,) = expect(outputs, "movenet", (None, 1, 17, 3))
        seen = points[0][points[0, :, 2] > self.threshold]
        if len(seen) < self.least:
            return ()
        y, x = seen[:, 0] * geometry.input_height, seen[:, 1] * geometry.input_width
        box = np.array([[x.min(), y.min(), x.max(), y.max()]], dtype=np.float32)
        return detections(box, seen[:, 2].mean(keepdims=True), [self.label], geometry)
