from pathlib import Path

import pytest

import roost_daemon.demo
from roost.errors import ConfigurationError
from roost_inference.models import load_manifest, load_manifests, write_manifests

FULL = """
file: net.onnx
licence: Apache-2.0
input: {name: image, layout: nhwc, size: [240, 320], colour: bgr, resize: letterbox, scale: 0.5, mean: [1, 2, 3]}
decoder: {name: heatmap, threshold: 0.4, label: vest}
schedule: {benefit: 100, edge_cost: 1, cloud_cost: 5, deadline_ms: 250}
"""


def manifest(directory: Path, text: str, name: str = "net") -> Path:
    path = directory / f"{name}.yaml"
    path.write_text(text)
    return path


def test_a_manifest_says_all_that_is_known_of_a_model(tmp_path: Path) -> None:
    read = load_manifest(manifest(tmp_path, FULL))

    assert read.name == "net"
    assert read.file == tmp_path / "net.onnx"
    assert read.input.size == (240, 320)
    assert read.input.typical == (240, 320)
    assert read.input.mean == (1.0, 2.0, 3.0)
    assert read.decoder == "heatmap"
    assert dict(read.decoder_parameters) == {"threshold": 0.4, "label": "vest"}
    assert read.deadline_ns == 250_000_000
    assert (read.benefit, read.edge_cost, read.cloud_cost) == (100.0, 1.0, 5.0)


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    read = load_manifest(manifest(tmp_path, "file: a.onnx\ninput: {name: x, size: dynamic}"))

    assert read.decoder == "none"
    assert read.input.size == (None, None)
    assert read.follows == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1, 2]", "{path}: the file is not a mapping; write it as 'key: value' lines"),
        ("input: {name: x, size: dynamic}", "{path}: 'file' is missing; give a word"),
        ("file: a\ninput: {size: dynamic}", "{path}: 'input.name' is missing; give a word"),
        ("file: a\ninput: {name: x}", "{path}: 'input.size' is missing; give [height, width] in pixels, or dynamic"),
        (
            "file: a\ninput: {name: x, size: [3]}",
            "{path}: 'input.size' is [3]; allowed: [height, width] in pixels, or dynamic",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic, colour: red}",
            "{path}: 'input.colour' is 'red'; allowed: rgb or bgr or grey",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic, resize: letterbox}",
            "{path}: 'input.size' is 'dynamic'; allowed: [height, width] in pixels with 'resize: letterbox'",
        ),
        ("file: a\ninput: {name: x, size: dynamic, std: 0}", "{path}: 'input.std' is 0; allowed: a number other than 0"),
        (
            "file: a\ninput: {name: x, size: dynamic, multiple_of: 0}",
            "{path}: 'input.multiple_of' is 0; allowed: a whole number of at least 1",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\nschedule: {deadline_ms: soon}",
            "{path}: 'schedule.deadline_ms' is 'soon'; allowed: a number of at least 1",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\nschedule: {value: 3}",
            "{path}: unknown key 'schedule.value'; allowed: benefit, cloud_cost, deadline_ms, edge_cost, follows",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\ndecoder: {name: yolo}",
            "{path}: 'decoder.name' is 'yolo'; allowed: centerface, corner_boxes, ctc_text, db_text, heatmap, movenet, none, "
            "scalar, ssd_mask, yolox",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\ndecoder: {name: heatmap, limit: 3}",
            "{path}: 'decoder.limit' is 3; allowed: for heatmap: threshold, overlap, unit, label",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\ndecoder: {name: heatmap, threshold: high}",
            "{path}: 'decoder.threshold' is 'high'; allowed: a number",
        ),
        (
            "file: a\ninput: {name: x, size: dynamic}\nsha256: abc",
            "{path}: 'sha256' is 'abc'; allowed: 64 hexadecimal digits",
        ),
        (
            "file: a\nasset: b\ninput: {name: x, size: dynamic}",
            "{path}: has both 'file' and 'asset'; keep one of them",
        ),
        ("asset: b\ninput: {name: x, size: dynamic}", "{path}: 'asset' is 'b'; allowed: clip"),
        (
            "name: Net\nfile: a\ninput: {name: x, size: dynamic}",
            "{path}: 'name' is 'Net'; allowed: small letters, digits, '_' and '-', a letter first",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_with_file_key_and_what_is_allowed(tmp_path: Path, text: str, line: str) -> None:
    path = manifest(tmp_path, text)

    with pytest.raises(ConfigurationError) as caught:
        load_manifest(path, {"clip": tmp_path / "clip.mp4"})

    assert str(caught.value) == line.format(path=path)


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = manifest(tmp_path, "file: [")

    with pytest.raises(
        ConfigurationError, match=r"net\.yaml: is not YAML \(while parsing .* line 1, .*\); correct that line"
    ):
        load_manifest(path)


def test_an_absent_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_manifest(tmp_path / "net.yaml")

    assert str(caught.value) == f"{tmp_path / 'net.yaml'}: cannot be read (No such file or directory); check the path"


def test_an_asset_is_found_where_the_installation_has_it(tmp_path: Path) -> None:
    path = manifest(tmp_path, "asset: text\ninput: {name: x, size: dynamic}")

    assert load_manifest(path, {"text": Path("/cache/text.onnx")}).file == Path("/cache/text.onnx")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_manifests(tmp_path / "models")

    assert str(caught.value) == (
        f"{tmp_path / 'models'}: no such directory of models; name one that holds manifests (*.yaml)"
    )


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    manifest(tmp_path, FULL, "a")
    second = manifest(tmp_path, f"name: a\n{FULL}", "b")

    with pytest.raises(ConfigurationError) as caught:
        load_manifests(tmp_path)

    assert str(caught.value) == f"{second}: the name 'a' is taken by a.yaml; rename one"


def test_a_model_follows_one_that_is_there(tmp_path: Path) -> None:
    path = manifest(tmp_path, "file: a\ninput: {name: x, size: dynamic}\nschedule: {follows: other}")
    manifest(tmp_path, FULL, "first")

    with pytest.raises(ConfigurationError) as caught:
        load_manifests(tmp_path)

    assert str(caught.value) == f"{path}: 'schedule.follows' names 'other', which is not here; allowed: first"


def test_manifests_written_for_another_process_are_read_there_as_they_were(tmp_path: Path) -> None:
    manifest(tmp_path, FULL)
    manifest(tmp_path, "asset: text\ninput: {name: x, size: [48, dynamic], resize: height_only}", "text")
    read = load_manifests(tmp_path, {"text": Path("/cache/text.onnx")})

    write_manifests(read, tmp_path / "copy")
    again = load_manifests(tmp_path / "copy")

    assert list(again) == ["net", "text"]
    assert again["text"].file == Path("/cache/text.onnx")
    for name, before in read.items():
        assert again[name].input == before.input
        assert dict(again[name].decoder_parameters) == dict(before.decoder_parameters)
        assert again[name].deadline_ns == before.deadline_ns


def test_the_demo_s_manifests_are_right() -> None:
    directory = Path(roost_daemon.demo.__file__).parent / "models"
    assets = {name: Path(f"/cache/{name}.onnx") for name in ("text_detector", "text_recogniser", "face_detector")}

    manifests = load_manifests(directory, assets)

    assert list(manifests) == ["face_detector", "text_detector", "text_recogniser", "vest_detector"]
    assert manifests["text_recogniser"].follows == "text_detector"
