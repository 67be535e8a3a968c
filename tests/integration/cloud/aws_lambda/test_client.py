"""The target: real boto3 to the embedded endpoint, the real function, a real model, and what goes wrong on the way."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.integration.cloud.aws_lambda.conftest import HANDLER, Endpoint, running_endpoint

from roost.clock import Clocks, Deadline, seconds_to_ns
from roost.errors import ConfigurationError, RoostError
from roost_cloud.aws_lambda.client import LambdaTarget
from roost_cloud.aws_lambda.connection import Credentials, LambdaSettings, connect
from roost_inference.engines.runner import ModelRunner
from roost_inference.models.manifest import load_manifests
from roost_inference.ports import (
    BadInputError,
    CloudBusyError,
    CloudFunctionError,
    CloudUnreachableError,
    Frame,
    Inference,
    Region,
)

CLOCKS = Clocks()


@pytest.fixture(scope="module")
def edge(models: Path) -> ModelRunner:
    """The same models here."""
    return ModelRunner(load_manifests(models))


def frame_of(image: NDArray[np.uint8]) -> Frame:
    return Frame("scene", 1, image, 0, 0)


def scene(height: int = 240, width: int = 320) -> Frame:
    """Noise with two red spots."""
    image = np.random.default_rng(1).integers(0, 120, (height, width, 3), dtype=np.uint8)
    image[40:56, 104:120] = image[160:168, 200:208] = (255, 0, 0)
    return frame_of(image)


@asynccontextmanager
async def opened(settings: LambdaSettings, clocks: Clocks = CLOCKS) -> AsyncIterator[LambdaTarget]:
    target = LambdaTarget(settings, clocks)
    await target.open()
    try:
        yield target
    finally:
        await target.close()


async def refusal(target: LambdaTarget, frame: Frame, region: Region | None = None, seconds: float = 10.0) -> RoostError:
    with pytest.raises(RoostError) as refused:
        await target.infer("red_finder", frame, region, Deadline.after(CLOCKS, seconds_to_ns(seconds)))
    return refused.value


def same(here: Inference, there: Inference) -> bool:
    return (here.detections, here.outputs) == (there.detections, there.outputs)


@contextmanager
def silent_server() -> Iterator[str]:
    """Somebody who accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.anyio
@pytest.mark.parametrize("region", [None, Region(96, 32, 240, 200)])
@pytest.mark.parametrize("encoding", ["raw", "png"])
async def test_the_cloud_says_what_the_edge_says(
    endpoint: Endpoint, edge: ModelRunner, region: Region | None, encoding: str
) -> None:
    frame = scene()
    here = edge.run("red_finder", frame.image, region)
    assert len(here.detections) >= 2
    async with opened(endpoint.settings(encoding=encoding, answer_timeout_s=10.0)) as target:
        there = await target.infer("red_finder", frame, region, Deadline.after(CLOCKS, seconds_to_ns(10)))
    assert same(here, there)
    assert there.compute_ns > 0


@pytest.mark.anyio
async def test_cold_starts_are_counted_and_kept_out_of_measurements(models: Path) -> None:
    arguments = (f"--function=inference={HANDLER}", "--models", str(models), "--timeout=20")
    with running_endpoint(*arguments) as cold:
        async with opened(cold.settings(answer_timeout_s=20.0)) as target:
            assert len(await target.measure("red_finder", scene(), 3)) == 3
            assert target.cold_starts == 1
    with running_endpoint(*arguments, "--prewarm=1") as warm:
        async with opened(warm.settings()) as target:
            assert min(await target.measure("red_finder", scene(), 2)) > 0
            assert target.cold_starts == 0


@pytest.mark.anyio
async def test_no_room_is_busy(endpoint: Endpoint) -> None:
    await put_concurrency(endpoint, "inference", 0)
    try:
        async with opened(endpoint.settings()) as target:
            error = await refusal(target, scene())
    finally:
        await put_concurrency(endpoint, "inference", 2)
    assert isinstance(error, CloudBusyError)
    assert str(error) == (
        "AWS Lambda has no room for 'red_finder' on 'inference' (429 TooManyRequestsException); "
        "send less, or raise the function's concurrency"
    )


async def put_concurrency(endpoint: Endpoint, function: str, count: int) -> None:
    def put() -> None:
        client = connect(endpoint.settings())
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=count)  # type: ignore[attr-defined] # boto3's
        client.close()

    await anyio.to_thread.run_sync(put)


@pytest.mark.anyio
async def test_a_failing_function_is_told_with_its_error(endpoint: Endpoint) -> None:
    async with opened(endpoint.settings("fail")) as target:
        error = await refusal(target, scene())
    assert isinstance(error, CloudFunctionError)
    assert str(error) == (
        "the function 'fail' failed on 'red_finder': SomethingIsWrongError: as told; read the function's log"
    )


