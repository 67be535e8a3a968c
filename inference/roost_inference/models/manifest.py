"""Model manifests: what must be known of an ONNX file to feed it, read it and schedule it.

A manifest is a YAML file, `<name>.yaml`, in the directory of the model:

    file: vest_detector.onnx      # relative to the manifest; or `asset: NAME`, a file that the installation provides
    sha256: 26377bdd...           # optional; checked when the model is loaded
    licence: Apache-2.0
    input:
      name: image                 # of the graph's input
      layout: nhwc                # nchw | nhwc
      type: float32               # float32 | uint8
      size: [240, 320]            # height, width; `dynamic` for either or both
      colour: rgb                 # rgb | bgr | grey
      resize: stretch             # stretch | letterbox (picture top left, the rest `padding`) | height_only
      scale: 0.00392156862745098  # value = (pixel * scale - mean) / std
      mean: 0                     # one number, or one for each channel
      std: 1
      padding: 0                  # grey value of 0..255 for what the picture leaves free
      multiple_of: 32             # dynamic sides are rounded to a multiple of this ...
      max_side: 640               # ... and the longer one is at most this; 0 for no limit
      typical: [240, 320]         # a usual picture of this model, for measuring its time
    decoder:
      name: heatmap               # see `decoders`; `none` gives the raw outputs' shapes
      threshold: 0.3              # each decoder has parameters of its own
    schedule:
      benefit: 100                # worth of a result in time
      edge_cost: 1                # price of a run here
      cloud_cost: 5               # price of a run in the cloud
      deadline_ms: 500            # from the frame's arrival
      follows: text_detector      # optional: runs on what that model found

Only the format lives here, and no model is opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import yaml

from roost.clock import NANOSECONDS_PER_MILLISECOND
from roost.errors import ConfigurationError
from roost_inference.models.decoders import check_decoder
from roost_inference.models.fields import Fields

Size = tuple[int | None, int | None]
"""Height and width; None where the model takes any."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEFAULT_TYPICAL = (240, 320)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a picture becomes the model's input: value = (pixel * scale - mean) / std. See the module for the words."""

    name: str
    layout: str = "nchw"
    type: str = "float32"
    size: Size = (None, None)
    colour: str = "rgb"
    resize: str = "stretch"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    padding: int = 0
    multiple_of: int = 1
    max_side: int = 0
    typical: tuple[int, int] = _DEFAULT_TYPICAL


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """A model: where its file is, its input, its decoder, and what the scheduler must know of it.

    source: the manifest's own file, for messages. benefit, edge_cost, cloud_cost: in one unit of the site's choice.
    deadline_ns: relative deadline of a task that names none. follows: the model on whose detections it runs, or "".
    """

    name: str
    file: Path
    input: InputSpec
    decoder: str = "none"
    decoder_parameters: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    benefit: float = 1.0
    edge_cost: float = 0.0
    cloud_cost: float = 0.0
    deadline_ns: int = 1000 * NANOSECONDS_PER_MILLISECOND
    follows: str = ""
    licence: str = ""
    sha256: str = ""
    source: Path = Path()


def load_manifest(path: Path, assets: Mapping[str, Path] = MappingProxyType({})) -> ModelManifest:
    """Read one manifest. `assets` gives the paths of the files that manifests name by `asset:`.

    Raises `roost.errors.ConfigurationError` naming the file, the key and what is allowed.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})", remedy="check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not YAML ({_one_line(error)})", remedy="correct that line") from error
    fields = Fields(path, data)
    name = fields.text("name", path.stem)
    if not _NAME.fullmatch(name):
        raise fields.wrong("name", name, "small letters, digits, '_' and '-', a letter first")
    sha256 = fields.text("sha256", "-")
    if sha256 != "-" and not _SHA256.fullmatch(sha256):
        raise fields.wrong("sha256", sha256, "64 hexadecimal digits")
    schedule = fields.section("schedule")
    decoder, parameters = _decoder(path, fields)
    manifest = ModelManifest(
        name=name,
        file=_file(fields, path, assets),
        input=_input(fields.section("input")),
        decoder=decoder,
        decoder_parameters=MappingProxyType(parameters),
        benefit=schedule.number("benefit", 1.0),
        edge_cost=schedule.number("edge_cost", 0.0, 0.0),
        cloud_cost=schedule.number("cloud_cost", 0.0, 0.0),
        deadline_ns=round(schedule.number("deadline_ms", 1000.0, 1.0) * NANOSECONDS_PER_MILLISECOND),
        follows=schedule.text("follows", "-").removeprefix("-"),
        licence=fields.text("licence", "-").removeprefix("-"),
        sha256=sha256.removeprefix("-"),
        source=path,
    )
    schedule.finish()
    fields.finish()
    return manifest


def load_manifests(directory: Path, assets: Mapping[str, Path] = MappingProxyType({})) -> dict[str, ModelManifest]:
    """All manifests of a directory, by name, in alphabetical order.

    Raises `roost.errors.ConfigurationError` where one is wrong, two have one name, or one follows an unknown model.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"{directory}: no such directory of models", remedy="name one that holds manifests (*.yaml)")
    manifests: dict[str, ModelManifest] = {}
    for path in sorted(directory.glob("*.yaml")):
        manifest = load_manifest(path, assets)
        if manifest.name in manifests:
            first = manifests[manifest.name].source
            raise ConfigurationError(f"{path}: the name '{manifest.name}' is taken by {first.name}", remedy="rename one")
        manifests[manifest.name] = manifest
    for manifest in manifests.values():
        if manifest.follows and manifest.follows not in manifests:
            raise ConfigurationError(
                f"{manifest.source}: 'schedule.follows' names '{manifest.follows}', which is not here",
                remedy=f"allowed: {', '.join(sorted(set(manifests) - {manifest.name})) or 'nothing, it is the only model'}",
            )
    return manifests


