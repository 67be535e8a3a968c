"""One inference in the cloud: read the request, refuse what comes too late, run the model, answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roost.clock import NANOSECONDS_PER_MILLISECOND, Clocks, Deadline, ns_to_ms
from roost.errors import ConfigurationError, DeadlineExceededError
from roost_cloud.aws_lambda.payload import Response, decode_request, encode_response
from roost_inference.engines.runner import ModelRunner
from roost_inference.models.manifest import load_manifests
from roost_inference.ports import Inference, Region


class Context(Protocol):
    """What AWS Lambda tells a function of the running call."""

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's own time-out."""
        ...


class Runner(Protocol):
    """Runs a model on a picture."""

    def run(self, model: str, image: NDArray[np.uint8], region: Region | None) -> Inference:
        """As `ModelRunner.run`."""
        ...


class InferenceFunction:
    """The function. pre_warmed: the environment was started before anybody called, so no call waits for its start."""

    def __init__(self, runner: Runner, clocks: Clocks, *, pre_warmed: bool = False) -> None:
        self._runner = runner
        self._clocks = clocks
        self._cold = not pre_warmed

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> InferenceFunction:
        """Load the models that `ROOST_MODELS` names: a directory of manifests.

        Raises `ConfigurationError`.
        """
        directory = variables.get("ROOST_MODELS")
        if not directory:
            raise ConfigurationError(
                "the function has no models: ROOST_MODELS is not set", remedy="set it to the directory of the model manifests"
            )
        return cls(
            ModelRunner(load_manifests(Path(directory))),
            Clocks(),
            pre_warmed=variables.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency",
        )

    def __call__(self, event: object, context: Context) -> dict[str, object]:
        """Answer one call.

        AWS Lambda hands an error's class name and text to the caller. Raises `PayloadError`, `DeadlineExceededError`, and
        what `ModelRunner.run` raises.
        """
        cold, self._cold = self._cold, False
        request = decode_request(event)
        time_left_ns = min(
            Deadline.from_wire(request.deadline, self._clocks).remaining_ns(self._clocks),
            context.get_remaining_time_in_millis() * NANOSECONDS_PER_MILLISECOND,
        )
        if time_left_ns <= 0:
            raise DeadlineExceededError(
                f"'{request.model}' reached the function {ns_to_ms(-time_left_ns):.0f} ms after its deadline and was not run"
            )
        return encode_response(Response(self._runner.run(request.model, request.image, None), cold))
