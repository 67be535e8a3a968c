"""A real model, and the embedded endpoint in a process of its own with the real function and some that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from roost_cloud.aws_lambda.connection import Credentials, LambdaSettings

FUNCTIONS = Path(__file__).parent / "functions"
HANDLER = "roost_cloud.aws_lambda.function.handler.handler"


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint: what it told when it was ready, and its process."""

    url: str
    credentials: Credentials
    function_pids: list[int]
    process: subprocess.Popen[bytes]

    def settings(self, function: str = "inference", **changes: object) -> LambdaSettings:
        return LambdaSettings(function, endpoint_url=self.url, credentials=self.credentials, **changes)  # type: ignore[arg-type] # by name


@contextmanager
def running_endpoint(*arguments: str) -> Iterator[Endpoint]:
    process = subprocess.Popen(
        [sys.executable, "-m", "roost_cloud.aws_lambda.local", *arguments], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield Endpoint(told["url"], Credentials(told["access_key_id"], told["secret_access_key"]), told["pids"], process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one manifest and its model: `red_finder` finds red spots in a frame of any size."""
    directory = tmp_path_factory.mktemp("models")
    # Heat = red minus green, averaged over cells of 8x8 pixels; width and height are two cells.
    weights = np.zeros((3, 3, 1, 1), np.float32)
    weights[0, 0], weights[0, 1] = 1.0, -1.0
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["cells", "weights", "bias"], ["heat_planes"]),
        helper.make_node("Transpose", ["heat_planes"], ["heat"], perm=[0, 2, 3, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "red_finder",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("heat", TensorProto.FLOAT, [1, "rows", "columns", 3])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([0.0, 2.0, 2.0], np.float32), "bias"),
        ],
    )
    onnx.save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)]), directory / "red_finder.onnx"
    )
    (directory / "red_finder.yaml").write_text(
        "file: red_finder.onnx\n"
        "input: {name: image, layout: nhwc, size: dynamic, multiple_of: 8, scale: 0.00392156862745098}\n"
        "decoder: {name: heatmap, threshold: 0.3, label: spot}\n"
    )
    return directory


@pytest.fixture(scope="module")
def endpoint(models: Path) -> Iterator[Endpoint]:
    misbehaving = [
        f"--function={name}=behaviours.{name}"
        for name in ("echo", "fail", "leave", "sleep", "flood", "touch", "hold", "surroundings", "deadline")
    ]
    with running_endpoint(
        *(f"--function=inference={HANDLER}", *misbehaving, "--function=unimportable=no_such_module.handler"),
        *("--models", str(models), "--code", str(FUNCTIONS), "--concurrency=2", "--timeout=3"),
        *("--cpu", str(max(os.sched_getaffinity(0)))),
    ) as started:
        yield started
