"""Frames that are kept for a while, so that a chained model or a skill can ask for a part of one that it saw before."""

from __future__ import annotations

from collections import OrderedDict, deque

from roost.clock import NANOSECONDS_PER_SECOND, ns_to_seconds
from roost.errors import UnavailableError
from roost_inference.ports import Frame, Region


class FrameStore:
    """The last `capacity` frames of one camera, by their number."""

    def __init__(self, camera: str, capacity: int) -> None:
        self._camera = camera
        self._capacity = capacity
        self._frames: OrderedDict[int, Frame] = OrderedDict()

    def add(self, frame: Frame) -> None:
        """Keep a frame; the oldest goes."""
        self._frames[frame.frame_id] = frame
        self._frames.move_to_end(frame.frame_id)
        if len(self._frames) > self._capacity:
            self._frames.popitem(last=False)

    def newest(self, now_ns: int, oldest_ns: int) -> Frame:
        """The newest frame.

        Raises `UnavailableError` where there is none, or where it is older than `oldest_ns`: what a camera saw long ago is
        no answer to what it sees.
        """
        if not self._frames:
            raise UnavailableError(f"camera '{self._camera}' has not brought a frame yet", remedy="check its source")
        frame = next(reversed(self._frames.values()))
        age_ns = now_ns - frame.received_ns
        if age_ns > oldest_ns:
            raise UnavailableError(
                f"camera '{self._camera}' has brought no frame for {ns_to_seconds(age_ns):.1f} s", remedy="check its source"
            )
        return frame

    def by_id(self, frame_id: int) -> Frame:
        """The frame with that number.

        Raises `UnavailableError` where it is no longer, or was never, kept.
        """
        frame = self._frames.get(frame_id)
        if frame is None:
            kept = f"{min(self._frames)} to {max(self._frames)}" if self._frames else "none"
            raise UnavailableError(
                f"frame {frame_id} of camera '{self._camera}' is not kept", remedy=f"kept: {kept}; 0 stands for the newest"
            )
        return frame


class RateWindow:
    """How often something happens a second, over the last `window_ns`."""

    def __init__(self, window_ns: int = 2 * NANOSECONDS_PER_SECOND) -> None:
        self._window_ns = window_ns
        self._instants_ns: deque[int] = deque()

    def add(self, now_ns: int) -> None:
        """It happened now."""
        self._instants_ns.append(now_ns)
        self._forget(now_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Times a second, from the first to the last of the window; 0 for fewer than two."""
        self._forget(now_ns)
        if len(self._instants_ns) < 2:
            return 0.0
        return (len(self._instants_ns) - 1) / ns_to_seconds(self._instants_ns[-1] - self._instants_ns[0])

    def _forget(self, now_ns: int) -> None:
        while self._instants_ns and self._instants_ns[0] < now_ns - self._window_ns:
            self._instants_ns.popleft()


def tiles_of(width: int, height: int, count: int) -> list[Region | None]:
    """The frame cut into `count` tiles of about equal size without overlap; one tile is the whole frame (`None`)."""
    if count == 1:
        return [None]
    rows = round(count**0.5)
    tiles: list[Region | None] = []
    for row in range(rows):
        columns = (count * (row + 1)) // rows - (count * row) // rows
        top, bottom = height * row // rows, height * (row + 1) // rows
        tiles += [Region(width * i // columns, top, width * (i + 1) // columns, bottom) for i in range(columns)]
    return tiles
