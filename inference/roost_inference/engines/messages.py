"""What the engine and its worker process say to each other: length-prefixed JSON over a socket pair; frames go by memory.

One request at a time, one reply each. The picture of an `infer` request lies in the shared memory from its first byte.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from roost.errors import ConfigurationError, RoostError, UnknownNameError
from roost_inference.ports import BadInputError, Detection, EngineError, Inference, Region

HEADER = struct.Struct("!I")
"""The length of the JSON text in bytes, before it."""

_ERRORS: Mapping[str, type[RoostError]] = MappingProxyType(
    {error.reason: error for error in (BadInputError, ConfigurationError, EngineError, UnknownNameError)}
)


def encode(message: Mapping[str, object]) -> bytes:
    """A message with its length before it."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(text)) + text


def decode(text: bytes) -> dict[str, Any]:
    """A message without its length."""
    message: dict[str, Any] = json.loads(text)
    return message


def region_to_data(region: Region | None) -> list[int] | None:
    """A region as four numbers."""
    return None if region is None else [region.left, region.top, region.right, region.bottom]


def region_from_data(data: list[int] | None) -> Region | None:
    """The region of four numbers."""
    return None if data is None else Region(*data)


def inference_to_data(inference: Inference) -> dict[str, object]:
    """What a model said, as plain data."""
    return {
        "detections": [[d.label, d.score, region_to_data(d.region), d.text] for d in inference.detections],
        "outputs": {name: list(shape) for name, shape in inference.outputs.items()},
        "compute_ns": inference.compute_ns,
    }


def inference_from_data(data: Mapping[str, Any]) -> Inference:
    """What a model said, from plain data."""
    return Inference(
        tuple(Detection(label, score, Region(*region), text) for label, score, region, text in data["detections"]),
        {name: tuple(shape) for name, shape in data["outputs"].items()},
        data["compute_ns"],
    )


def error_to_data(error: RoostError) -> dict[str, str]:
    """An error as plain data."""
    return {"reason": error.reason, "message": error.message, "remedy": error.remedy}


def error_from_data(data: Mapping[str, str]) -> RoostError:
    """The error that the other side raised; `EngineError` where its type is not one of ours."""
    return _ERRORS.get(data["reason"], EngineError)(data["message"], remedy=data["remedy"])
