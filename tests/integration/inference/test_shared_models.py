"""The shared models with the manifests of `docs/examples/models`, against what they are known to say of the shared clips."""

import json
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from roost_inference.engines.describe import load_models
from roost_inference.engines.runner import ModelRunner
from roost_inference.ports import Region

pytestmark = pytest.mark.shared

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "models"
CLIP = "ocularone_vip_135f_640x480_10fps.mp4"
FRAMES = (0, 12, 30, 70, 84, 100, 130)


@pytest.fixture
def models(shared: Path, tmp_path: Path) -> Path:
    """A user's directory: the ONNX files with their manifests beside them."""
    for manifest in EXAMPLES.glob("*.yaml"):
        shutil.copy(manifest, tmp_path)
    for model in (shared / "models").glob("*.onnx"):
        (tmp_path / model.name).symlink_to(model)
    return tmp_path


@pytest.fixture
def pictures(shared: Path) -> dict[int, np.ndarray]:
    with av.open(str(shared / "video" / CLIP)) as clip:
        return {k: f.to_ndarray(format="rgb24") for k, f in enumerate(clip.decode(video=0)) if k in FRAMES}


@pytest.fixture
def known(shared: Path) -> dict[int, dict[str, Any]]:
    golden = json.loads((shared / "models" / "golden.json").read_text())
    return {frame: golden[f"{CLIP}#{frame}"] for frame in FRAMES}


def near(region: Region, left: float, top: float, width: float, height: float) -> bool:
    found = (region.left, region.top, region.right, region.bottom)
    return all(abs(a - b) <= 4 for a, b in zip(found, (left, top, left + width, top + height), strict=True))


def test_all_ten_models_load_and_run(models: Path, pictures: dict[int, np.ndarray]) -> None:
    runner = ModelRunner(load_models(models))

    assert len(runner.model_names) == 10
    for name in runner.model_names:
        assert runner.run(name, pictures[30]).outputs


def test_the_ten_models_run_without_manifests_too(shared: Path, pictures: dict[int, np.ndarray]) -> None:
    runner = ModelRunner(load_models(shared / "models"))

    assert len(runner.model_names) == 10
    assert runner.run("mcnn_shtecha", pictures[30]).outputs == {"density": (1, 1, 120, 160)}


def test_persons_and_cars_are_where_they_are_known_to_be(
    models: Path, pictures: dict[int, np.ndarray], known: dict[int, dict[str, Any]]
) -> None:
    runner = ModelRunner(load_models(models))

    for frame, picture in pictures.items():
        found = runner.run("yolox_nano", picture).detections
        for left, top, width, height, score, _ in known[frame]["yolox_boxes"]:
            assert any(near(d.region, left, top, width, height) and abs(d.score - score) < 0.035 for d in found), (
                frame,
                left,
            )
        persons = sum(d.label == "person" for d in found)
        assert persons == known[frame]["yolox_persons"]


def test_the_vest_is_where_it_is_known_to_be(
    models: Path, pictures: dict[int, np.ndarray], known: dict[int, dict[str, Any]]
) -> None:
    runner = ModelRunner(load_models(models))

    for frame, picture in pictures.items():
        score, x, y, width, height = known[frame]["hv_net_score_cx_cy_w_h"]
        found = runner.run("hv_net", picture).detections[0]
        assert near(found.region, x - width / 2, y - height / 2, width, height), (frame, found)
        assert found.score == pytest.approx(score, abs=0.035)


def test_the_face_with_the_mask_pulled_down_has_none(models: Path, pictures: dict[int, np.ndarray]) -> None:
    runner = ModelRunner(load_models(models))

    (face,) = runner.run("face_mask_aizoo", pictures[0]).detections

    assert face.label == "no mask"
    assert near(face.region, 499, 252, 35, 52)
    assert face.score == pytest.approx(0.552, abs=0.02)
    assert runner.run("face_mask_aizoo", pictures[30]).detections == ()
    assert near(runner.run("ultraface_rfb320", pictures[0]).detections[0].region, 500, 255, 37, 52)
