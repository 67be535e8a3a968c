import pytest

from roost.errors import RoostError, UnknownNameError
from roost_inference.engines import messages
from roost_inference.ports import BadInputError, Detection, EngineError, Inference, Region


def test_an_inference_arrives_as_it_was() -> None:
    inference = Inference(
        (Detection("text", 0.93, Region(1, 2, 3, 4), "DÉPÔT 3"), Detection("vest", 1.0, Region(0, 0, 9, 9))),
        {"out": (1, 30, 40, 3)},
        12_345,
    )

    text = messages.encode(messages.inference_to_data(inference))

    (size,) = messages.HEADER.unpack(text[: messages.HEADER.size])
    assert size == len(text) - messages.HEADER.size
    assert messages.inference_from_data(messages.decode(text[messages.HEADER.size :])) == inference


@pytest.mark.parametrize("error", [BadInputError("a", remedy="b"), EngineError("c"), UnknownNameError("d", remedy="e")])
def test_an_error_arrives_as_the_type_that_it_was(error: RoostError) -> None:
    again = messages.error_from_data(messages.error_to_data(error))

    assert type(again) is type(error)
    assert str(again) == str(error)


def test_an_error_of_an_unknown_type_is_the_engine_s() -> None:
    again = messages.error_from_data({"reason": "SOMETHING", "message": "a", "remedy": ""})

    assert type(again) is EngineError
