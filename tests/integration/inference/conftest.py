"""Tiny real models, and a tiny real video, made for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from roost.clock import Clocks
from roost_daemon import assets
from roost_inference.models import ModelManifest, load_manifests

# The oldest format that has what these graphs need, so that every supported ONNX Runtime loads it.
OPSET, IR_VERSION = 13, 8

MANIFEST = """
file: {name}.onnx
input: {{name: image, layout: nhwc, size: [24, 32], scale: 0.00392156862745098}}
decoder: {{name: heatmap, threshold: 0.4, label: bright, unit: 1}}
"""


@pytest.fixture
def bright_spot_model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a model and its manifest: the brightest of 8x8 pixel cells is the heat, boxes are 8 pixels wide and high.

    Gives the directory. The graph: mean over channels, average pool by 8, and twice the constant 8 beside it.
    """

    def make(name: str = "bright") -> Path:
        nodes = [
            helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("ReduceMean", ["planes"], ["grey"], axes=[1], keepdims=1),
            helper.make_node("AveragePool", ["grey"], ["heat"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Mul", ["heat", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "eight"], ["side"]),
            helper.make_node("Concat", ["heat", "side", "side"], ["joined"], axis=1),
            helper.make_node("Transpose", ["joined"], ["out"], perm=[0, 2, 3, 1]),
        ]
        constants = [
            helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
            helper.make_tensor("eight", TensorProto.FLOAT, [1], [8.0]),
        ]
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 24, 32, 3])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 3, 4, 3])],
            constants,
        )
        directory = tmp_path / "models"
        directory.mkdir(exist_ok=True)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.save(model, directory / f"{name}.onnx")
        (directory / f"{name}.yaml").write_text(MANIFEST.format(name=name))
        return directory

    return make


@pytest.fixture
def bright_picture() -> np.ndarray:
    """uint8 [48,64,3], black, with one white square: 16 pixels wide and high, 32 from the left, 16 from the top."""
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    picture[16:32, 32:48] = 255
    return picture


@pytest.fixture(scope="session")
def demo_models() -> dict[str, ModelManifest]:
    """The demo's models, as `make setup` provides them."""
    directory = Path(__file__).parents[3] / "daemon" / "roost_daemon" / "demo" / "models"
    return load_manifests(
        directory,
        {
            "text_detector": assets.text_detector_path(),
            "text_recogniser": assets.text_recogniser_path(),
            "face_detector": assets.face_detector_path(),
        },
    )


@pytest.fixture
def clocks() -> Clocks:
    """The machine's clocks."""
    return Clocks()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 64x48, 20 pictures a second, one second long; picture k is grey with the value 10 * k."""
    path = tmp_path_factory.mktemp("video") / "grey.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=20, options={"g": "1", "crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(20):
            picture = np.full((48, 64, 3), 10 * k, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
