"""ONNX Runtime: a session from a file, with the settings of the house and the provider checked.

One thread a run and no spinning: parallelism comes from several models and machines, and a spinning pool burns the core
that the next model needs. ONNX Runtime falls back to the CPU in silence; here that is an error unless it was allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from roost.errors import ConfigurationError
from roost_inference.ports import EngineError

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
)

_ORT_ERRORS = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)
"""Every error of ONNX Runtime that a load or a run can end in; they have no base of their own."""

_LOG_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a graph. shape: None for a side that the graph leaves open."""

    name: str
    shape: tuple[int | None, ...]
    type: str


def ort_version() -> str:
    """The version of the ONNX Runtime in use."""
    return str(onnxruntime.__version__)


class OnnxSession:
    """A loaded model.

    provider: a key of `PROVIDERS`. allow_fallback: whether it may end up on the CPU instead.
    Raises `ConfigurationError` if the file is missing, is not a model, or the provider is not there.
    """

    def __init__(self, file: Path, *, threads: int = 1, provider: str = "cpu", allow_fallback: bool = False) -> None:
        if provider not in PROVIDERS:
            raise ConfigurationError(f"the engine's provider is '{provider}'", remedy=f"allowed: {', '.join(PROVIDERS)}")
        if not file.is_file():
            raise ConfigurationError(f"{file}: no such model", remedy="put the ONNX file there or correct the manifest")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        available = PROVIDERS[provider] in onnxruntime.get_available_providers()
        if not available and not allow_fallback:
            raise _no_provider(provider, "this ONNX Runtime was built without it")
        wanted = [PROVIDERS[provider]] if available else []
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=list(dict.fromkeys([*wanted, PROVIDERS["cpu"]]))
            )
        except _ORT_ERRORS as error:
            raise ConfigurationError(
                f"{file}: is not a model that ONNX Runtime {ort_version()} can load ({_one_line(error)})",
                remedy="export it again as ONNX",
            ) from error
        # A provider that fails in the middle would make the session anew on the CPU; a late surprise is worse than an error.
        self._session.disable_fallback()
        self.provider = next(key for key, name in PROVIDERS.items() if name == self._session.get_providers()[0])
        if self.provider != provider and not allow_fallback:
            raise _no_provider(provider, f"the model would run on {self.provider}")
        self._file = file
        self._output_names = [output.name for output in self._session.get_outputs()]

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The graph's inputs."""
        return _infos(self._session.get_inputs())

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's own key-value pairs."""
        return MappingProxyType(dict(self._session.get_modelmeta().custom_metadata_map))

    def run(self, name: str, tensor: NDArray[np.float32] | NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """All outputs for one input tensor. Raises `EngineError`."""
        try:
            values = self._session.run(self._output_names, {name: tensor})
        except _ORT_ERRORS as error:
            raise EngineError(
                f"{self._file.name}: the run failed ({_one_line(error)})", remedy="check the model's manifest"
            ) from error
        return dict(zip(self._output_names, values, strict=True))


def _infos(nodes: Sequence[Any]) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(node.name, tuple(side if isinstance(side, int) else None for side in node.shape), str(node.type))
        for node in nodes
    )


def _no_provider(provider: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the engine's provider '{provider}' cannot be used: {why}",
        remedy="install the runtime for it, or choose provider 'cpu', or set 'allow_fallback'",
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