@pytest.mark.anyio
async def test_an_unknown_model_is_the_functions_failure(endpoint: Endpoint) -> None:
    async with opened(endpoint.settings(answer_timeout_s=10.0)) as target:
        with pytest.raises(CloudFunctionError) as refused:
            await target.infer("green_finder", scene(), None, Deadline.after(CLOCKS, seconds_to_ns(10)))
    assert str(refused.value).startswith(
        "the function 'inference' failed on 'green_finder': UnknownNameError: no model 'green_finder'"
    )


@pytest.mark.anyio
async def test_nonsense_from_the_function_is_its_failure(endpoint: Endpoint) -> None:
    async with opened(endpoint.settings("echo")) as target:
        error = await refusal(target, scene())
    assert isinstance(error, CloudFunctionError)
    assert str(error) == (
        "the function 'echo' answered 'red_finder' with nonsense: the response's version is None, this side understands 1; "
        "deploy the function of the release that the edge runs"
    )


@pytest.mark.anyio
async def test_a_function_that_is_not_there_is_refused_by_aws(endpoint: Endpoint) -> None:
    async with opened(endpoint.settings("nobody")) as target:
        error = await refusal(target, scene())
    assert isinstance(error, CloudFunctionError)
    assert str(error) == (
        "AWS Lambda refused 'red_finder' on 'nobody' (404 ResourceNotFoundException: Function not found: "
        "arn:aws:lambda:us-east-1:000000000000:function:nobody); check the function's name, region and credentials"
    )


@pytest.mark.anyio
async def test_nobody_listening_is_unreachable(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    async with opened(LambdaSettings("inference", endpoint_url=url, credentials=Credentials("a", "b"))) as target:
        error = await refusal(target, scene())
    assert isinstance(error, CloudUnreachableError)
    assert str(error) == (
        f"no answer for 'red_finder' from AWS Lambda at {url}: Could not connect to the endpoint URL: "
        f'"{url}/2015-03-31/functions/inference/invocations"; check the end point and the network'
    )


@pytest.mark.anyio
async def test_an_endpoint_killed_between_two_calls_is_unreachable(models: Path) -> None:
    with running_endpoint(f"--function=inference={HANDLER}", "--models", str(models), "--prewarm=1") as started:
        async with opened(started.settings(answer_timeout_s=10.0)) as target:
            await target.infer("red_finder", scene(), None, Deadline.after(CLOCKS, seconds_to_ns(10)))
            started.process.kill()
            await anyio.to_thread.run_sync(started.process.wait)
            error = await refusal(target, scene())
    assert isinstance(error, CloudUnreachableError)


@pytest.mark.anyio
async def test_a_call_is_given_up_at_its_deadline_and_its_thread_soon_after() -> None:
    with silent_server() as url:
        settings = LambdaSettings("inference", endpoint_url=url, credentials=Credentials("a", "b"), answer_timeout_s=2.0)
        async with opened(settings) as target:
            error = await refusal(target, scene(), seconds=0.1)
            assert isinstance(error, CloudUnreachableError)
            assert str(error) == (
                f"no answer for 'red_finder' from AWS Lambda at {url} before the deadline; "
                "check the network, or give the model more time"
            )
            assert target.in_flight == 1
            with anyio.fail_after(10):
                while target.in_flight:
                    await anyio.sleep(0.02)


@pytest.mark.anyio
async def test_no_more_calls_are_in_flight_than_there_are_threads() -> None:
    with silent_server() as url:
        settings = LambdaSettings(
            "inference", endpoint_url=url, credentials=Credentials("a", "b"), answer_timeout_s=2.0, max_in_flight=2
        )
        async with opened(settings) as target:
            await refusal(target, scene(), seconds=0.01)
            await refusal(target, scene(), seconds=0.01)
            error = await refusal(target, scene())
    assert isinstance(error, CloudBusyError)
    assert str(error) == "all 2 calls to AWS Lambda are in flight; send less, or raise max_in_flight"


@pytest.mark.anyio
async def test_a_frame_that_arrives_too_late_is_not_run_there(endpoint: Endpoint) -> None:
    # The sender believes in ten seconds, but its wall clock says that they are over.
    behind = Clocks(utc_ns=lambda: CLOCKS.utc_ns() - seconds_to_ns(60), utc_error_ns=0)
    async with opened(endpoint.settings(answer_timeout_s=10.0), behind) as target:
        error = await refusal(target, scene())
    assert isinstance(error, CloudUnreachableError)
    assert "after its deadline and was not run; check the network's delay and both clocks" in str(error)


@pytest.mark.anyio
async def test_the_deadline_on_the_wire_is_the_callers_and_has_shrunk_on_the_way(endpoint: Endpoint) -> None:
    """The function `deadline` fails with what it was sent."""
    deadline = Deadline.after(CLOCKS, seconds_to_ns(5))
    utc_ns = CLOCKS.utc_ns() + deadline.remaining_ns(CLOCKS)
    async with opened(endpoint.settings("deadline")) as target:
        with pytest.raises(CloudFunctionError) as told:
            await target.infer("red_finder", scene(), None, deadline)
    sent = json.loads(str(told.value).partition("DeadlineReportError: ")[2].partition(";")[0])
    assert abs(sent["utc_ns"] - utc_ns) < seconds_to_ns(1)
    assert sent["clock_error_ns"] == CLOCKS.utc_error_ns
    assert 0 < sent["remaining_ns"] < seconds_to_ns(5)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("frame", "region", "message"),
    [
        (
            frame_of(np.zeros((4, 4), np.uint8)),
            None,
            "the frame is uint8 [4, 4]; give uint8 [height, width, 3], red, green and blue",
        ),
        (
            scene(),
            Region(300, 0, 330, 10),
            "the region 300,0..330,10 is not in the frame of 320x240; "
            "give left < right and top < bottom, in pixels of the frame",
        ),
        (
            frame_of(np.zeros((1080, 1920, 3), np.uint8)),
            None,
            "1920x1080 pixels make a request of 8 MB; AWS Lambda takes 6291456 at most; "
            "send a region, or choose the encoding 'jpeg'",
        ),
    ],
)
async def test_a_frame_that_cannot_be_sent_is_bad_input(
    endpoint: Endpoint, frame: Frame, region: Region | None, message: str
) -> None:
    async with opened(endpoint.settings()) as target:
        error = await refusal(target, frame, region)
    assert isinstance(error, BadInputError)
    assert re.sub(r"\d{7} bytes", "8 MB", str(error)) == message


