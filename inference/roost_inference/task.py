"""The words of the frame's road: model profile, inference task, outcome.

Pure data. Times are nanoseconds on the monotonic (or a virtual) clock; utilities have no unit. The formulation is that of
Raj et al., "Adaptive heuristics for scheduling DNN inferencing on edge and cloud for personalized UAV fleets", FGCS 2025
(arXiv 2412.20860): a task done in time earns its benefit less the cost of the place that ran it, a task done late costs
that much, a task not run earns and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Place(str, Enum):
    """Where a task ran."""

    EDGE = "edge"
    CLOUD = "cloud"
    NONE = "none"


class Outcome(str, Enum):
    """The end of a task. Every task has exactly one."""

    ON_TIME = "on_time"
    LATE = "late"
    DROPPED = "dropped"


class DropReason(str, Enum):
    """Why a task was not done."""

    EXPIRED_ON_EDGE = "expired_on_edge"
    """At its turn on the edge it could no longer be done in time."""
    EXPIRED_ON_CLOUD = "expired_on_cloud"
    """At its turn for the cloud it could no longer be done in time."""
    NO_TIME = "no_time"
    """On arrival (or as a victim) neither place could do it in time."""
    NO_VALUE = "no_value"
    """The edge could not do it in time, and in the cloud it costs more than it is worth."""
    CLOUD_BUSY = "cloud_busy"
    """The cloud refused it (429, or the client's own limit)."""
    CLOUD_UNREACHABLE = "cloud_unreachable"
    """No answer from the cloud."""
    CLOUD_ERROR = "cloud_error"
    """The function failed."""
    ENGINE_ERROR = "engine_error"
    """The engine failed on it, or died while it ran."""
    BAD_INPUT = "bad_input"
    """The frame does not fit the model."""
    SHUTDOWN = "shutdown"
    """In flight or waiting when the service ended."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What the scheduler knows of a model.

    benefit: worth of a result in time. edge_cost, cloud_cost: price of a run at each place, in the same unit.
    edge_time_ns: expected time on the edge (a high percentile of a tight distribution). cloud_time_ns: expected time end
    to end in the cloud, upload and overhead included. deadline_ns: relative deadline of a task that names none.
    """

    name: str
    benefit: float
    edge_cost: float
    cloud_cost: float
    edge_time_ns: int
    cloud_time_ns: int
    deadline_ns: int

    @property
    def edge_utility(self) -> float:
        """Utility of a run in time on the edge (gamma^E in the paper)."""
        return self.benefit - self.edge_cost

    @property
    def cloud_utility(self) -> float:
        """Utility of a run in time in the cloud (gamma^C in the paper)."""
        return self.benefit - self.cloud_cost


@dataclass(frozen=True, slots=True)
class InferenceTask:
    """One model on one frame: released when the frame arrived, worth something until its absolute deadline."""

    task_id: int
    model: str
    release_ns: int
    deadline_ns: int


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of a task.

    place and the two times say where and when it ran (`Place.NONE` and zeros if it did not); reason is set exactly if it
    was dropped; stolen: an idle edge took it out of the cloud's queue; migrated: it was moved out of the edge's queue.
    """

    task: InferenceTask
    outcome: Outcome
    place: Place
    start_ns: int
    finish_ns: int
    reason: DropReason | None
    stolen: bool
    migrated: bool
    utility: float
