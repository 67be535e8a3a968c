"""Streams: a model that looks at a camera's frames again and again, and how often."""

from __future__ import annotations

import math
from dataclasses import dataclass

from roost.clock import ns_to_seconds
from roost.errors import ConfigurationError

_JITTER = 0.499
"""The part of a run that a frame's early or late arrival may shift from one frame to the next."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A model on a camera. rate_hz: runs a second; the camera's rate times `max_tiles` bounds it; 0 pauses the stream.

    then: a model that runs on each detection of this one, on the same frame and with the same deadline. max_tiles: into how
    many parts a frame may be cut where more runs are asked for than frames come; 1 for never.
    """

    camera: str
    model: str
    rate_hz: float
    then: str | None = None
    max_tiles: int = 1


class Pace:
    """Decides, frame by frame, how many runs of a stream are due. No frame is used twice.

    It keeps an account of runs: each frame pays in the rate times the time since the frame before, each run costs one.
    Rounding to the nearest, not down, keeps a camera's jitter from halving a rate that equals the camera's.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._rate_hz = 0.0
        self._account = 0.0
        self._last_frame_ns: int | None = None
        self.set_rate(stream.rate_hz)

    @property
    def rate_hz(self) -> float:
        """Runs a second that are asked for."""
        return self._rate_hz

    def set_rate(self, rate_hz: float) -> None:
        """Ask for another rate from the next frame on.

        Raises `ConfigurationError` where it is negative or no number.
        """
        if not (math.isfinite(rate_hz) and rate_hz >= 0):
            raise ConfigurationError(
                f"{rate_hz} runs a second of model '{self.stream.model}' on camera '{self.stream.camera}'",
                remedy="give a rate of 0 (paused) or more",
            )
        self._rate_hz = rate_hz

    def runs_due(self, frame_ns: int) -> int:
        """How many runs the frame that arrived at `frame_ns` gets: 0, or its number of tiles."""
        if self._rate_hz <= 0:
            self._last_frame_ns = None
            self._account = 0.0
            return 0
        if self._last_frame_ns is None:
            self._account += 1.0
        else:
            self._account += self._rate_hz * ns_to_seconds(max(0, frame_ns - self._last_frame_ns))
        self._last_frame_ns = frame_ns
        # What the camera could not serve is not caught up with later, but for what its jitter makes up.
        self._account = min(self._account, self.stream.max_tiles + _JITTER)
        runs = math.floor(self._account + 0.5)
        self._account -= runs
        return runs
