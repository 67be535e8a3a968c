"""Non-maximum suppression: no two boxes that stay overlap too much, and each that went overlaps with a better one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roost_inference.models.decoders.outputs import suppress

SIDES = st.integers(1, 20)
BOXES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), SIDES, SIDES, st.integers(0, 100)), max_size=20)


def union_ratio(a: np.ndarray, b: np.ndarray) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(width * height / (areas - width * height))


@given(BOXES)
def test_what_stays_is_apart_and_what_goes_has_a_better_one(parts: list[tuple[int, int, int, int, int]]) -> None:
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in parts], dtype=np.float32).reshape(-1, 4)
    scores = np.array([score for *_, score in parts], dtype=np.float32)

    keep = suppress(boxes, scores, 0.5)

    assert [scores[k] for k in keep] == sorted((scores[k] for k in keep), reverse=True)
    assert all(union_ratio(boxes[a], boxes[b]) <= 0.5 + 1e-6 for a in keep for b in keep if a != b)
    for gone in set(range(len(boxes))) - set(keep):
        assert any(scores[k] >= scores[gone] and union_ratio(boxes[k], boxes[gone]) > 0.5 - 1e-6 for k in keep)
