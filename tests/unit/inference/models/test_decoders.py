import numpy as np
import pytest

from roost_inference.models.decoders import make_decoder
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection, EngineError, Region

FRAME = Geometry(x_scale=2.0, y_scale=2.0, input_height=240, input_width=320, bounds=Region(0, 0, 640, 480))


def decode(name: str, *outputs: np.ndarray, geometry: Geometry = FRAME, **parameters: object) -> tuple[Detection, ...]:
    named = {f"out{k}": output.astype(np.float32) for k, output in enumerate(outputs)}
    return make_decoder(name, parameters, {"character": "D\nE\nP\nO\nT"}).decode(named, geometry)


def test_a_heat_map_s_peak_is_a_detection_and_its_flanks_are_none() -> None:
    cells = np.zeros((1, 30, 40, 3))
    cells[0, 10, 20] = (0.9, 4, 6)
    cells[0, 10, 21] = (0.8, 4, 6)
    cells[0, 25, 5] = (0.2, 4, 6)

    (found,) = decode("heatmap", cells, label="vest")

    assert found.label == "vest"
    assert found.score == pytest.approx(0.9)
    # Centre (20.5, 10.5) * 8, size (32, 48), all twice as large in the frame.
    assert found.region == Region(296, 120, 360, 216)


def test_a_flat_hot_map_gives_no_crowd() -> None:
    cells = np.full((1, 30, 40, 3), 0.5)
    cells[..., 1:] = 40

    assert len(decode("heatmap", cells)) <= 6


def test_centerface_finds_one_face_where_neighbouring_cells_agree() -> None:
    heat, size, offset = np.zeros((1, 1, 60, 80)), np.zeros((1, 2, 60, 80)), np.zeros((1, 2, 60, 80))
    for column in (30, 31):
        heat[0, 0, 20, column] = 0.6 + 0.1 * (column == 30)
        size[0, :, 20, column] = np.log([10, 8])
    offset[0, :, 20, 30] = (0.5, -0.5)

    (found,) = decode("centerface", heat, size, offset, np.zeros((1, 10, 60, 80)))

    # Centre y (20 + 0.5 + 0.5) * 4 = 84, x (30 - 0.5 + 0.5) * 4 = 120; height 40, width 32.
    assert found.region == Region(2 * 104, 2 * 64, 2 * 136, 2 * 104)
    assert found.score == pytest.approx(0.7)


def test_a_block_of_text_grows_back_to_its_size() -> None:
    probability = np.zeros((1, 1, 240, 320))
    probability[0, 0, 100:110, 50:150] = 0.9
    probability[0, 0, 200:202, 10:100] = 0.9
    probability[0, 0, 20:40, 20:40] = 0.35

    (found,) = decode("db_text", probability, geometry=Geometry(1, 1, 240, 320, Region(0, 0, 320, 240)))

    margin = 100 * 10 * 1.6 / (2 * 110)
    assert found.region == Region(round(50 - margin), round(100 - margin), round(150 + margin), round(110 + margin))
    assert found.label == "text"


def test_text_is_told_from_the_top_down() -> None:
    probability = np.zeros((1, 1, 240, 320))
    for top, left in ((150, 10), (50, 200), (50, 20)):
        probability[0, 0, top : top + 10, left : left + 60] = 0.9

    tops_and_lefts = [(found.region.top, found.region.left) for found in decode("db_text", probability)]

    assert tops_and_lefts == sorted(tops_and_lefts)
    assert len(tops_and_lefts) == 3


def steps(*classes: int) -> np.ndarray:
    probability = np.full((1, len(classes), 7), 0.01)
    for step, number in enumerate(classes):
        probability[0, step, number] = 0.9
    return probability


def test_repeated_steps_are_one_letter_and_blanks_divide_two() -> None:
    # D E P blank P O T: the alphabet is D E P O T, 0 the blank, 6 the space.
    (found,) = decode("ctc_text", steps(1, 1, 2, 3, 0, 3, 4, 4, 0, 6, 5))

    assert found.text == "DEPPO T"
    assert found.score == pytest.approx(0.9)
    assert found.region == FRAME.bounds


