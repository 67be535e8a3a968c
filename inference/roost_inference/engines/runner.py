"""From picture to detections: preprocess, run, decode. One code path for the worker here and the function in the cloud."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roost.clock import Clocks
from roost.errors import ConfigurationError, UnknownNameError
from roost_inference.engines.onnx import OnnxSession, TensorInfo
from roost_inference.models.decoders import Decoder, make_decoder
from roost_inference.models.manifest import InputSpec, ModelManifest
from roost_inference.models.preprocessing import prepare
from roost_inference.ports import Inference, Region

_TYPES = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}


@dataclass(frozen=True, slots=True)
class _Loaded:
    manifest: ModelManifest
    session: OnnxSession
    decoder: Decoder


class ModelRunner:
    """All models of some manifests, loaded and checked.

    threads: of a run. provider: "cpu", "cuda" or "tensorrt"; another one than asked for is an error unless allow_fallback.
    Not for use by several threads at once. Raises `roost.errors.ConfigurationError`: a model is missing, is not one, or
    does not fit its manifest; the message names file and key.
    """

    def __init__(
        self,
        manifests: Mapping[str, ModelManifest],
        threads: int = 1,
        *,
        provider: str = "cpu",
        allow_fallback: bool = False,
        clocks: Clocks | None = None,
    ) -> None:
        self._clocks = clocks or Clocks()
        self._models = {
            name: _load(
                manifest, OnnxSession(manifest.file, threads=threads, provider=provider, allow_fallback=allow_fallback)
            )
            for name, manifest in manifests.items()
        }

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models that can be run."""
        return tuple(self._models)

    @property
    def providers(self) -> dict[str, str]:
        """By model, what really runs it."""
        return {name: loaded.session.provider for name, loaded in self._models.items()}

    def run(self, model: str, image: NDArray[np.uint8], region: Region | None = None) -> Inference:
        """Run a model on a picture, uint8 [h,w,3] in RGB, or on a part of it.

        Detections are in pixels of the picture. Raises `BadInputError`, `EngineError` and `UnknownNameError`.
        """
        start_ns = self._clocks.monotonic_ns()
        loaded = self._models.get(model)
        if loaded is None:
            raise UnknownNameError(f"no model '{model}' here", remedy=f"known: {', '.join(self._models) or 'none'}")
        tensor, geometry = prepare(image, region, loaded.manifest.input)
        outputs = loaded.session.run(loaded.manifest.input.name, tensor)
        detections = loaded.decoder.decode(outputs, geometry)
        shapes = {name: tuple(array.shape) for name, array in outputs.items()}
        return Inference(detections, shapes, self._clocks.monotonic_ns() - start_ns)


def check_model(manifest: ModelManifest) -> None:
    """Load one model and run it once on a grey picture. Raises what a real run would, with one clear line."""
    runner = ModelRunner({manifest.name: manifest})
    runner.run(manifest.name, np.full((*manifest.input.typical, 3), 128, dtype=np.uint8))


def _load(manifest: ModelManifest, session: OnnxSession) -> _Loaded:
    if manifest.sha256:
        found = hashlib.sha256(manifest.file.read_bytes()).hexdigest()
        if found != manifest.sha256:
            raise ConfigurationError(
                f"{manifest.source}: 'sha256' is {manifest.sha256[:12]}..., {manifest.file.name} has {found[:12]}...",
                remedy="get the model again, or correct the manifest",
            )
    _check_input(manifest, session.inputs)
    return _Loaded(manifest, session, make_decoder(manifest.decoder, manifest.decoder_parameters, session.metadata))


def _check_input(manifest: ModelManifest, inputs: tuple[TensorInfo, ...]) -> None:
    spec, source = manifest.input, manifest.source
    if [info.name for info in inputs] != [spec.name]:
        names = ", ".join(info.name for info in inputs)
        raise ConfigurationError(
            f"{source}: 'input.name' is '{spec.name}', {manifest.file.name} has {names}",
            remedy="models have exactly one input",
        )
    (info,) = inputs
    if info.type != _TYPES[spec.type]:
        raise ConfigurationError(
            f"{source}: 'input.type' is {spec.type}, {manifest.file.name} takes {info.type}",
            remedy=f"allowed: {', '.join(_TYPES)}",
        )
    wanted = _shape(spec)
    fits = len(info.shape) == 4 and all(has is None or has == want for has, want in zip(info.shape, wanted, strict=True))
    if not fits:
        raise ConfigurationError(
            f"{source}: the input described is {_written(wanted)}, {manifest.file.name} takes {_written(info.shape)}",
            remedy="correct 'input.size', 'input.layout' or 'input.colour'",
        )


def _shape(spec: InputSpec) -> tuple[int | None, ...]:
    channels = 1 if spec.colour == "grey" else 3
    height, width = spec.size
    return (1, channels, height, width) if spec.layout == "nchw" else (1, height, width, channels)


def _written(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if side is None else str(side) for side in shape) + "]"
