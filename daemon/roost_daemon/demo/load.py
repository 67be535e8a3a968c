"""What the story asks of the models, act by act: the wishes from which `plan_load` computes rates for this machine.

The face detector on the clip makes the overload: the cloud costs more than a face is worth, so what the edge cannot do of it
is stolen later or dropped, and the machine's second core, which also plays the cloud, is spared. What goes to the cloud is
what is read on drone1's camera, a few calls a second: its deadline lies a little before that of the faces which crowd the
edge, so there it could only go before them, which costs more than the cloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from roost.clock import NANOSECONDS_PER_MILLISECOND
from roost.v1 import inference_pb2
from roost_inference.simulation.load import MAX_TILES, LoadPlan, StreamWish, plan_load
from roost_inference.streams import Stream
from roost_inference.task import ModelProfile

WISHES = (
    StreamWish("drone1", "text_detector", calm_hz=5, overload_hz=5, then="text_recogniser", boxes=0.5),
    StreamWish("drone1", "vest_detector", calm_hz=10, overload_hz=10),
    StreamWish("clip", "face_detector", calm_hz=15, overload_hz=30, elastic_share=1.0),
)

CAMERA_HZ: Mapping[str, float] = MappingProxyType({"drone1": 10.0, "clip": 30.0})
"""Frames a second: what the simulated camera renders, and the clip's own rate."""


# Of the story's time: a story that is cut short still has all three acts.
_ACT_SHARES = (0.35, 0.3, 0.35)
_OWN_MODEL_HZ = 2.0


def plan_demo(
    models: Iterable[inference_pb2.ModelStats], camera_hz: Mapping[str, float], seconds: float, own_models: Iterable[str] = ()
) -> LoadPlan:
    """The three acts, from the profiles that the daemon measured at its start.

    Raises `roost.errors.ConfigurationError` where a camera or model of the story is not there.
    """
    profiles = {model.name: _profile(model) for model in models}
    own = tuple(StreamWish("clip", name, calm_hz=_OWN_MODEL_HZ, overload_hz=_OWN_MODEL_HZ) for name in own_models)
    first, middle, last = (share * seconds for share in _ACT_SHARES)
    return plan_load(profiles, (*WISHES, *own), camera_hz, (first, middle, last))


def _profile(model: inference_pb2.ModelStats) -> ModelProfile:
    """As far as the plan reads it: the two times."""
    return ModelProfile(
        name=model.name,
        benefit=0.0,
        edge_cost=0.0,
        cloud_cost=0.0,
        edge_time_ns=round(model.edge_time_ms * NANOSECONDS_PER_MILLISECOND),
        cloud_time_ns=round(model.cloud_time_ms * NANOSECONDS_PER_MILLISECOND),
        deadline_ns=0,
    )


def streams() -> list[Stream]:
    """The streams of the wishes, paused: the acts set their rates."""
    return [Stream(wish.camera, wish.model, 0.0, wish.then, MAX_TILES if wish.elastic_share else 1) for wish in WISHES]
