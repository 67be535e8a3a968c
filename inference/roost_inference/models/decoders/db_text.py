"""Text detectors with a probability map [n,1,h,w] (Liao et al., "Real-time scene text detection with differentiable
binarization", AAAI 2020): regions above a threshold become upright boxes, grown back to the size of the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roost_inference.models.decoders.outputs import Outputs, detections, expect
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection


@dataclass(frozen=True, slots=True)
class DbText:
    """Boxes of text, from the top down and from left to right.

    threshold: a pixel belongs to text above it. box_threshold: least mean probability of a region. grow: the paper's
    unclip ratio r; a box grows on all sides by area * r / perimeter. smallest: least side of a region, in pixels.
    """

    threshold: float = 0.3
    box_threshold: float = 0.5
    grow: float = 1.6
    smallest: float = 3.0
    label: str = "text"

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        (maps,) = expect(outputs, "db_text", (None, 1, None, None))
        probability = maps[0]
        boxes, scores = [], []
        for rows in connected_regions(probability >= self.threshold):
            top, bottom = int(rows[0, 0]), int(rows[-1, 0]) + 1
            left, right = int(rows[:, 1].min()), int(rows[:, 2].max())
            height, width = bottom - top, right - left
            if min(height, width) < self.smallest:
                continue
            pixels = np.concatenate([probability[row, start:end] for row, start, end in rows.tolist()])
            score = float(pixels.mean())
            if score < self.box_threshold:
                continue
            margin = width * height * self.grow / (2 * (width + height))
            boxes.append((left - margin, top - margin, right + margin, bottom + margin))
            scores.append(score)
        if not boxes:
            return ()
        x_cell, y_cell = geometry.input_width / probability.shape[1], geometry.input_height / probability.shape[0]
        order = sorted(range(len(boxes)), key=lambda k: (boxes[k][1], boxes[k][0]))
        corners = np.array([boxes[k] for k in order], dtype=np.float32) * np.array([x_cell, y_cell] * 2, dtype=np.float32)
        return detections(
            corners, np.array([scores[k] for k in order], dtype=np.float32), [self.label] * len(order), geometry
        )


def connected_regions(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The 8-connected regions of a mask [h,w], each as its horizontal runs [n,3] = row, start, end (exclusive), by row.

    Runs of neighbouring rows that touch are joined with union-find, so the cost goes with the number of runs.
    """
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    parent = list(range(len(rows)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    row_of, start_of, end_of = rows.tolist(), starts.tolist(), ends.tolist()
    above = 0
    for k in range(len(row_of)):
        # The runs of the row above are in order; those that end before this run begins touch no later run either.
        while above < k and (
            row_of[above] < row_of[k] - 1 or (row_of[above] == row_of[k] - 1 and end_of[above] < start_of[k])
        ):
            above += 1
        other = above
        while other < k and row_of[other] == row_of[k] - 1 and start_of[other] <= end_of[k]:
            parent[root(k)] = root(other)
            other += 1
    members: dict[int, list[int]] = {}
    for k in range(len(row_of)):
        members.setdefault(root(k), []).append(k)
    runs = np.stack([rows, starts, ends], axis=1)
    return [runs[indices] for indices in members.values()]
