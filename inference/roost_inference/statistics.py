"""How the frame's road does: a snapshot of models, targets and cameras, and the window that a target's use is measured in."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from roost.clock import NANOSECONDS_PER_SECOND
from roost_inference.scheduling.ledger import ModelCounts
from roost_inference.task import ModelProfile, Place


@dataclass(frozen=True, slots=True)
class TargetStatistics:
    """A place that runs models. message: why it takes no work. utilisation: busy share of the last seconds, edge only."""

    place: Place
    healthy: bool
    message: str
    utilisation: float
    in_flight: int


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """A camera. replaced: frames that a newer one replaced before anybody looked. message: why no frames come."""

    name: str
    frames: int
    replaced: int
    frames_per_second: float
    healthy: bool
    message: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything at one instant. models and profiles by model's name; cameras by theirs.

    compared, disagreed: sampled runs done at both places, and those with different findings. trace_lost: scheduler
    decisions that the bounded trace no longer holds.
    """

    models: Mapping[str, ModelCounts]
    profiles: Mapping[str, ModelProfile]
    targets: Mapping[Place, TargetStatistics]
    cameras: Mapping[str, CameraStatistics]
    compared: int
    disagreed: int
    trace_lost: int


class BusyWindow:
    """The share of the last `window_ns` that something was busy."""

    def __init__(self, window_ns: int = 2 * NANOSECONDS_PER_SECOND) -> None:
        self._window_ns = window_ns
        self._spans_ns: deque[tuple[int, int]] = deque()
        self._since_ns: int | None = None

    def begin(self, now_ns: int) -> None:
        """It is busy from now on."""
        self._since_ns = now_ns

    def end(self, now_ns: int) -> None:
        """It is no longer busy."""
        if self._since_ns is not None:
            self._spans_ns.append((self._since_ns, now_ns))
            self._since_ns = None
        self._forget(now_ns)

    def share(self, now_ns: int) -> float:
        """From 0 to 1."""
        self._forget(now_ns)
        begin_ns = now_ns - self._window_ns
        spans_ns = [*self._spans_ns, *([] if self._since_ns is None else [(self._since_ns, now_ns)])]
        return sum(end_ns - max(begin_ns, start_ns) for start_ns, end_ns in spans_ns) / self._window_ns

    def _forget(self, now_ns: int) -> None:
        while self._spans_ns and self._spans_ns[0][1] <= now_ns - self._window_ns:
            self._spans_ns.popleft()
