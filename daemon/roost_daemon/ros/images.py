"""A ROS image topic as a camera of the frame's road.

Messages are received as bytes and only those that are used are read: the newest, each time one is asked for. The
subscription has the QoS of sensor data (best effort), since camera drivers publish with that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, ns_to_seconds, seconds_to_ns
from roost.errors import UnavailableError
from roost_inference.cameras.video import CameraHealth
from roost_inference.ports import Frame

_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1}


@dataclass(frozen=True, slots=True)
class _Received:
    message: bytes
    received_ns: int
    received_utc_ns: int


class RosImageCamera:
    """A camera (see `roost_inference.ports.Camera`) over a node that somebody else spins in a thread of his own.

    Made, read and closed in the event loop's thread. topic: sensor_msgs/Image with encoding rgb8, bgr8 or mono8.
    stale_after_s: with no picture for this long, reading raises; the next reading begins anew.
    """

    def __init__(self, name: str, node: Node, topic: str, clocks: Clocks, stale_after_s: float = 2.0) -> None:
        self._name = name
        self._topic = topic
        self._clocks = clocks
        self._stale_after_s = stale_after_s
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._newest: _Received | None = None
        self._last_received_ns: int | None = None
        self._received = self._replaced = 0
        self._frame_id = 0
        self._node = node
        self._subscription = node.create_subscription(Image, topic, self._receive, qos_profile_sensor_data, raw=True)

    @property
    def name(self) -> str:
        """The camera's name."""
        return self._name

    @property
    def replaced(self) -> int:
        """How many pictures a newer one has replaced before anybody looked."""
        return self._replaced

    @property
    def received(self) -> int:
        """How many pictures have come."""
        return self._received

    @property
    def health(self) -> CameraHealth:
        """Whether a picture has come within the time that makes a camera stale."""
        last_ns = self._last_received_ns
        if last_ns is not None and self._clocks.monotonic_ns() - last_ns <= seconds_to_ns(self._stale_after_s):
            return CameraHealth(True)
        return CameraHealth(False, self._silence())

    async def frames(self) -> AsyncIterator[Frame]:
        """The newest picture each time one is asked for.

        Raises `roost.errors.UnavailableError` where no picture comes or one cannot be read.
        """
        while True:
            received = await self._next()
            message: Image = deserialize_message(received.message, Image)
            image = decode_image(message, f"camera '{self._name}' on topic {self._topic}")
            stamp = message.header.stamp
            taken_utc_ns = stamp.sec * NANOSECONDS_PER_SECOND + stamp.nanosec
            self._frame_id += 1
            yield Frame(self._name, self._frame_id, image, received.received_ns, taken_utc_ns or received.received_utc_ns)

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    async def _next(self) -> _Received:
        while (received := self._take()) is None:
            try:
                await asyncio.wait_for(self._arrived.wait(), self._stale_after_s)
            except (TimeoutError, asyncio.TimeoutError) as error:
                raise UnavailableError(
                    self._silence(), remedy="check that its driver runs and publishes sensor_msgs/Image there"
                ) from error
        return received

    def _take(self) -> _Received | None:
        received, self._newest = self._newest, None
        self._arrived.clear()
        return received

    def _silence(self) -> str:
        if self._last_received_ns is None:
            return f"camera '{self._name}' has not sent any picture on topic {self._topic}"
        silent_s = ns_to_seconds(self._clocks.monotonic_ns() - self._last_received_ns)
        return f"camera '{self._name}' has sent no picture on topic {self._topic} for {silent_s:.1f} s"

    def _receive(self, message: bytes) -> None:
        """In the executor's thread: hand the picture to the event loop."""
        received = _Received(message, self._clocks.monotonic_ns(), self._clocks.utc_ns())
        self._loop.call_soon_threadsafe(self._keep, received)

    def _keep(self, received: _Received) -> None:
        """In place of the one before."""
        self._received += 1
        if self._newest is not None:
            self._replaced += 1
        self._newest = received
        self._last_received_ns = received.received_ns
        self._arrived.set()


def decode_image(message: Image, where: str) -> NDArray[np.uint8]:
    """The picture as uint8 [height, width, 3], RGB, a copy of its own. `where` begins the line of an error.

    Raises `roost.errors.UnavailableError` for another encoding or a message that is shorter than it says.
    """
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise UnavailableError(
            f"{where} sends pictures encoded as '{message.encoding}'", remedy=f"set its driver to {', '.join(_CHANNELS)}"
        )
    height, width, step = message.height, message.width, message.step
    data = np.frombuffer(message.data, np.uint8)
    if width == 0 or height == 0 or step < width * channels or data.size < step * height:
        raise UnavailableError(
            f"{where} sends a picture of {width}x{height} {message.encoding} with rows of {step} bytes in {data.size} bytes",
            remedy="check its driver",
        )
    pixels = data[: step * height].reshape(height, step)[:, : width * channels].reshape(height, width, channels)
    if message.encoding == "mono8":
        return np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[..., ::-1]) if message.encoding == "bgr8" else pixels.copy()