def write_manifests(manifests: Mapping[str, ModelManifest], directory: Path) -> None:
    """Write manifests, with absolute paths of their models, into a directory that `load_manifests` reads without assets.

    This is how a set of models is handed to another process.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for manifest in manifests.values():
        text = yaml.safe_dump(_to_data(manifest), sort_keys=False, default_flow_style=None)
        (directory / f"{manifest.name}.yaml").write_text(text, encoding="utf-8")


def _file(fields: Fields, path: Path, assets: Mapping[str, Path]) -> Path:
    if fields.has("asset"):
        asset = fields.text("asset")
        if fields.has("file"):
            raise ConfigurationError(f"{path}: has both 'file' and 'asset'", remedy="keep one of them")
        if asset not in assets:
            raise fields.wrong("asset", asset, ", ".join(sorted(assets)) or "none here; use 'file'")
        fields.raw("file")
        return assets[asset]
    fields.raw("asset")
    return path.parent / fields.text("file")


def _input(fields: Fields) -> InputSpec:
    size = _size(fields, "size")
    fixed = size[0] is not None and size[1] is not None
    typical = _size(fields, "typical") if fields.has("typical") else (size if fixed else _DEFAULT_TYPICAL)
    fields.raw("typical")
    if typical[0] is None or typical[1] is None:
        raise fields.wrong("typical", "dynamic", "[height, width] in pixels")
    spec = InputSpec(
        name=fields.text("name"),
        layout=fields.choice("layout", ("nchw", "nhwc"), "nchw"),
        type=fields.choice("type", ("float32", "uint8"), "float32"),
        size=size,
        colour=fields.choice("colour", ("rgb", "bgr", "grey"), "rgb"),
        resize=fields.choice("resize", ("stretch", "letterbox", "height_only"), "stretch"),
        scale=fields.number("scale", 1.0),
        mean=fields.channels("mean", 0.0),
        std=fields.channels("std", 1.0),
        padding=fields.whole("padding", 0),
        multiple_of=fields.whole("multiple_of", 1, 1),
        max_side=fields.whole("max_side", 0),
        typical=(typical[0], typical[1]),
    )
    if 0.0 in spec.std:
        raise fields.wrong("std", 0, "a number other than 0")
    if spec.resize == "letterbox" and not fixed:
        raise fields.wrong("size", fields.raw("size"), "[height, width] in pixels with 'resize: letterbox'")
    if spec.resize == "height_only" and (size[0] is None or size[1] is not None):
        raise fields.wrong("size", fields.raw("size"), "[height, dynamic] with 'resize: height_only'")
    fields.finish()
    return spec


def _size(fields: Fields, key: str) -> Size:
    value = fields.raw(key)
    if value == "dynamic":
        return (None, None)
    if isinstance(value, list) and len(value) == 2 and all(_is_side(side) for side in value):
        height, width = (None if side == "dynamic" else int(side) for side in value)
        return (height, width)
    raise fields.wrong(key, value, "[height, width] in pixels, or dynamic")


def _is_side(value: object) -> bool:
    return value == "dynamic" or (isinstance(value, int) and not isinstance(value, bool) and value > 0)


def _decoder(path: Path, fields: Fields) -> tuple[str, dict[str, object]]:
    data = fields.raw("decoder")
    if data is None:
        return "none", {}
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        raise fields.wrong("decoder", data, "a mapping with 'name'")
    parameters = {str(key): value for key, value in data.items() if key != "name"}
    problem = check_decoder(str(data["name"]), parameters)
    if problem is not None:
        raise ConfigurationError(
            f"{path}: 'decoder.{problem.key}' is {problem.value!r}", remedy=f"allowed: {problem.allowed}"
        )
    return str(data["name"]), parameters


def _to_data(manifest: ModelManifest) -> dict[str, object]:
    spec = manifest.input
    data: dict[str, object] = {
        "name": manifest.name,
        "file": str(manifest.file.resolve()),
        "input": {
            "name": spec.name,
            "layout": spec.layout,
            "type": spec.type,
            "size": ["dynamic" if side is None else side for side in spec.size],
            "colour": spec.colour,
            "resize": spec.resize,
            "scale": spec.scale,
            "mean": list(spec.mean) if len(spec.mean) > 1 else spec.mean[0],
            "std": list(spec.std) if len(spec.std) > 1 else spec.std[0],
            "padding": spec.padding,
            "multiple_of": spec.multiple_of,
            "max_side": spec.max_side,
            "typical": list(spec.typical),
        },
        "decoder": {"name": manifest.decoder, **manifest.decoder_parameters},
        "schedule": {
            "benefit": manifest.benefit,
            "edge_cost": manifest.edge_cost,
            "cloud_cost": manifest.cloud_cost,
            "deadline_ms": manifest.deadline_ns / NANOSECONDS_PER_MILLISECOND,
            **({"follows": manifest.follows} if manifest.follows else {}),
        },
    }
    if manifest.licence:
        data["licence"] = manifest.licence
    if manifest.sha256:
        data["sha256"] = manifest.sha256
    return data


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