@pytest.mark.anyio
async def test_nothing_of_the_users_aws_has_a_say(endpoint: Endpoint, tmp_path: Path) -> None:
    """Given hostile variables and files of every kind, the sealed client works; a client that is not sealed would not."""
    aws = tmp_path / ".aws"
    (aws / "models" / "lambda" / "2015-03-31").mkdir(parents=True)
    (aws / "models" / "lambda" / "2015-03-31" / "service-2.json").write_text("{}")
    config = "[default]\nendpoint_url = http://127.0.0.1:9\nregion = nowhere\nretry_mode = bogus\nmax_attempts = x\n"
    (aws / "config").write_text("[default")
    (aws / "other_config").write_text(config)
    (aws / "credentials").write_text("[default]\naws_access_key_id = hostile\naws_secret_access_key = hostile\n")
    hostile = {
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(aws / "other_config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials"),
        "AWS_PROFILE": "of-nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "hostile",
        "AWS_SECRET_ACCESS_KEY": "hostile",
        "AWS_SESSION_TOKEN": "hostile",
        "AWS_DEFAULT_REGION": "nowhere",
        "AWS_REGION": "nowhere",
        "AWS_DATA_PATH": str(aws / "models"),
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "many",
        "AWS_RETRY_MODE": "bogus",
        "AWS_DEFAULTS_MODE": "bogus",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_CSM_ENABLED": "true",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "REQUESTS_CA_BUNDLE": "/nowhere",
    }
    script = (
        "import sys\n"
        "from roost_cloud.aws_lambda.connection import Credentials, LambdaSettings, connect\n"
        "url, key, secret = sys.argv[1:]\n"
        "client = connect(LambdaSettings('echo', endpoint_url=url, credentials=Credentials(key, secret)))\n"
        "print(client.invoke(FunctionName='echo', Payload=b'7')['StatusCode'], client.meta.region_name)\n"
        "client.close()\n"
        "import boto3\n"
        "try: boto3.client('lambda', endpoint_url=url).invoke(FunctionName='echo')\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    arguments = (endpoint.url, endpoint.credentials.access_key_id, endpoint.credentials.secret_access_key)
    ran = await anyio.run_process([sys.executable, "-c", script, *arguments], env=hostile, stderr=subprocess.STDOUT)
    assert ran.stdout.decode().splitlines() == ["200 us-east-1", "ProfileNotFound"]


@pytest.mark.anyio
async def test_without_credentials_anywhere_the_target_does_not_open(tmp_path: Path) -> None:
    script = (
        "import anyio\n"
        "from roost.clock import Clocks\n"
        "from roost_cloud.aws_lambda.client import LambdaTarget\n"
        "from roost_cloud.aws_lambda.connection import LambdaSettings\n"
        "try: anyio.run(LambdaTarget(LambdaSettings('inference'), Clocks()).open)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    alone = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    ran = await anyio.run_process([sys.executable, "-c", script], env=alone, stderr=subprocess.STDOUT)
    assert ran.stdout.decode() == (
        f"{ConfigurationError.__name__} there are no credentials for AWS Lambda; "
        "log in with the AWS command line, or name credentials\n"
    )
    assert os.environ.get("AWS_EC2_METADATA_DISABLED") is None
