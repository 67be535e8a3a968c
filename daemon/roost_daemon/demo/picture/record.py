"""What the picture needs to know of a run. Plain data; times are seconds since the story began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from roost.v1 import inference_pb2
from roost_daemon.site.model import Point, Site
from roost_inference.ports import Detection
from roost_inference.task import Place


class MarkKind(str, Enum):
    """How a task ended, as it is coloured. The order is that of the stack, from below."""

    EDGE = "on time, edge"
    STOLEN = "on time, edge (stolen from the cloud's queue)"
    CLOUD = "on time, cloud"
    LATE = "late"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class OutcomeMark:
    """One task's end on the time line."""

    model: str
    finish_s: float
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class Act:
    """A part of the story under one load."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Track:
    """Where a robot was, by its odometry, in order."""

    robot: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A frame of the scene (uint8 [height, width, 3], RGB; never one of a foreign clip) and what was found in it."""

    image: NDArray[np.uint8]
    detections: tuple[Detection, ...]
    caption: str


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A whole run.

    closed: the passages that closed while it ran. forbidden: the areas that the goals or rules kept robots out of, each with
    a short reason. captions: what happened, one line each, in order.
    """

    title: str
    subtitle: str
    seconds: float
    site: Site
    acts: tuple[Act, ...] = ()
    outcomes: tuple[OutcomeMark, ...] = ()
    tracks: tuple[Track, ...] = ()
    forbidden: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    view: View | None = None
    captions: tuple[str, ...] = ()


def mark_of_result(result: inference_pb2.InferenceResult, finish_s: float) -> OutcomeMark:
    """The mark of a result as the daemon's API streams it."""
    return OutcomeMark(result.model, finish_s, _kind(result))


def _kind(result: inference_pb2.InferenceResult) -> MarkKind:
    if result.outcome == inference_pb2.OUTCOME_DROPPED:
        return MarkKind.DROPPED
    if result.outcome == inference_pb2.OUTCOME_LATE:
        return MarkKind.LATE
    if result.target == Place.CLOUD.value:
        return MarkKind.CLOUD
    return MarkKind.STOLEN if result.stolen else MarkKind.EDGE
