"""CenterFace (Xu et al., "CenterFace: joint face detection and alignment using face as point", arXiv 1911.03599).

Outputs at a quarter of the input's size: heat [n,1,h,w], log of height and width in cells [n,2,h,w], offset of the
centre in y and x [n,2,h,w]; landmarks follow and are not read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roost_inference.models.decoders.outputs import Outputs, detections, expect, suppress
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection

_LARGEST_LOG = 8.0
"""exp(8) cells are more than any picture; a wild output must not overflow."""


@dataclass(frozen=True, slots=True)
class CenterFace:
    """Faces above the threshold, overlapping ones suppressed."""

    threshold: float = 0.5
    overlap: float = 0.3
    label: str = "face"

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        heat, log_size, offset = expect(
            outputs, "centerface", (None, 1, None, None), (None, 2, None, None), (None, 2, None, None)
        )
        rows, columns = np.nonzero(heat[0] >= self.threshold)
        if rows.size == 0:
            return ()
        stride_y = geometry.input_height / heat.shape[1]
        stride_x = geometry.input_width / heat.shape[2]
        size = np.exp(np.minimum(log_size[:, rows, columns], _LARGEST_LOG))
        height, width = size[0] * stride_y, size[1] * stride_x
        top = (rows + offset[0, rows, columns] + 0.5) * stride_y - height / 2
        left = (columns + offset[1, rows, columns] + 0.5) * stride_x - width / 2
        boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
        scores = heat[0, rows, columns]
        keep = suppress(boxes, scores, self.overlap)
        return detections(boxes[keep], scores[keep], [self.label] * len(keep), geometry)
