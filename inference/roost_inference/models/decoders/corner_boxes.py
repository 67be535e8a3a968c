"""Detectors that give a list: scores [n,boxes,classes] (class 0 is the background) and corners [n,boxes,4] from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roost_inference.models.decoders.outputs import Outputs, detections, expect, suppress
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection


@dataclass(frozen=True, slots=True)
class CornerBoxes:
    """Boxes of the best foreground class above the threshold. labels: of the classes after the background."""

    threshold: float = 0.6
    overlap: float = 0.3
    labels: tuple[str, ...] = ("object",)

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        classes = len(self.labels) + 1
        scores, corners = expect(outputs, "corner_boxes", (None, None, classes), (None, None, 4))
        best = scores[:, 1:].max(axis=1)
        chosen = np.nonzero(best >= self.threshold)[0]
        sides = np.array([geometry.input_width, geometry.input_height] * 2, dtype=np.float32)
        boxes, kept_scores, kept_classes = corners[chosen] * sides, best[chosen], scores[chosen, 1:].argmax(axis=1)
        keep = suppress(boxes, kept_scores, self.overlap)
        return detections(boxes[keep], kept_scores[keep], [self.labels[k] for k in kept_classes[keep]], geometry)