def test_no_text_is_no_detection() -> None:
    assert decode("ctc_text", steps(0, 0, 0)) == ()
    assert decode("ctc_text", steps(1, 2), threshold=0.95) == ()


def test_yolox_reads_its_grid_and_suppresses_within_a_class_only() -> None:
    cells = np.zeros((1, 30 * 40 + 15 * 20 + 7 * 10, 7))
    for cell, objectness, classes in (
        (40 * 10 + 20, 0.9, (1.0, 0.0)),
        (40 * 10 + 21, 0.8, (1.0, 0.0)),
        (40 * 10 + 19, 0.7, (0.0, 1.0)),
    ):
        cells[0, cell] = (0.5, 0.5, np.log(8), np.log(4), objectness, *classes)

    found = decode("yolox", cells, labels=["person", "car"])

    assert [(d.label, round(d.score, 2)) for d in found] == [("person", 0.9), ("car", 0.7)]
    # Centre (20.5, 10.5) * 8 = (164, 84), size (64, 32).
    assert found[0].region == Region(2 * 132, 2 * 68, 2 * 196, 2 * 100)


def test_ssd_mask_reads_offsets_from_its_anchors() -> None:
    offsets, classes = np.zeros((1, 5972, 4)), np.zeros((1, 5972, 2))
    # The middle cell of the 3x3 grid, its first anchor: centre (0.5, 0.5), size 0.64.
    middle = 5972 - 9 * 4 + 4 * 4
    classes[0, middle] = (0.1, 0.8)
    offsets[0, middle] = (1.0, 0.0, 0.0, 0.0)

    (found,) = decode("ssd_mask", offsets, classes, geometry=Geometry(1, 1, 100, 100, Region(0, 0, 100, 100)))

    assert found.label == "no mask"
    assert found.region == Region(round(50 + 6.4 - 32), 18, round(50 + 6.4 + 32), 82)


def test_corner_boxes_leave_the_background_out() -> None:
    scores = np.array([[[0.1, 0.9], [0.95, 0.05], [0.2, 0.8]]])
    corners = np.array([[[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1], [0.26, 0.25, 0.5, 0.5]]])

    (found,) = decode("corner_boxes", scores, corners, labels=["face"])

    assert found.region == Region(160, 120, 320, 240)


def test_movenet_s_person_is_the_box_of_the_points_seen() -> None:
    points = np.zeros((1, 1, 17, 3))
    points[0, 0, :8] = [(0.25 + 0.05 * k, 0.5 + 0.01 * k, 0.6) for k in range(8)]

    (found,) = decode("movenet", points)

    assert (found.region.top, found.region.bottom) == (120, 288)
    assert decode("movenet", points, threshold=0.7) == ()


def test_a_scalar_speaks_of_the_whole_picture() -> None:
    (found,) = decode("scalar", np.array([0.2]), np.array([[0.8]]), output="out1", label="collision")

    assert (found.label, found.region) == ("collision", FRAME.bounds)
    assert found.score == pytest.approx(0.8)
    assert decode("scalar", np.array([0.2]), np.array([[0.8]]), label="collision") == ()


def test_a_model_without_a_decoder_says_nothing() -> None:
    assert decode("none", np.zeros((1, 5))) == ()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("heatmap", "the decoder heatmap reads outputs [any,any,any,3], the model gave out0 [1, 5, 2]"),
        ("db_text", "the decoder db_text reads outputs [any,1,any,any], the model gave out0 [1, 5, 2]"),
        ("ctc_text", "the decoder ctc_text reads outputs [any,any,7], the model gave out0 [1, 5, 2]"),
        ("scalar", "the decoder scalar reads one number from 'out0', the model gave out0 [1, 5, 2]"),
    ],
)
def test_outputs_of_another_family_are_refused(name: str, line: str) -> None:
    with pytest.raises(EngineError) as caught:
        decode(name, np.zeros((1, 5, 2)))

    assert caught.value.message == line
