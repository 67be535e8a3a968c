"""The models of the demo, on signs drawn for the test, on the demo's scene and on the packaged clip."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont

import roost_daemon.demo
from roost_daemon import assets
from roost_daemon.demo.scene.props import site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, SceneRenderer
from roost_daemon.site.parse import parse_site
from roost_inference.engines.runner import ModelRunner
from roost_inference.models import ModelManifest


@pytest.fixture(scope="module")
def runner(demo_models: dict[str, ModelManifest]) -> ModelRunner:
    names = ("text_detector", "text_recogniser", "face_detector")
    return ModelRunner({name: demo_models[name] for name in names})


def sign(text: str) -> Image.Image:
    picture = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(picture).text((40, 190), text, fill="black", font=ImageFont.load_default(size=110))
    return picture


def read(runner: ModelRunner, picture: Image.Image) -> list[str]:
    """The detector, then the recogniser on each of its boxes."""
    image = np.asarray(picture)
    lines = runner.run("text_detector", image).detections
    return [d.text.replace(" ", "") for line in lines for d in runner.run("text_recogniser", image, line.region).detections]


@pytest.mark.parametrize("text", ["DEPOT 3", "DOCK 1", "GATE 7"])
def test_a_large_sign_is_read(runner: ModelRunner, text: str) -> None:
    assert read(runner, sign(text)) == [text.replace(" ", "")]


@pytest.mark.parametrize("side", [120, 90, 50])
def test_a_small_sign_in_a_picture_of_the_camera_is_read(runner: ModelRunner, side: int) -> None:
    picture = Image.new("RGB", (320, 240), (115, 120, 110))
    picture.paste(sign("DEPOT 3").resize((side, side)), (110, 60))

    assert read(runner, picture) == ["DEPOT3"]


def test_where_nothing_is_written_nothing_is_read(runner: ModelRunner) -> None:
    assert read(runner, Image.new("RGB", (320, 240), (115, 120, 110))) == []


def test_a_face_is_found_in_every_sampled_frame_of_the_clip(runner: ModelRunner) -> None:
    with av.open(str(assets.clip_path())) as clip:
        pictures = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)][::5]

    found = [runner.run("face_detector", picture).detections for picture in pictures]

    assert len(pictures) == 24
    assert sum(len(faces) >= 1 for faces in found) == 24
    for (face, *_), picture in zip(found, pictures, strict=True):
        # A head fills a good part of the picture; its box must not be a point, nor everything.
        share = (face.region.right - face.region.left) * (face.region.bottom - face.region.top) / picture[..., 0].size
        assert 0.05 < share < 0.5


@pytest.mark.parametrize(("place", "text", "vests"), [("depot", "DEPOT3", 0), ("dock", "DOCK7", 1)])
def test_at_its_stand_a_robot_reads_the_sign_and_sees_the_vest(
    demo_models: dict[str, ModelManifest], place: str, text: str, vests: int
) -> None:
    site = parse_site(yaml.safe_load((Path(roost_daemon.demo.__file__).parent / "site.yaml").read_text())["site"])
    with SceneRenderer(site_scene(site)) as renderer:
        image = renderer.render(replace(site.areas[place].stand, z_m=EYE_HEIGHT_M))
    runner = ModelRunner(demo_models)

    assert read(runner, Image.fromarray(image)) == [text]
    assert len(runner.run("vest_detector", image).detections) == vests
