"""The request and response of one inference: what is sent comes out again, and what is malformed is named."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roost.clock import WireDeadline
from roost_cloud.aws_lambda.payload import (
    ImageEncoding,
    PayloadError,
    Request,
    Response,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from roost_inference.ports import Detection, Inference, Region

DEADLINE = WireDeadline(1_764_000_000_123_456_789, 50_000_000, 400_000_000)
IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))
NUMBERS = st.integers(-(2**31), 2**31)
DETECTIONS = st.builds(
    Detection,
    st.text(max_size=8),
    st.floats(0, 1),
    st.builds(Region, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.text(max_size=8),
)


def request(**changes: Any) -> dict[str, Any]:
    """A good request as the function gets it, with some fields changed; a field set to None is taken out."""
    fields: dict[str, Any] = json.loads(encode_request(Request("vest", np.zeros((2, 4, 3), np.uint8), DEADLINE)))
    for path, value in changes.items():
        *sections, name = path.split("__")
        place = fields
        for section in sections:
            place = place[section]
        if value is None:
            del place[name]
        else:
            place[name] = value
    return fields


@pytest.mark.parametrize("encoding", ["raw", "png"])
@given(image=IMAGES, model=st.text(max_size=8))
def test_a_lossless_request_arrives_as_it_was_sent(encoding: ImageEncoding, image: np.ndarray[Any, Any], model: str) -> None:
    arrived = decode_request(json.loads(encode_request(Request(model, image, DEADLINE), encoding)))
    assert (arrived.model, arrived.deadline) == (model, DEADLINE)
    assert np.array_equal(arrived.image, image)


def test_a_part_of_a_frame_is_sent_as_its_own_pixels_only() -> None:
    frame = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    arrived = decode_request(json.loads(encode_request(Request("vest", frame[2:4, 1:5], DEADLINE))))
    assert np.array_equal(arrived.image, frame[2:4, 1:5])


def test_jpeg_is_smaller_and_close() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 320).astype(np.uint8)[None, :, None], (240, 320, 3))
    sent = Request("vest", np.ascontiguousarray(ramp), DEADLINE)
    body = encode_request(sent, "jpeg")
    assert len(body) < len(encode_request(sent)) / 10
    assert np.abs(decode_request(json.loads(body)).image.astype(int) - ramp).max() < 16


@given(
    detections=st.lists(DETECTIONS, max_size=3).map(tuple),
    outputs=st.dictionaries(st.text(max_size=5), st.lists(st.integers(0, 9), max_size=4).map(tuple), max_size=3),
    compute_ns=st.integers(0, 2**62),
    cold=st.booleans(),
)
def test_a_response_arrives_as_it_was_sent(
    detections: tuple[Detection, ...], outputs: dict[str, tuple[int, ...]], compute_ns: int, cold: bool
) -> None:
    sent = Response(Inference(detections, outputs, compute_ns), cold)
    assert decode_response(json.dumps(encode_response(sent)).encode()) == sent


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"version": 2},
            "the request's version is 2, this side understands 1; deploy the function of the release that the edge runs",
        ),
        ({"model": None}, "model is None, not of type str"),
        ({"model": 7}, "model is 7, not of type str"),
        ({"deadline": "soon"}, "deadline is 'soon', not of type dict"),
        ({"deadline__utc_ns": 1.5}, "deadline.utc_ns is 1.5, not of type int"),
        ({"deadline__remaining_ns": True}, "deadline.remaining_ns is True, not of type int"),
        ({"image__height": 0}, "the request's image is 4x0 pixels"),
        ({"image__width": 5}, "the request's image has 24 bytes, 5x2 RGB needs 30"),
        ({"image__encoding": "bmp"}, "the request's image.encoding is 'bmp'; use one of raw, png, jpeg"),
        ({"image__data": "?"}, "the request's image.data is not base64: Only base64 data is allowed"),
        (
            {"image__data": "ä"},
            "the request's image.data is not base64: string argument should contain only ASCII characters",
        ),
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PayloadError) as refused:
        decode_request(request(**changes))
    assert str(refused.value) == message


@pytest.mark.parametrize("event", [None, [], "frame", 3])
def test_a_request_that_is_no_object_is_refused(event: object) -> None:
    with pytest.raises(PayloadError, match=r"request is .*, not an object"):
        decode_request(event)


def test_a_picture_that_unpacks_to_another_size_is_refused_before_it_is_unpacked() -> None:
    large = json.loads(encode_request(Request("vest", np.zeros((900, 900, 3), np.uint8), DEADLINE), "png"))
    with pytest.raises(PayloadError, match="the request's image is 900x900, not 4x2 as it says"):
        decode_request(request(image__encoding="png", image__data=large["image"]["data"]))


@pytest.mark.parametrize("encoding", ["png", "jpeg"])
def test_a_picture_that_is_none_or_cut_off_is_refused(encoding: str) -> None:
    with pytest.raises(PayloadError, match=f"the request's image is no {encoding}: cannot identify"):
        decode_request(request(image__encoding=encoding))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "the response is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "the response is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"null", "response is None, not an object"),
        (
            b"{}",
            "the response's version is None, this side understands 1; deploy the function of the release that the edge runs",
        ),
        (b'{"version": 1, "detections": [7]}', "detections is 7, not an object"),
        (b'{"version": 1, "detections": [{"score": "high"}]}', "detections.score is 'high', not a number"),
        (b'{"version": 1, "detections": [{"score": 1, "region": [1]}]}', "detections.region has 1 numbers, not 4"),
        (b'{"version": 1, "detections": [], "outputs": {"a": [0.5]}}', "outputs.a is [0.5], not a list of integers"),
        (b'{"version": 1, "detections": [], "outputs": {}, "compute_ns": 1, "cold": 0}', "cold is 0, not of type bool"),
    ],
)
def test_a_malformed_response_is_refused_with_what_is_wrong(body: bytes, message: str) -> None:
    with pytest.raises(PayloadError) as refused:
        decode_response(body)
    assert str(refused.value) == message
