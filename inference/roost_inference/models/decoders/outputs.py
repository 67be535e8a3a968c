"""What all decoders share: their interface, the check of an output's shape, and the suppression of overlapping boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection, EngineError

Outputs = Mapping[str, NDArray[Any]]
"""The raw outputs of one picture by name, in the order of the graph; the first side is the batch of 1."""


class Decoder(Protocol):
    """Reads the outputs of one picture. Implementations are dataclasses; their fields are the manifest's parameters."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """What they say, in pixels of the frame. Raises `EngineError` where the outputs are not of this family."""
        ...


@dataclass(frozen=True, slots=True)
class NoDecoder:
    """For a model whose outputs nobody reads here: the caller gets their shapes."""

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """Nothing."""
        return ()


def expect(outputs: Outputs, family: str, *shapes: Sequence[int | None]) -> list[NDArray[np.float32]]:
    """The first outputs without their batch side, as float32, if they have these shapes (None: any size).

    Raises `EngineError` otherwise.
    """
    found = list(outputs.values())
    fits = len(found) >= len(shapes) and all(
        array.ndim == len(shape) and all(side in (None, size) for side, size in zip(shape, array.shape, strict=True))
        for array, shape in zip(found, shapes, strict=False)
    )
    if not fits:
        wanted = ", ".join("[" + ",".join("any" if side is None else str(side) for side in shape) + "]" for shape in shapes)
        got = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
        raise EngineError(
            f"the decoder {family} reads outputs {wanted}, the model gave {got}",
            remedy="name another decoder in the manifest",
        )
    return [np.asarray(array[0], dtype=np.float32) for array in found[: len(shapes)]]


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], overlap: float, limit: int = 100) -> list[int]:
    """Greedy non-maximum suppression: the rows of boxes [n,4] (left, top, right, bottom) to keep, best score first.

    A box goes where its intersection over union with a better one exceeds `overlap`. At most `limit` stay.
    """
    order = np.argsort(-scores, kind="stable")[: 10 * limit]
    areas = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    keep: list[int] = []
    while order.size and len(keep) < limit:
        best, rest = int(order[0]), order[1:]
        keep.append(best)
        width = np.minimum(boxes[best, 2], boxes[rest, 2]) - np.maximum(boxes[best, 0], boxes[rest, 0])
        height = np.minimum(boxes[best, 3], boxes[rest, 3]) - np.maximum(boxes[best, 1], boxes[rest, 1])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        order = rest[shared <= overlap * (areas[best] + areas[rest] - shared)]
    return keep


def detections(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], labels: Sequence[str], geometry: Geometry
) -> tuple[Detection, ...]:
    """Detections from boxes [n,4] in pixels of the tensor, scores [n] and n labels; boxes outside the frame fall away."""
    found = []
    for box, score, label in zip(boxes.tolist(), scores.tolist(), labels, strict=True):
        region = geometry.region(*box)
        if region is not None:
            found.append(Detection(label, min(1.0, max(0.0, score)), region))
    return tuple(found)
