"""The SSD detector of faces with and without a mask (AIZOO): offsets [n,5972,4] from fixed anchors, classes [n,5972,2]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roost_inference.models.decoders.outputs import Outputs, detections, expect, suppress
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection

_GRIDS = (33, 17, 9, 5, 3)
_SIZES = ((0.04, 0.056), (0.08, 0.11), (0.16, 0.22), (0.32, 0.45), (0.64, 0.72))
_RATIOS = (1.0, 0.62, 0.42)
_VARIANCE = np.array([0.1, 0.1, 0.2, 0.2], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class SsdMask:
    """Faces of either class above the threshold; suppression across both."""

    threshold: float = 0.5
    overlap: float = 0.4
    labels: tuple[str, ...] = ("mask", "no mask")

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        anchors = _anchors()
        offsets, probabilities = expect(outputs, "ssd_mask", (None, len(anchors), 4), (None, len(anchors), len(self.labels)))
        classes, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
        chosen = np.nonzero(scores >= self.threshold)[0]
        anchor, offset = anchors[chosen], offsets[chosen] * _VARIANCE
        centre = anchor[:, :2] + offset[:, :2] * anchor[:, 2:]
        half = anchor[:, 2:] * np.exp(np.minimum(offset[:, 2:], 8.0)) / 2
        sides = np.array([geometry.input_width, geometry.input_height] * 2, dtype=np.float32)
        boxes = np.concatenate([centre - half, centre + half], axis=1) * sides
        scores, classes = scores[chosen], classes[chosen]
        keep = suppress(boxes, scores, self.overlap)
        return detections(boxes[keep], scores[keep], [self.labels[k] for k in classes[keep]], geometry)


def _anchors() -> NDArray[np.float32]:
    """[5972,4] = centre x, centre y, width, height from 0 to 1: both sizes as squares, the first in other ratios."""
    anchors = []
    for grid, sizes in zip(_GRIDS, _SIZES, strict=True):
        shapes = [(size, size) for size in sizes]
        shapes += [(sizes[0] * ratio**0.5, sizes[0] / ratio**0.5) for ratio in _RATIOS[1:]]
        y, x = (np.mgrid[:grid, :grid] + 0.5) / grid
        centres = np.stack([x.ravel(), y.ravel()], axis=1).repeat(len(shapes), axis=0)
        anchors.append(np.concatenate([centres, np.tile(np.array(shapes), (grid * grid, 1))], axis=1))
    return np.concatenate(anchors).astype(np.float32)
