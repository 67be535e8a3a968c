"""Decoders: the raw outputs of a model become detections in pixels of the frame.

One file a family. A decoder is a frozen dataclass whose fields are the parameters that a manifest may give, and whose
`decode` reads the outputs of one picture. Add a family: write its file, name it in `DECODERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from roost_inference.models.decoders.centerface import CenterFace
from roost_inference.models.decoders.corner_boxes import CornerBoxes
from roost_inference.models.decoders.ctc_text import CtcText
from roost_inference.models.decoders.db_text import DbText
from roost_inference.models.decoders.heatmap import Heatmap
from roost_inference.models.decoders.movenet import MoveNet
from roost_inference.models.decoders.outputs import Decoder, NoDecoder
from roost_inference.models.decoders.scalar import Scalar
from roost_inference.models.decoders.ssd_mask import SsdMask
from roost_inference.models.decoders.yolox import Yolox

__all__ = ["DECODERS", "Decoder", "Problem", "check_decoder", "make_decoder"]

DECODERS: Mapping[str, type[Decoder]] = MappingProxyType(
    {
        "centerface": CenterFace,
        "corner_boxes": CornerBoxes,
        "ctc_text": CtcText,
        "db_text": DbText,
        "heatmap": Heatmap,
        "movenet": MoveNet,
        "none": NoDecoder,
        "scalar": Scalar,
        "ssd_mask": SsdMask,
        "yolox": Yolox,
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a decoder's settings: the key, its value, and what is allowed."""

    key: str
    value: object
    allowed: str


def check_decoder(name: str, parameters: Mapping[str, object]) -> Problem | None:
    """What is wrong with these settings, if anything."""
    kind = DECODERS.get(name)
    if kind is None:
        return Problem("name", name, ", ".join(DECODERS))
    known = {field.name: field for field in fields(kind)}
    for key, value in parameters.items():
        if key not in known:
            return Problem(key, value, f"for {name}: {', '.join(known) or 'no parameter'}")
        default = known[key].default
        if isinstance(default, tuple):
            if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
                return Problem(key, value, "a list of words")
        elif isinstance(default, float):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                return Problem(key, value, "a number")
        elif isinstance(default, str) and (not isinstance(value, str) or not value):
            return Problem(key, value, "a word")
    for key, field in known.items():
        if field.default is MISSING and key not in parameters:
            return Problem(key, None, "a value")
    return None


def make_decoder(name: str, parameters: Mapping[str, object], metadata: Mapping[str, str]) -> Decoder:
    """The decoder of a manifest that `check_decoder` found right. metadata: the ONNX file's own key-value pairs."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    decoder = DECODERS[name](**values)
    if isinstance(decoder, CtcText) and not decoder.characters:
        return replace(decoder, characters=tuple(metadata.get("character", "").splitlines()))
    return decoder
