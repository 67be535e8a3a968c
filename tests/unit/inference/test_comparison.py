"""What counts as the same, and which results are compared."""

from __future__ import annotations

import pytest

from roost_inference.comparison import Sampler, agree
from roost_inference.ports import Detection, Inference, Region

BOX = Region(10, 10, 20, 20)
SIGN = Detection("text", 0.8, BOX, "DEPOT3")
VEST = Detection("vest", 0.6, Region(1, 1, 5, 9))


def test_the_same_findings_in_another_order_agree() -> None:
    assert agree(Inference((SIGN, VEST)), Inference((VEST, SIGN)))
    assert agree(Inference(()), Inference(()))


def test_scores_may_differ_by_a_thousandth_and_boxes_by_a_pixel() -> None:
    other = Detection("text", 0.8009, Region(9, 11, 21, 20), "DEPOT3")
    assert agree(Inference((SIGN,)), Inference((other,)))


@pytest.mark.parametrize(
    "other",
    [
        Detection("vest", 0.8, BOX, "DEPOT3"),
        Detection("text", 0.8, BOX, "DEP0T3"),
        Detection("text", 0.802, BOX, "DEPOT3"),
        Detection("text", 0.8, Region(10, 10, 22, 20), "DEPOT3"),
    ],
)
def test_anything_more_is_a_disagreement(other: Detection) -> None:
    assert not agree(Inference((SIGN,)), Inference((other,)))


def test_a_finding_more_or_less_or_twice_is_a_disagreement() -> None:
    assert not agree(Inference((SIGN,)), Inference((SIGN, VEST)))
    assert not agree(Inference((SIGN, VEST)), Inference((SIGN, SIGN)))


def test_a_model_without_a_decoder_is_compared_by_the_shapes_of_its_outputs() -> None:
    assert agree(Inference((), {"y": (1, 4)}), Inference((), {"y": (1, 4)}))
    assert not agree(Inference((), {"y": (1, 4)}), Inference((), {"y": (1, 5)}))


def test_one_of_so_many_results_of_each_model_is_wanted_and_one_passed_over_is_made_up_for() -> None:
    sampler = Sampler(3)
    wanted = []
    for number in range(10):
        if sampler.wants("face"):
            if number == 3:
                sampler.passed_over("face")
            else:
                sampler.taken("face")
                wanted.append(number)
    assert wanted == [0, 4, 7]
    assert sampler.wants("text")
    assert not Sampler(0).wants("face")
