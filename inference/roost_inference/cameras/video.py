"""A camera that is a video file or a network stream (RTSP, HTTP and what else FFmpeg reads)."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
from anyio import to_thread

from roost.clock import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Clocks, ns_to_seconds
from roost.errors import UnavailableError
from roost_inference.cameras.slot import NewestSlot
from roost_inference.cameras.source import Picture, VideoSource
from roost_inference.ports import Frame

_JOIN_LIMIT_S = 2.0
"""A thread that hangs in a dead network is left to its own time-out."""
_FIRST_ATTEMPTS = 3
"""A stream that cannot be opened so often has never been there; one that was there is tried for ever."""
_FIRST_DELAY_NS = 500 * NANOSECONDS_PER_MILLISECOND
_LONGEST_DELAY_NS = 8 * NANOSECONDS_PER_SECOND
_DEFAULT_GAP_NS = 40 * NANOSECONDS_PER_MILLISECOND
_LONGEST_GAP_NS = NANOSECONDS_PER_SECOND
"""Between two pictures of a file, whatever its time stamps say."""


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """Whether frames come; if not, why. With a healthy camera the message is a warning."""

    healthy: bool
    message: str = ""


class VideoCamera:
    """Plays a file at its own rate or a given one, over and over if `loop`; follows a stream, thinned to the rate.

    A camera (`roost_inference.ports.Camera`) with one reader. rate_hz: None for the video's own.
    read_limit_s: a stream that sends nothing for so long has stalled, and is opened again.
    """

    def __init__(
        self,
        name: str,
        url: str,
        clocks: Clocks,
        *,
        loop: bool = True,
        rate_hz: float | None = None,
        read_limit_s: float = 5.0,
    ) -> None:
        self._name = name
        self._url = url
        self._clocks = clocks
        self._loop = loop
        self._rate_hz = rate_hz
        self._read_limit_s = read_limit_s
        self._slot = NewestSlot()
        self._stop = threading.Event()
        self._frame_id = 0
        self._health = CameraHealth(False, f"camera {name} has not been started")

    @property
    def name(self) -> str:
        """The camera's name."""
        return self._name

    @property
    def replaced(self) -> int:
        """How many frames a newer one has replaced before anybody looked."""
        return self._slot.replaced

    @property
    def received(self) -> int:
        """How many frames have come."""
        return self._slot.received

    @property
    def health(self) -> CameraHealth:
        """Whether frames come."""
        return self._health

    def set_rate(self, rate_hz: float | None) -> None:
        """Change the rate from the next frame on; None for the video's own."""
        self._rate_hz = rate_hz

    async def frames(self) -> AsyncIterator[Frame]:
        """The newest frame each time one is asked for; see `roost_inference.ports.Camera`.

        Raises `roost.errors.UnavailableError`; called again after that, it tries again. Close the iterator (`aclose`, or
        cancel the task) to stop the camera.
        """
        self._stop.clear()
        self._slot.begin()
        thread = threading.Thread(target=self._run, name=f"camera {self._name}", daemon=True)
        thread.start()
        try:
            while (frame := await self._slot.take()) is not None:
                yield frame
        finally:
            self._stop.set()
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(thread.join, _JOIN_LIMIT_S)

    def _run(self) -> None:
        """The thread: play, and tell the slot how it ended."""
        error: UnavailableError | None = UnavailableError(f"camera {self._name}: its thread failed", remedy="read the log")
        try:
            self._play()
            error = None
        except UnavailableError as unavailable:
            error = unavailable
        finally:
            self._health = CameraHealth(False, f"camera {self._name} has ended" if error is None else str(error))
            self._slot.end(error)

    def _play(self) -> None:
        attempt, was_there = 0, False
        while not self._stop.is_set():
            seen_before = self._frame_id
            try:
                with VideoSource(self._name, self._url, self._read_limit_s) as source:
                    if not source.live:
                        self._play_file(source)
                        if not self._loop:
                            return
                        continue
                    self._follow(source)
                    problem = UnavailableError(f"camera {self._name}: {self._url} ended", remedy="check the camera")
            except UnavailableError as error:
                problem = error
            if self._frame_id > seen_before:
                attempt, was_there = 0, True
            attempt += 1
            if not was_there and (attempt >= _FIRST_ATTEMPTS or "://" not in self._url):
                raise problem
            self._health = CameraHealth(False, f"{problem.message}; trying again")
            self._stop.wait(ns_to_seconds(min(_FIRST_DELAY_NS << (attempt - 1), _LONGEST_DELAY_NS)))

    def _play_file(self, source: VideoSource) -> None:
        """All pictures of a file, each when it is due."""
        due_ns, gap_ns = self._clocks.monotonic_ns(), 0
        shown_ns: int | None = None
        count = 0
        for picture in source.pictures():
            gap_ns = self._gap_ns(shown_ns, picture.time_ns) if count else 0
            if not self._wait_until(due_ns + gap_ns):
                return
            # Who has fallen behind by more than a gap does not rush through what is missing.
            due_ns = max(due_ns + gap_ns, self._clocks.monotonic_ns() - gap_ns)
            shown_ns = picture.time_ns
            self._put(picture)
            count += 1
        if count == 0:
            raise UnavailableError(
                f"camera {self._name}: {self._url} holds no picture that can be decoded", remedy="get the file again"
            )
        if source.damaged:
            self._health = CameraHealth(True, f"camera {self._name}: {self._url} is damaged after {count} pictures")
        self._wait_until(due_ns + gap_ns)

    def _wait_until(self, instant_ns: int) -> bool:
        """Wait; False if the camera is to stop."""
        return not self._stop.wait(max(0.0, ns_to_seconds(instant_ns - self._clocks.monotonic_ns())))

    def _gap_ns(self, before_ns: int | None, now_ns: int | None) -> int:
        """The time between two pictures of a file: by the rate, by the time stamps, or by default."""
        if self._rate_hz:
            return round(NANOSECONDS_PER_SECOND / self._rate_hz)
        if before_ns is None or now_ns is None:
            return _DEFAULT_GAP_NS
        return min(max(0, now_ns - before_ns), _LONGEST_GAP_NS)

    def _follow(self, source: VideoSource) -> None:
        """All pictures of a stream as they come, at most `rate_hz` of them a second."""
        due_ns = self._clocks.monotonic_ns()
        for picture in source.pictures():
            if self._stop.is_set():
                return
            now_ns = self._clocks.monotonic_ns()
            if self._rate_hz:
                if now_ns < due_ns:
                    continue
                gap_ns = round(NANOSECONDS_PER_SECOND / self._rate_hz)
                due_ns = max(due_ns, now_ns - gap_ns) + gap_ns
            self._put(picture)

    def _put(self, picture: Picture) -> None:
        self._frame_id += 1
        now_ns = self._clocks.monotonic_ns()
        self._slot.put(Frame(self._name, self._frame_id, picture.image, now_ns, self._clocks.utc_ns()))
        if not self._health.healthy:
            self._health = CameraHealth(True)
