"""A video file or stream, opened with PyAV and decoded picture by picture. Blocking; for a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from roost.clock import seconds_to_ns
from roost.errors import UnavailableError

_OPEN_LIMIT_S = 10.0

_RTSP_OPTIONS: Mapping[str, str] = MappingProxyType(
    # Without these FFmpeg probes for seconds before the first picture.
    {
        "rtsp_transport": "tcp",
        "fflags": "nobuffer",
        "flags": "low_delay",
        "analyzeduration": "0",
        "probesize": "32",
    }
)
_LIVE_SCHEMES = ("rtsp://", "rtsps://", "rtmp://", "rtp://", "srt://", "udp://")


@dataclass(frozen=True, slots=True)
class Picture:
    """uint8 [h,w,3] in RGB, read-only; time_ns: when it is shown, from the start of the video, None if it does not say."""

    image: NDArray[np.uint8]
    time_ns: int | None


class VideoSource:
    """An open video. Use it as a context manager, from one thread.

    read_limit_s: a stream that sends nothing for so long has stalled.
    Raises `roost.errors.UnavailableError` if it cannot be opened or has no video; the message names camera and address.
    """

    def __init__(self, camera: str, url: str, read_limit_s: float) -> None:
        self._camera = camera
        self._url = url
        self._read_limit_s = read_limit_s
        self._damaged = 0
        options = dict(_RTSP_OPTIONS) if url.startswith(("rtsp://", "rtsps://")) else {}
        try:
            self._container = av.open(url, options=options, timeout=(_OPEN_LIMIT_S, read_limit_s))
        except av.FFmpegError as error:
            raise UnavailableError(
                f"camera {camera}: cannot open {url} ({reason(error)})",
                remedy="check the path or the address, and that it is a video",
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise UnavailableError(f"camera {camera}: {url} has no video in it", remedy="name a file or a stream with video")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        # A reformatter belongs to one thread.
        self._reformatter = VideoReformatter()

    @property
    def live(self) -> bool:
        """Whether it goes on by itself, so that its pictures come at their own time and it cannot be played again."""
        return self._url.startswith(_LIVE_SCHEMES) or self._container.duration is None

    @property
    def damaged(self) -> int:
        """How many pieces could not be decoded so far."""
        return self._damaged

    def pictures(self) -> Iterator[Picture]:
        """All pictures from here to the end. Damaged pieces are counted and left out.

        Raises `roost.errors.UnavailableError` when a stream stalls or breaks.
        """
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.ExitError as error:
                raise UnavailableError(
                    f"camera {self._camera}: {self._url} sent nothing for {self._read_limit_s:g} s", remedy="check the camera"
                ) from error
            except av.FFmpegError as error:
                if not self.live:
                    # A file that breaks off: what came before it is good.
                    self._damaged += 1
                    return
                raise UnavailableError(
                    f"camera {self._camera}: {self._url} broke off ({reason(error)})", remedy="check the camera"
                ) from error
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                yield self._picture(frame)

    def close(self) -> None:
        """Give it back."""
        self._container.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _picture(self, frame: av.VideoFrame) -> Picture:
        image = np.asarray(self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray(), dtype=np.uint8)
        image.flags.writeable = False
        return Picture(image, None if frame.time is None else seconds_to_ns(frame.time))


def reason(error: av.FFmpegError) -> str:
    """What FFmpeg says is wrong, in its own words."""
    return (error.strerror or type(error).__name__).lower()
