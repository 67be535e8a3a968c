"""Who asks for what how often, in acts; and the plan that turns measured profiles into calm, overload, calm.

A *stream* is a model that looks at a camera's frames again and again. A stream never runs the same frame twice, so its
rate is bounded by the camera's. A stream that may ask for more than that cuts each frame into tiles (sliced inference, as
used for small objects) and runs the model on every tile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roost.clock import ns_to_seconds
from roost.errors import ConfigurationError
from roost_inference.task import ModelProfile

MAX_TILES = 16


@dataclass(frozen=True, slots=True)
class StreamWish:
    """A stream as the story wants it; the plan turns it into rates.

    calm_hz, overload_hz: runs a second in each kind of act. elastic_share: of the load that is still missing in overload,
    the part that this stream makes up for, by tiles if need be; 0 for a stream that keeps to its rate. then: a model that
    runs on each detection of this one, with the same deadline; boxes: how many of those a run is expected to bring.
    """

    camera: str
    model: str
    calm_hz: float
    overload_hz: float
    elastic_share: float = 0.0
    then: str | None = None
    boxes: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamRate:
    """A stream in an act: `frames_hz` frames a second, each cut into `tiles`."""

    camera: str
    model: str
    frames_hz: float
    tiles: int = 1
    then: str | None = None
    boxes: float = 0.0

    @property
    def runs_hz(self) -> float:
        """Runs a second, chained ones not counted."""
        return self.frames_hz * self.tiles


@dataclass(frozen=True, slots=True)
class Act:
    """A stretch of the story with one load. edge_load: demanded edge time over time; 1 is all that the edge has."""

    name: str
    seconds: float
    streams: tuple[StreamRate, ...]
    edge_load: float


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """The acts, in order. Every act has the same streams in the same order."""

    acts: tuple[Act, ...]

    @property
    def seconds(self) -> float:
        """How long all acts take."""
        return sum(act.seconds for act in self.acts)


def edge_load(profiles: Mapping[str, ModelProfile], streams: Sequence[StreamRate]) -> float:
    """Edge time that the streams ask for, by the profiles, over the time that passes."""
    return sum(stream.runs_hz * _seconds_per_run(profiles, stream.model, stream.then, stream.boxes) for stream in streams)


def plan_load(
    profiles: Mapping[str, ModelProfile],
    wishes: Sequence[StreamWish],
    camera_hz: Mapping[str, float],
    act_seconds: tuple[float, float, float],
    *,
    calm_load: float = 0.5,
    overload: float = 2.35,
) -> LoadPlan:
    """Three acts, calm, overload, calm, for a machine with these profiles.

    Calm rates are as wished, or all lower by one factor where they would ask for more than `calm_load` of the edge. In
    overload the elastic streams are raised until `overload` times the edge is asked for; the act's `edge_load` says how far
    that went, for the number of tiles is bounded. The default asks for twice what the edge really does, since the times that
    the profiles reserve are high percentiles, about 1.18 times the mean. camera_hz: frames a second that each camera brings.

    Raises `ConfigurationError` where a wish names a model or camera that is not there.
    """
    for wish in wishes:
        for model in (wish.model, *([wish.then] if wish.then else [])):
            if model not in profiles:
                raise ConfigurationError(
                    f"the load names the model {model!r}", remedy=f"known: {', '.join(sorted(profiles))}"
                )
        if wish.camera not in camera_hz:
            raise ConfigurationError(
                f"the load names the camera {wish.camera!r}", remedy=f"known: {', '.join(sorted(camera_hz))}"
            )
    calm = [_stream(wish, min(wish.calm_hz, camera_hz[wish.camera]), camera_hz) for wish in wishes]
    excess = edge_load(profiles, calm) / calm_load
    if excess > 1:
        calm = [_stream(wish, rate.runs_hz / excess, camera_hz) for wish, rate in zip(wishes, calm, strict=True)]
    base = [_stream(wish, wish.overload_hz, camera_hz) for wish in wishes]
    missing = max(0.0, overload - edge_load(profiles, base))
    shares = sum(wish.elastic_share for wish in wishes)
    raised = [
        _stream(wish, wish.overload_hz + _elastic_hz(profiles, wish, missing, shares), camera_hz)
        if wish.elastic_share
        else rate
        for wish, rate in zip(wishes, base, strict=True)
    ]
    first, middle, last = act_seconds
    return LoadPlan(
        (
            Act("calm", first, tuple(calm), edge_load(profiles, calm)),
            Act("overload", middle, tuple(raised), edge_load(profiles, raised)),
            Act("calm", last, tuple(calm), edge_load(profiles, calm)),
        )
    )


def _seconds_per_run(profiles: Mapping[str, ModelProfile], model: str, then: str | None, boxes: float) -> float:
    chained_ns = profiles[then].edge_time_ns * boxes if then else 0.0
    return ns_to_seconds(profiles[model].edge_time_ns) + chained_ns / 1e9


def _elastic_hz(profiles: Mapping[str, ModelProfile], wish: StreamWish, missing: float, shares: float) -> float:
    return missing * wish.elastic_share / shares / _seconds_per_run(profiles, wish.model, wish.then, wish.boxes)


def _stream(wish: StreamWish, runs_hz: float, camera_hz: Mapping[str, float]) -> StreamRate:
    most_tiles = MAX_TILES if wish.elastic_share else 1
    tiles = min(most_tiles, max(1, math.ceil(runs_hz / camera_hz[wish.camera] - 1e-9)))
    frames_hz = min(runs_hz / tiles, camera_hz[wish.camera])
    return StreamRate(wish.camera, wish.model, frames_hz, tiles, wish.then, wish.boxes)
