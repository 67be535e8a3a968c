"""A ROS image topic as a camera: real rclpy, a publisher and the camera in one process."""

from __future__ import annotations

import array
import asyncio
from collections.abc import Callable, Iterator

import anyio
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from roost.clock import Clocks
from roost.errors import UnavailableError
from roost_daemon.ros.bridge import RosBridge
from roost_daemon.ros.images import RosImageCamera, decode_image
from roost_inference.cameras.video import CameraHealth

pytestmark = pytest.mark.ros


@pytest.fixture
def node(ros_domain: object) -> Iterator[Node]:
    """A node that is spun in a thread of its own."""
    with RosBridge("images_test", namespace="drone1") as bridge:
        yield bridge.node


def picture(value: int, encoding: str = "rgb8", channels: int = 3) -> Image:
    """A picture of 4x2 whose pixels are (value, value + 1, value + 2) in the encoding's own order."""
    pixels = np.arange(value, value + channels, dtype=np.uint8) * np.ones((2, 4, 1), np.uint8)
    message = Image(height=2, width=4, encoding=encoding, step=4 * channels)
    message.data = array.array("B", pixels.tobytes())
    message.header.stamp.sec = 1_700_000_000
    return message


async def until(condition: Callable[[], bool]) -> None:
    """Poll, at most ten seconds."""
    with anyio.fail_after(10.0):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.anyio
async def test_the_newest_picture_wins_and_the_replaced_are_counted(node: Node) -> None:
    publisher = node.create_publisher(Image, "camera/image", qos_profile_sensor_data)
    camera = RosImageCamera("drone1", node, "camera/image", Clocks(), stale_after_s=10.0)
    await until(lambda: publisher.get_subscription_count() > 0)
    assert camera.health == CameraHealth(False, "camera 'drone1' has not sent any picture on topic camera/image")

    publisher.publish(picture(10))
    await until(lambda: camera.health.healthy)
    publisher.publish(picture(20))
    await until(lambda: camera.replaced == 1)
    frames = camera.frames()
    first = await anext(frames)
    publisher.publish(picture(30))
    second = await anext(frames)
    camera.close()

    assert (first.image[0, 0].tolist(), second.image[0, 0].tolist()) == ([20, 21, 22], [30, 31, 32])
    assert first.image.shape == (2, 4, 3)
    assert (camera.received, camera.replaced) == (3, 1)
    assert (first.camera, first.frame_id, second.frame_id) == ("drone1", 1, 2)
    assert first.taken_utc_ns == 1_700_000_000 * 1_000_000_000
    assert first.received_ns <= second.received_ns


@pytest.mark.anyio
async def test_a_silent_camera_is_said_in_one_line(node: Node) -> None:
    camera = RosImageCamera("drone1", node, "camera/image", Clocks(), stale_after_s=0.1)

    with pytest.raises(UnavailableError) as caught:
        await anext(camera.frames())

    camera.close()
    assert str(caught.value) == (
        "camera 'drone1' has not sent any picture on topic camera/image; "
        "check that its driver runs and publishes sensor_msgs/Image there"
    )


@pytest.mark.anyio
async def test_a_camera_that_falls_silent_can_be_read_again_once_it_speaks(node: Node) -> None:
    publisher = node.create_publisher(Image, "camera/image", qos_profile_sensor_data)
    camera = RosImageCamera("drone1", node, "camera/image", Clocks(), stale_after_s=0.2)
    await until(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(picture(10))
    await until(lambda: camera.health.healthy)
    frames = camera.frames()
    await anext(frames)
    with pytest.raises(UnavailableError, match=r"for \d+\.\d s; check"):
        await anext(frames)
    assert not camera.health.healthy

    publisher.publish(picture(40))
    again = await anext(camera.frames())

    camera.close()
    assert again.image[1, 3].tolist() == [40, 41, 42]


@pytest.mark.parametrize(
    ("encoding", "channels", "pixel"), [("rgb8", 3, [7, 8, 9]), ("bgr8", 3, [9, 8, 7]), ("mono8", 1, [7, 7, 7])]
)
def test_encodings_become_rgb(encoding: str, channels: int, pixel: list[int]) -> None:
    image = decode_image(picture(7, encoding, channels), "camera 'x'")

    assert image.shape == (2, 4, 3)
    assert image.flags["C_CONTIGUOUS"] and image.flags["OWNDATA"]
    assert (image == pixel).all()


def test_rows_may_be_padded() -> None:
    message = picture(7)
    rows = np.frombuffer(message.data, np.uint8).reshape(2, 12)
    message.step = 16
    message.data = array.array("B", np.pad(rows, ((0, 0), (0, 4)), constant_values=255).tobytes())

    assert (decode_image(message, "camera 'x'") == [7, 8, 9]).all()


def test_another_encoding_is_refused_in_one_line() -> None:
    with pytest.raises(UnavailableError) as caught:
        decode_image(picture(7, "yuv422_yuy2"), "camera 'drone1' on topic camera/image")

    assert str(caught.value) == (
        "camera 'drone1' on topic camera/image sends pictures encoded as 'yuv422_yuy2'; set its driver to rgb8, bgr8, mono8"
    )


def test_a_picture_that_is_shorter_than_it_says_is_refused_in_one_line() -> None:
    message = picture(7)
    message.data = message.data[:-1]

    with pytest.raises(UnavailableError) as caught:
        decode_image(message, "camera 'x' on topic t")

    assert str(caught.value) == (
        "camera 'x' on topic t sends a picture of 4x2 rgb8 with rows of 12 bytes in 23 bytes; check its driver"
    )
