"""What the edge and the function say to each other: one picture and a deadline there, detections back.

Both sides import this module, so it knows only numpy, Pillow and the standard library. The form is JSON with a version,
since AWS Lambda's Invoke takes nothing else. A request carries exactly the pixels that the model is to see: the caller cuts
the region out and shifts what is found by the region's corner.

Raw pixels are the default: they cost the least CPU and lose nothing, so both places give the same answer. `png` loses
nothing either and is smaller; `jpeg` is far smaller and changes the pixels.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from roost.clock import WireDeadline
from roost.errors import RoostError
from roost_inference.ports import Detection, Inference, Region

VERSION = 1
JPEG_QUALITY = 92

ImageEncoding = Literal["raw", "png", "jpeg"]

_T = TypeVar("_T")


class PayloadError(RoostError):
    """A request or response is not in the form that this version understands."""

    reason = "PAYLOAD"


@dataclass(frozen=True, slots=True)
class Request:
    """One inference asked for: `image` is uint8 [height, width, 3], RGB."""

    model: str
    image: NDArray[np.uint8]
    deadline: WireDeadline


@dataclass(frozen=True, slots=True)
class Response:
    """The answer, in pixels of the picture that was sent. cold: this call had to wait for the function's start."""

    inference: Inference
    cold: bool


def encode_request(request: Request, encoding: ImageEncoding = "raw") -> bytes:
    """The request as JSON."""
    height, width, _ = request.image.shape
    return json.dumps(
        {
            "version": VERSION,
            "model": request.model,
            "image": {
                "height": height,
                "width": width,
                "encoding": encoding,
                "data": base64.b64encode(_encode_pixels(request.image, encoding)).decode("ascii"),
            },
            "deadline": {
                "utc_ns": request.deadline.utc_ns,
                "clock_error_ns": request.deadline.clock_error_ns,
                "remaining_ns": request.deadline.remaining_ns,
            },
        }
    ).encode("ascii")


def decode_request(event: object) -> Request:
    """Read a request that JSON has already been taken off.

    Raises `PayloadError`.
    """
    fields = _versioned("request", event)
    deadline = _field(fields, "deadline", dict)
    return Request(
        _field(fields, "model", str),
        _decode_image(_field(fields, "image", dict)),
        WireDeadline(*(_field(deadline, name, int, "deadline.") for name in ("utc_ns", "clock_error_ns", "remaining_ns"))),
    )


def encode_response(response: Response) -> dict[str, object]:
    """The response as what JSON can hold."""
    inference = response.inference
    return {
        "version": VERSION,
        "detections": [
            {
                "label": found.label,
                "score": found.score,
                "region": [found.region.left, found.region.top, found.region.right, found.region.bottom],
                "text": found.text,
            }
            for found in inference.detections
        ],
        "outputs": {name: list(shape) for name, shape in inference.outputs.items()},
        "compute_ns": inference.compute_ns,
        "cold": response.cold,
    }


def decode_response(body: bytes) -> Response:
    """Read a response.

    Raises `PayloadError`.
    """
    try:
        parsed: object = json.loads(body)
    except ValueError as error:
        raise PayloadError(f"the response is not JSON: {error}") from error
    fields = _versioned("response", parsed)
    return Response(
        Inference(
            tuple(_decode_detection(found) for found in _field(fields, "detections", list)),
            {name: _integers(shape, f"outputs.{name}") for name, shape in _field(fields, "outputs", dict).items()},
            _field(fields, "compute_ns", int),
        ),
        _field(fields, "cold", bool),
    )


def _encode_pixels(image: NDArray[np.uint8], encoding: ImageEncoding) -> bytes:
    if encoding == "raw":
        return image.tobytes()
    written = io.BytesIO()
    options: dict[str, int] = {"compress_level": 1} if encoding == "png" else {"quality": JPEG_QUALITY}
    Image.fromarray(image, "RGB").save(written, encoding, **options)
    return written.getvalue()


def _decode_image(fields: Mapping[str, object]) -> NDArray[np.uint8]:
    height, width = (_field(fields, name, int, "image.") for name in ("height", "width"))
    if height < 1 or width < 1:
        raise PayloadError(f"the request's image is {width}x{height} pixels")
    encoding = _field(fields, "encoding", str, "image.")
    try:
        data = base64.b64decode(_field(fields, "data", str, "image."), validate=True)
    except ValueError as error:
        raise PayloadError(f"the request's image.data is not base64: {error}") from error
    if encoding == "raw":
        if len(data) != height * width * 3:
            raise PayloadError(f"the request's image has {len(data)} bytes, {width}x{height} RGB needs {height * width * 3}")
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)
    if encoding not in get_args(ImageEncoding):
        raise PayloadError(
            f"the request's image.encoding is '{encoding}'", remedy=f"use one of {', '.join(get_args(ImageEncoding))}"
        )
    try:
        with Image.open(io.BytesIO(data), formats=[encoding]) as picture:
            # The size stands in the header: it is checked before anything is unpacked.
            if picture.size != (width, height):
                raise PayloadError(
                    f"the request's image is {picture.size[0]}x{picture.size[1]}, not {width}x{height} as it says"
                )
            return np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise PayloadError(f"the request's image is no {encoding}: {error}") from error


def _decode_detection(parsed: object) -> Detection:
    fields = _object("detections", parsed)
    score = fields.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise PayloadError(f"detections.score is {_shown(score)}, not a number")
    corners = _integers(fields.get("region"), "detections.region")
    if len(corners) != 4:
        raise PayloadError(f"detections.region has {len(corners)} numbers, not 4")
    return Detection(
        _field(fields, "label", str, "detections."),
        float(score),
        Region(*corners),
        _field(fields, "text", str, "detections."),
    )


def _versioned(kind: str, parsed: object) -> Mapping[str, object]:
    fields = _object(kind, parsed)
    version = fields.get("version")
    if version != VERSION:
        raise PayloadError(
            f"the {kind}'s version is {_shown(version)}, this side understands {VERSION}",
            remedy="deploy the function of the release that the edge runs",
        )
    return fields


def _object(name: str, parsed: object) -> Mapping[str, object]:
    if not isinstance(parsed, dict):
        raise PayloadError(f"{name} is {_shown(parsed)}, not an object")
    return parsed


def _field(fields: Mapping[str, object], name: str, kind: type[_T], under: str = "") -> _T:
    value = fields.get(name)
    # JSON's true is an int to Python.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise PayloadError(f"{under}{name} is {_shown(value)}, not of type {kind.__name__}")
    return value


def _integers(parsed: object, name: str) -> tuple[int, ...]:
    if not isinstance(parsed, list) or not all(isinstance(number, int) and not isinstance(number, bool) for number in parsed):
        raise PayloadError(f"{name} is {_shown(parsed)}, not a list of integers")
    return tuple(parsed)


def _shown(value: object) -> str:
    """A value as an error message may show it."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
