"""A user's own directory of models: those with a manifest as it says, those without one as their graph tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from roost.errors import ConfigurationError
from roost_inference.engines.onnx import OnnxSession
from roost_inference.models.manifest import InputSpec, ModelManifest, load_manifests

_TYPES = MappingProxyType({"tensor(float)": "float32", "tensor(uint8)": "uint8"})


def load_models(directory: Path, assets: Mapping[str, Path] = MappingProxyType({})) -> dict[str, ModelManifest]:
    """All models of a directory, by name. An ONNX file that no manifest names gets a plain one, without a decoder.

    Raises `roost.errors.ConfigurationError` where a manifest is wrong, a graph takes no picture, or there is no model.
    """
    manifests = load_manifests(directory, assets)
    described = {manifest.file.resolve() for manifest in manifests.values()}
    for file in sorted(directory.glob("*.onnx")):
        if file.resolve() not in described:
            manifest = describe_model(file)
            if manifest.name in manifests:
                raise ConfigurationError(
                    f"{file}: the name '{manifest.name}' is taken by {manifests[manifest.name].source.name}",
                    remedy="rename one",
                )
            manifests[manifest.name] = manifest
    if not manifests:
        raise ConfigurationError(f"{directory}: holds no model", remedy="put ONNX files and their manifests (*.yaml) there")
    return manifests


def describe_model(file: Path) -> ModelManifest:
    """The plain manifest of a model that takes one picture: its values from 0 to 1 (or bytes), no decoder.

    Raises `roost.errors.ConfigurationError` if its input is no picture.
    """
    inputs = OnnxSession(file).inputs
    spec = None
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and inputs[0].type in _TYPES:
        (info,) = inputs
        kind = _TYPES[info.type]
        scale = 1.0 if kind == "uint8" else 1.0 / 255.0
        batch, second, third, last = info.shape
        if batch in (None, 1):
            if second in (1, 3):
                spec = _spec(info.name, "nchw", kind, second, (third, last), scale)
            elif last in (1, 3):
                spec = _spec(info.name, "nhwc", kind, last, (second, third), scale)
    if spec is None:
        takes = ", ".join(f"{info.name} {list(info.shape)} {info.type}" for info in inputs)
        raise ConfigurationError(
            f"{file}: takes {takes}, which is not one picture", remedy="export it with one picture as input, or take it away"
        )
    name = re.sub(r"[^a-z0-9_-]", "_", file.stem.lower())
    return ModelManifest(name=name if name[0].isalpha() else f"model_{name}", file=file, input=spec, source=file)


def _spec(name: str, layout: str, kind: str, channels: int, size: tuple[int | None, int | None], scale: float) -> InputSpec:
    height, width = size
    return InputSpec(
        name=name,
        layout=layout,
        type=kind,
        size=size,
        colour="grey" if channels == 1 else "rgb",
        scale=scale,
        multiple_of=1 if height is not None and width is not None else 32,
        typical=(height or 240, width or 320),
    )
