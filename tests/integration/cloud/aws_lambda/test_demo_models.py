"""The models of the demo give the same answer in the cloud as on the edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.integration.cloud.aws_lambda.conftest import HANDLER, running_endpoint

import roost_daemon.demo
from roost.clock import Clocks, Deadline, seconds_to_ns
from roost_cloud.aws_lambda.client import LambdaTarget
from roost_daemon.assets import face_detector_path, text_detector_path, text_recogniser_path
from roost_inference.engines.runner import ModelRunner
from roost_inference.models.manifest import load_manifests, write_manifests
from roost_inference.ports import Frame, Region

CLOCKS = Clocks()


@pytest.fixture(scope="module")
def demo_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo_models")
    assets = {
        "text_detector": text_detector_path(),
        "text_recogniser": text_recogniser_path(),
        "face_detector": face_detector_path(),
    }
    write_manifests(load_manifests(Path(roost_daemon.demo.__file__).parent / "models", assets), directory)
    return directory


@pytest.fixture(scope="module")
def edge(demo_models: Path) -> ModelRunner:
    return ModelRunner(load_manifests(demo_models))


def sign() -> Frame:
    picture = Image.new("RGB", (320, 240), (120, 130, 140))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 80, 260, 150), fill=(250, 250, 250))
    draw.text((80, 90), "DEPOT3", fill=(0, 0, 0), font_size=44)
    return Frame("scene", 1, np.asarray(picture), 0, 0)


@pytest.mark.anyio
async def test_every_model_of_the_demo_says_the_same_in_both_places(demo_models: Path, edge: ModelRunner) -> None:
    frame = sign()
    with running_endpoint(f"--function=inference={HANDLER}", "--models", str(demo_models), "--timeout=20") as started:
        target = LambdaTarget(started.settings(answer_timeout_s=20.0), CLOCKS)
        await target.open()
        for model in edge.model_names:
            for region in (None, Region(55, 75, 265, 155)):
                here = edge.run(model, frame.image, region)
                there = await target.infer(model, frame, region, Deadline.after(CLOCKS, seconds_to_ns(20)))
                assert (model, there.detections, there.outputs) == (model, here.detections, here.outputs)
                if model == "text_recogniser" and region is not None:
                    assert [found.text for found in there.detections] == ["DEPOT3"]
        await target.close()
