"""From picture to detections on a real ONNX Runtime, and what is said of a model that cannot be used."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roost.errors import ConfigurationError, UnknownNameError
from roost_inference.engines.describe import describe_model, load_models
from roost_inference.engines.onnx import OnnxSession
from roost_inference.engines.runner import ModelRunner, check_model
from roost_inference.models import ModelManifest, load_manifests
from roost_inference.ports import BadInputError, EngineError, Region

MakeModel = Callable[..., Path]


@pytest.fixture
def manifest(bright_spot_model: MakeModel) -> ModelManifest:
    return load_manifests(bright_spot_model())["bright"]


def test_a_model_finds_what_it_was_made_to_find(manifest: ModelManifest, bright_picture: np.ndarray) -> None:
    runner = ModelRunner({"bright": manifest})

    inference = runner.run("bright", bright_picture)

    (found,) = inference.detections
    assert (found.label, found.region) == ("bright", Region(32, 16, 48, 32))
    assert found.score == pytest.approx(1.0, abs=0.05)
    assert inference.outputs == {"out": (1, 3, 4, 3)}
    assert inference.compute_ns > 0
    assert runner.model_names == ("bright",)
    assert runner.providers == {"bright": "cpu"}


def test_a_part_of_a_picture_is_told_in_pixels_of_the_whole(manifest: ModelManifest, bright_picture: np.ndarray) -> None:
    inference = ModelRunner({"bright": manifest}).run("bright", bright_picture, Region(32, 0, 64, 24))

    assert [found.region for found in inference.detections] == [Region(32, 16, 40, 24), Region(40, 16, 48, 24)]


def test_an_unknown_model_is_named(manifest: ModelManifest, bright_picture: np.ndarray) -> None:
    with pytest.raises(UnknownNameError) as caught:
        ModelRunner({"bright": manifest}).run("dark", bright_picture)

    assert str(caught.value) == "no model 'dark' here; known: bright"


def test_a_picture_that_is_none_is_refused(manifest: ModelManifest) -> None:
    with pytest.raises(BadInputError, match=r"the frame is float64 \[2, 2\]"):
        ModelRunner({"bright": manifest}).run("bright", np.zeros((2, 2)))  # type: ignore[arg-type]  # that is the point


def test_a_missing_model_is_named(manifest: ModelManifest) -> None:
    manifest.file.unlink()

    with pytest.raises(ConfigurationError) as caught:
        check_model(manifest)

    assert str(caught.value) == f"{manifest.file}: no such model; put the ONNX file there or correct the manifest"


def test_a_file_that_is_no_model_is_named(manifest: ModelManifest) -> None:
    manifest.file.write_bytes(b"no model at all")

    with pytest.raises(
        ConfigurationError, match=r"bright\.onnx: is not a model that ONNX Runtime .*; export it again as ONNX"
    ):
        check_model(manifest)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"name": "picture"}, "'input.name' is 'picture', bright.onnx has image; models have exactly one input"),
        ({"type": "uint8"}, "'input.type' is uint8, bright.onnx takes tensor(float); allowed: float32, uint8"),
        (
            {"size": (240, 320)},
            "the input described is [1, 240, 320, 3], bright.onnx takes [any, 24, 32, 3]; "
            "correct 'input.size', 'input.layout' or 'input.colour'",
        ),
        (
            {"layout": "nchw"},
            "the input described is [1, 3, 24, 32], bright.onnx takes [any, 24, 32, 3]; "
            "correct 'input.size', 'input.layout' or 'input.colour'",
        ),
        (
            {"size": (None, None)},
            "the input described is [1, any, any, 3], bright.onnx takes [any, 24, 32, 3]; "
            "correct 'input.size', 'input.layout' or 'input.colour'",
        ),
    ],
)
def test_an_input_that_the_graph_does_not_have_is_refused(
    manifest: ModelManifest, change: dict[str, object], line: str
) -> None:
    wrong = replace(manifest, input=replace(manifest.input, **change))  # type: ignore[arg-type]  # parametrised fields

    with pytest.raises(ConfigurationError) as caught:
        ModelRunner({"bright": wrong})

    assert str(caught.value) == f"{manifest.source}: {line}"


def test_a_decoder_of_another_family_is_refused_before_the_first_frame(manifest: ModelManifest) -> None:
    with pytest.raises(
        EngineError, match=r"the decoder db_text reads outputs \[any,1,any,any\], the model gave out \[1, 3, 4, 3\]"
    ):
        check_model(replace(manifest, decoder="db_text", decoder_parameters={}))


def test_a_model_of_another_hash_is_refused(manifest: ModelManifest) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ModelRunner({"bright": replace(manifest, sha256="0" * 64)})

    assert str(caught.value).startswith(f"{manifest.source}: 'sha256' is 000000000000..., bright.onnx has ")


def test_a_provider_that_is_not_there_is_an_error_unless_the_cpu_may_stand_in(manifest: ModelManifest) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OnnxSession(manifest.file, provider="tensorrt")

    assert str(caught.value) == (
        "the engine's provider 'tensorrt' cannot be used: this ONNX Runtime was built without it; "
        "install the runtime for it, or choose provider 'cpu', or set 'allow_fallback'"
    )
    assert OnnxSession(manifest.file, provider="tensorrt", allow_fallback=True).provider == "cpu"


def test_a_provider_that_nobody_knows_is_refused(manifest: ModelManifest) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OnnxSession(manifest.file, provider="npu")

    assert str(caught.value) == "the engine's provider is 'npu'; allowed: cpu, cuda, tensorrt"


def test_a_model_without_a_manifest_gets_a_plain_one(bright_spot_model: MakeModel, bright_picture: np.ndarray) -> None:
    directory = bright_spot_model()
    (directory / "bright.yaml").unlink()

    models = load_models(directory)

    assert models["bright"].input.size == (24, 32)
    assert models["bright"].input.layout == "nhwc"
    assert ModelRunner(models).run("bright", bright_picture).outputs == {"out": (1, 3, 4, 3)}


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_models(tmp_path)

    assert str(caught.value) == f"{tmp_path}: holds no model; put ONNX files and their manifests (*.yaml) there"


def test_a_graph_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "vector",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "vector.onnx")

    with pytest.raises(ConfigurationError) as caught:
        describe_model(tmp_path / "vector.onnx")

    assert str(caught.value) == (
        f"{tmp_path / 'vector.onnx'}: takes x [1, 8] tensor(float), which is not one picture; "
        "export it with one picture as input, or take it away"
    )


def test_the_function_in_the_cloud_can_import_the_runner_without_the_daemon_s_libraries() -> None:
    code = (
        "import sys, roost_inference.engines.runner, roost_inference.models; "
        "print(sorted({'grpc', 'pydantic', 'boto3', 'av', 'anyio', 'rclpy', 'roost_daemon'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
