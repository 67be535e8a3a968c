import numpy as np
import pytest

from roost_inference.models.manifest import InputSpec
from roost_inference.models.preprocessing import input_size, prepare
from roost_inference.ports import BadInputError, Region


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_channels_first_in_blue_green_red_with_the_values_normalised() -> None:
    image = picture(4, 6)
    spec = InputSpec("x", size=(4, 6), colour="bgr", scale=1 / 255, mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0))

    tensor, _ = prepare(image, None, spec)

    assert tensor.shape == (1, 3, 4, 6)
    assert tensor.dtype == np.float32
    blue, green, red = (image[..., k] / 255 for k in (2, 1, 0))
    np.testing.assert_allclose(tensor[0], [(blue - 0.5) / 0.5, green - 0.25, red / 2], atol=1e-6)


def test_bytes_stay_bytes_with_channels_last() -> None:
    image = picture(4, 6)

    tensor, _ = prepare(image, None, InputSpec("x", layout="nhwc", type="uint8", size=(4, 6)))

    assert tensor.dtype == np.uint8
    np.testing.assert_array_equal(tensor[0], image)


def test_grey_has_one_channel() -> None:
    tensor, _ = prepare(np.full((4, 6, 3), 100, dtype=np.uint8), None, InputSpec("x", size=(4, 6), colour="grey"))

    assert tensor.shape == (1, 1, 4, 6)
    assert np.unique(tensor).tolist() == [100.0]


def test_a_letterbox_keeps_the_proportions_and_fills_the_rest() -> None:
    image = np.full((100, 200, 3), 50, dtype=np.uint8)

    tensor, geometry = prepare(image, None, InputSpec("x", size=(64, 64), resize="letterbox", padding=114))

    assert np.unique(tensor[0, :, :32]).tolist() == [50.0]
    assert np.unique(tensor[0, :, 32:]).tolist() == [114.0]
    assert geometry.region(0, 0, 64, 32) == Region(0, 0, 200, 100)


def test_what_is_found_in_a_region_is_told_in_pixels_of_the_frame() -> None:
    _, geometry = prepare(picture(100, 200), Region(40, 20, 80, 60), InputSpec("x", size=(80, 80)))

    assert geometry.region(20, 40, 40, 80) == Region(50, 40, 60, 60)
    assert geometry.region(-100, -100, 1000, 1000) == Region(40, 20, 80, 60)
    assert geometry.region(90, 0, 120, 10) is None


def test_a_region_alone_is_looked_at() -> None:
    image = picture(100, 200)

    tensor, _ = prepare(image, Region(40, 20, 80, 60), InputSpec("x", layout="nhwc", type="uint8", size=(40, 40)))

    np.testing.assert_array_equal(tensor[0], image[20:60, 40:80])


@pytest.mark.parametrize(
    ("spec", "size", "expected"),
    [
        (InputSpec("x", multiple_of=32, max_side=640), (240, 320), (256, 320)),
        (InputSpec("x", multiple_of=32, max_side=640), (480, 1280), (256, 640)),
        (InputSpec("x", multiple_of=32), (10, 1000), (32, 992)),
        (InputSpec("x", size=(48, None), resize="height_only", multiple_of=8), (24, 80), (48, 160)),
        (InputSpec("x", size=(48, None), resize="height_only", multiple_of=8, max_side=320), (10, 1000), (48, 320)),
        (InputSpec("x", size=(48, None), resize="height_only", multiple_of=8), (100, 1), (48, 8)),
        (InputSpec("x", size=(64, 32)), (5, 5), (64, 32)),
    ],
)
def test_the_input_s_size_follows_the_manifest(spec: InputSpec, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert input_size(*size, spec) == expected


@pytest.mark.parametrize(
    ("image", "line"),
    [
        (
            np.zeros((4, 4), np.uint8),
            "the frame is uint8 [4, 4]; give uint8 [height, width, 3], red, green and blue",
        ),
        (
            np.zeros((4, 4, 3), np.float32),
            "the frame is float32 [4, 4, 3]; give uint8 [height, width, 3], red, green and blue",
        ),
        (
            np.zeros((0, 4, 3), np.uint8),
            "the frame is uint8 [0, 4, 3]; give uint8 [height, width, 3], red, green and blue",
        ),
    ],
)
def test_what_is_no_picture_is_refused(image: np.ndarray, line: str) -> None:
    with pytest.raises(BadInputError) as caught:
        prepare(image, None, InputSpec("x", size=(4, 4)))

    assert str(caught.value) == line


@pytest.mark.parametrize("region", [Region(0, 0, 21, 5), Region(-1, 0, 4, 4), Region(5, 0, 5, 4), Region(4, 4, 2, 2)])
def test_a_region_that_is_not_in_the_frame_is_refused(region: Region) -> None:
    with pytest.raises(BadInputError) as caught:
        prepare(picture(10, 20), region, InputSpec("x", size=(4, 4)))

    assert str(caught.value) == (
        f"the region {region.left},{region.top}..{region.right},{region.bottom} is not in the frame of 20x10; "
        "give left < right and top < bottom, in pixels of the frame"
    )
