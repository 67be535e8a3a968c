"""The committed vest detector, and the packaged text models, on what the drone sees from where the story makes it stand."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

import roost_daemon.demo
from roost.robot import Pose
from roost_daemon import assets
from roost_daemon.demo.scene.figure import SAFETY_VEST, Outfit, figure
from roost_daemon.demo.scene.parts import Scene
from roost_daemon.demo.scene.props import WORKER, site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, SceneRenderer
from roost_daemon.site.load import load_site
from roost_inference.engines.runner import ModelRunner
from roost_inference.models import load_manifests

DEMO = Path(next(iter(roost_daemon.demo.__path__)))
MODEL = DEMO / "models" / "vest_detector.onnx"
SITE = load_site(DEMO / "site.yaml")
# A robot comes to rest near the pose that it was sent to, not on it.
OFFSETS = [(0.0, 0.0, 0.0), (0.15, -0.1, 0.08), (-0.15, 0.1, -0.08), (0.1, 0.15, 0.05), (-0.1, -0.15, -0.05)]


@pytest.fixture(scope="module")
def runner() -> ModelRunner:
    packaged = {
        "text_detector": assets.text_detector_path(),
        "text_recogniser": assets.text_recogniser_path(),
        "face_detector": assets.face_detector_path(),
    }
    manifests = load_manifests(DEMO / "models", packaged)
    return ModelRunner({name: manifests[name] for name in ("text_detector", "text_recogniser", "vest_detector")})


@pytest.fixture(scope="module")
def renderer() -> Iterator[SceneRenderer]:
    with SceneRenderer(site_scene(SITE)) as renderer:
        yield renderer


def view(renderer: SceneRenderer, area: str, offset: tuple[float, float, float]) -> NDArray[np.uint8]:
    """What the drone sees that stands in the area, a little off."""
    stand = SITE.area(area).stand
    return renderer.render(Pose(stand.x_m + offset[0], stand.y_m + offset[1], stand.yaw_rad + offset[2], EYE_HEIGHT_M))


def texts(runner: ModelRunner, image: NDArray[np.uint8]) -> list[str]:
    """What the text models read: the detector, then the recogniser on each of its boxes."""
    lines = runner.run("text_detector", image).detections
    return [found.text for line in lines for found in runner.run("text_recogniser", image, line.region).detections]


@pytest.mark.parametrize("offset", OFFSETS)
def test_at_the_dock_there_is_one_vest_and_it_is_where_it_seems(
    runner: ModelRunner, renderer: SceneRenderer, offset: tuple[float, float, float]
) -> None:
    (vest,) = runner.run("vest_detector", view(renderer, "dock", offset)).detections

    assert vest.label == "vest"
    assert vest.score > 0.5
    # The figure stands left of the sign, its vest a third of the picture high and taller than it is wide.
    region = vest.region
    assert region.right < 200
    assert 60 < region.bottom - region.top < 150


@pytest.mark.parametrize("offset", OFFSETS)
def test_at_the_depot_there_is_no_vest(
    runner: ModelRunner, renderer: SceneRenderer, offset: tuple[float, float, float]
) -> None:
    assert runner.run("vest_detector", view(renderer, "depot", offset)).detections == ()


@pytest.mark.parametrize("area", ["base", "gate", "store"])
def test_things_of_other_colours_are_no_vest(runner: ModelRunner, renderer: SceneRenderer, area: str) -> None:
    assert runner.run("vest_detector", view(renderer, area, OFFSETS[0])).detections == ()


@pytest.mark.parametrize("top", [(0.15, 0.55, 0.2), (0.15, 0.25, 0.7), (0.5, 0.5, 0.52)], ids=["green", "blue", "grey"])
def test_a_worker_without_an_orange_vest_is_none(runner: ModelRunner, top: tuple[float, float, float]) -> None:
    scene = site_scene(SITE)
    outfit = Outfit(top=top, trousers=SAFETY_VEST.trousers, helmet=SAFETY_VEST.helmet, bands=None)
    plain = figure(WORKER, scene.body(WORKER).at, outfit)
    others = tuple(body for body in scene.bodies if body.name != WORKER)

    with SceneRenderer(Scene(scene.fixed, (*others, plain))) as renderer:
        assert runner.run("vest_detector", view(renderer, "dock", OFFSETS[0])).detections == ()


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(("area", "text"), [("depot", "DEPOT3"), ("dock", "DOCK7")])
def test_the_sign_is_read_and_nothing_else(
    runner: ModelRunner, renderer: SceneRenderer, area: str, text: str, offset: tuple[float, float, float]
) -> None:
    assert [read.replace(" ", "") for read in texts(runner, view(renderer, area, offset))] == [text]


def test_the_card_is_of_this_file() -> None:
    card = MODEL.with_suffix(".md").read_text(encoding="utf-8")

    (digest,) = re.findall(r"sha256 `([0-9a-f]{64})`", card)
    assert digest == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert f"{_parameters()} parameters" in card


def test_the_file_is_small_and_clean() -> None:
    graph = onnx.load(MODEL).graph

    assert [value.name for value in graph.input] == ["image"]
    assert [value.name for value in graph.output] == ["out"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param, "the batch is free"
    assert _parameters() <= 60_000
    assert MODEL.stat().st_size < 300_000


def test_two_pictures_at_once_give_what_each_gives_alone(renderer: SceneRenderer) -> None:
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    images = np.stack([view(renderer, area, OFFSETS[0]) for area in ("dock", "depot")]).astype(np.float32) / 255.0

    (both,) = session.run(["out"], {"image": images})
    alone = [session.run(["out"], {"image": image[None]})[0][0] for image in images]

    assert both.shape == (2, 30, 40, 3)
    np.testing.assert_allclose(both, np.stack(alone), rtol=1e-4, atol=1e-5)


def _parameters() -> int:
    """How many trained numbers are in the file: the weights and biases of its convolutions."""
    graph = onnx.load(MODEL).graph
    trained = {name for node in graph.node if node.op_type == "Conv" for name in node.input[1:]}
    return sum(math.prod(tensor.dims) for tensor in graph.initializer if tensor.name in trained)
