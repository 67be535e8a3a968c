"""The ports of the frame's road: what a camera and a target are to the live executor.

Implementations live elsewhere: video files and streams in `cameras`, ROS image topics in the daemon, the local engine in
`engines`, AWS Lambda in `roost_cloud`. A port raises exact errors; it never returns half a result.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roost.clock import Deadline
from roost.errors import RoostError


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture: `image` is uint8 [height, width, 3], RGB. received_ns is monotonic, taken_utc_ns wall clock."""

    camera: str
    frame_id: int
    image: NDArray[np.uint8]
    received_ns: int
    taken_utc_ns: int


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame in pixels, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Detection:
    """Something found: class, confidence from 0 to 1, where in the frame, and what was read if it is text."""

    label: str
    score: float
    region: Region
    text: str = ""


@dataclass(frozen=True, slots=True)
class Inference:
    """What a model said of a frame. outputs: shape of each raw output, for a model that has no decoder here."""

    detections: tuple[Detection, ...]
    outputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    compute_ns: int = 0


class BadInputError(RoostError):
    """The frame or region does not fit the model."""

    reason = "BAD_INPUT"


class EngineError(RoostError):
    """The engine failed on this run, or its process died."""

    reason = "ENGINE"


class CloudBusyError(RoostError):
    """The cloud has no room for this call (429)."""

    reason = "CLOUD_BUSY"


class CloudUnreachableError(RoostError):
    """The cloud's end point did not answer in time or at all."""

    reason = "CLOUD_UNREACHABLE"


class CloudFunctionError(RoostError):
    """The function in the cloud failed."""

    reason = "CLOUD_FUNCTION"


class Target(Protocol):
    """A place that can run a model on a frame."""

    async def infer(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> Inference:
        """Run it. The deadline is handed down; a target may give up once it has passed.

        Raises `BadInputError`, and `EngineError` (local) or `CloudBusyError`, `CloudUnreachableError`,
        `CloudFunctionError` (remote).
        """
        ...


class Camera(Protocol):
    """A source of frames that never waits for its reader: only the newest frame counts."""

    @property
    def name(self) -> str:
        """The camera's name."""
        ...

    def frames(self) -> AsyncIterator[Frame]:
        """The newest frame each time one is asked for. Ends when the source ends.

        Raises `roost.errors.UnavailableError` where the source cannot be opened or read; the message says which and why.
        """
        ...

    @property
    def replaced(self) -> int:
        """How many frames a newer one has replaced before anybody looked."""
        ...
