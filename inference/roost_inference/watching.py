"""One camera as the live service watches it: its frames, its streams, its health, and the way back after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import anyio

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, ns_to_seconds
from roost.errors import UnavailableError
from roost_inference.frames import FrameStore, RateWindow, tiles_of
from roost_inference.ports import Camera, Frame, Region
from roost_inference.statistics import CameraStatistics
from roost_inference.streams import Pace, Stream

_log = logging.getLogger(__name__)

STALE_AFTER_NS = 3 * NANOSECONDS_PER_SECOND
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 10.0


class CameraWatch:
    """Reads one camera for as long as the service runs.

    submit: called for every run that is due, with stream, frame and region.
    """

    def __init__(
        self,
        camera: Camera,
        streams: Sequence[Stream],
        clocks: Clocks,
        kept_frames: int,
        submit: Callable[[Stream, Frame, Region | None], None],
    ) -> None:
        self._camera = camera
        self._clocks = clocks
        self._submit = submit
        self._store = FrameStore(camera.name, kept_frames)
        self._rate = RateWindow()
        self._frames = 0
        self._failure = ""
        self._last_frame_ns: int | None = None
        self.paces = {stream.model: Pace(stream) for stream in streams}

    async def run(self) -> None:
        """Read frames; a source that fails is opened again, after longer and longer pauses. Returns when the source ends."""
        pause_s = FIRST_BACK_OFF_S
        while True:
            frames_before = self._frames
            try:
                async for frame in self._camera.frames():
                    self._take(frame)
            except UnavailableError as error:
                self._fail(str(error))
            else:
                self._fail(f"camera '{self._camera.name}': the source has ended")
                return
            if self._frames > frames_before:
                pause_s = FIRST_BACK_OFF_S
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_BACK_OFF_S)

    def frame(self, frame_id: int) -> Frame:
        """The frame with that number, or the newest for 0.

        Raises `UnavailableError` where there is none, with the camera's own failure where it has one.
        """
        if frame_id != 0:
            return self._store.by_id(frame_id)
        if self._failure:
            raise UnavailableError(self._failure)
        return self._store.newest(self._clocks.monotonic_ns(), STALE_AFTER_NS)

    def statistics(self) -> CameraStatistics:
        """How it does now."""
        now_ns = self._clocks.monotonic_ns()
        message = self._failure
        if not message and self._last_frame_ns is None:
            message = f"camera '{self._camera.name}': no frame yet"
        elif not message and self._last_frame_ns is not None and now_ns - self._last_frame_ns > STALE_AFTER_NS:
            message = f"camera '{self._camera.name}': no frame for {ns_to_seconds(now_ns - self._last_frame_ns):.0f} s"
        return CameraStatistics(
            self._camera.name, self._frames, self._camera.replaced, self._rate.rate_hz(now_ns), not message, message
        )

    def _take(self, frame: Frame) -> None:
        now_ns = self._clocks.monotonic_ns()
        if self._failure:
            _log.info("camera '%s': frames come again", self._camera.name)
            self._failure = ""
        self._frames += 1
        self._last_frame_ns = now_ns
        self._rate.add(now_ns)
        self._store.add(frame)
        height, width, *_ = frame.image.shape
        for pace in self.paces.values():
            runs = pace.runs_due(frame.received_ns)
            if runs:
                for region in tiles_of(width, height, runs):
                    self._submit(pace.stream, frame, region)

    def _fail(self, message: str) -> None:
        """Say it once, not at every attempt."""
        if message != self._failure:
            _log.warning("%s", message)
        self._failure = message
