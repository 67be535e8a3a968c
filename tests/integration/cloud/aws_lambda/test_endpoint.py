"""The embedded endpoint as any caller of AWS Lambda meets it: real boto3, real runtime client, real processes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.cloud.aws_lambda.conftest import FUNCTIONS, HANDLER, Endpoint, running_endpoint

from roost_cloud.aws_lambda.connection import Credentials, connect


@pytest.fixture
def invoke(endpoint: Endpoint) -> Iterator[Callable[..., dict[str, Any]]]:
    client: Any = connect(endpoint.settings(answer_timeout_s=20.0))

    def call(function: str, event: object = None, **more: object) -> dict[str, Any]:
        answer: dict[str, Any] = client.invoke(FunctionName=function, Payload=json.dumps(event).encode(), **more)
        answer["Body"] = answer["Payload"].read()
        return answer

    yield call
    client.close()


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come true in time"
        time.sleep(0.02)


def test_a_call_is_answered_by_the_handler_in_a_process_that_stays_warm(invoke: Callable[..., dict[str, Any]]) -> None:
    first, second = (invoke("echo", {"n": n}) for n in (1, 2))
    assert first["StatusCode"] == 200
    assert first["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in first
    assert json.loads(second["Body"])["event"] == {"n": 2}
    assert json.loads(first["Body"])["pid"] == json.loads(second["Body"])["pid"] != os.getpid()
    assert 0 < json.loads(first["Body"])["left_ms"] <= 3000


def test_the_log_of_a_call_can_be_asked_for(invoke: Callable[..., dict[str, Any]]) -> None:
    tail = base64.b64decode(invoke("echo", "hello", LogType="Tail")["LogResult"]).decode()
    start, said, end, report = tail.splitlines()
    assert start.startswith("START RequestId: ")
    assert said == "echoing hello"
    assert end.startswith("END RequestId: ")
    assert "\tDuration: " in report


def test_an_exception_is_a_function_error_with_class_and_text(invoke: Callable[..., dict[str, Any]]) -> None:
    answer = invoke("fail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    told = json.loads(answer["Body"])
    assert (told["errorType"], told["errorMessage"]) == ("SomethingIsWrongError", "as told")


def test_a_process_that_leaves_is_an_exit_error_and_the_next_call_gets_a_new_one(
    invoke: Callable[..., dict[str, Any]],
) -> None:
    for status in (3, 4):
        answer = invoke("leave", {"status": status})
        told = json.loads(answer["Body"])
        assert answer["FunctionError"] == "Unhandled"
        assert told["errorType"] == "Runtime.ExitError"
        assert told["errorMessage"].endswith(f"Error: Runtime exited with error: exit status {status}")


def test_a_call_that_takes_too_long_ends_its_environment(invoke: Callable[..., dict[str, Any]]) -> None:
    answer = invoke("sleep", {"seconds": 60})
    assert answer["FunctionError"] == "Unhandled"
    told = json.loads(answer["Body"])
    assert told["errorType"] == "Sandbox.Timedout"
    assert told["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert json.loads(invoke("sleep", {"seconds": 0})["Body"]) is None


def test_a_function_that_cannot_be_imported_says_so_to_its_caller(invoke: Callable[..., dict[str, Any]]) -> None:
    answer = invoke("unimportable")
    assert answer["FunctionError"] == "Unhandled"
    told = json.loads(answer["Body"])
    assert told["errorType"] == "Runtime.ImportModuleError"
    assert told["errorMessage"] == "Unable to import module 'no_such_module': No module named 'no_such_module'"


def test_more_calls_than_the_concurrency_are_refused_and_never_queue(
    invoke: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    release = tmp_path / "release"
    started = [tmp_path / name for name in ("first", "second")]
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(invoke, "hold", {"started": str(path), "release": str(release)}) for path in started]
        wait_until(lambda: all(path.exists() for path in started))
        status, code, message = refusal(lambda: invoke("hold", {"started": str(tmp_path / "third"), "release": str(release)}))
        release.touch()
        assert (status, code, message) == (429, "TooManyRequestsException", "Rate Exceeded.")
        assert all("FunctionError" not in call.result() for call in running)


def test_requests_and_responses_above_six_megabytes_are_refused(invoke: Callable[..., dict[str, Any]]) -> None:
    limit = 6 * 1024 * 1024
    assert json.loads(invoke("echo", "x" * (limit // 2))["Body"])["event"].startswith("x")
    status, code, message = refusal(lambda: invoke("echo", "x" * limit))
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message == f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
    told = json.loads(invoke("flood", {"bytes": limit})["Body"])
    assert told["errorType"] == "Function.ResponseSizeTooLarge"


def test_what_is_no_json_is_refused(endpoint: Endpoint) -> None:
    client: Any = connect(endpoint.settings())
    status, code, _ = refusal(lambda: client.invoke(FunctionName="echo", Payload=b"{oops"))
    assert (status, code) == (400, "InvalidRequestContentException")
    client.close()


@pytest.mark.parametrize("name", ["nobody", "echo:old", "arn:aws:lambda:us-east-1:000000000000:function:nobody"])
def test_a_function_that_does_not_exist_is_not_found(invoke: Callable[..., dict[str, Any]], name: str) -> None:
    status, code, message = refusal(lambda: invoke(name))
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message == f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name.rpartition('function:')[2]}"


@pytest.mark.parametrize(
    "name", ["echo:$LATEST", "000000000000:function:echo", "arn:aws:lambda:us-east-1:000000000000:function:echo"]
)
def test_a_function_has_several_names(invoke: Callable[..., dict[str, Any]], name: str) -> None:
    assert json.loads(invoke(name, "hello")["Body"])["event"] == "hello"


def test_a_dry_run_runs_nothing_and_an_event_is_not_waited_for(invoke: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    dry, event = tmp_path / "dry", tmp_path / "event"
    assert invoke("touch", {"path": str(dry)}, InvocationType="DryRun")["StatusCode"] == 204
    answer = invoke("touch", {"path": str(event)}, InvocationType="Event")
    assert (answer["StatusCode"], answer["Body"]) == (202, b"")
    wait_until(event.exists)
    assert not dry.exists()


def test_strangers_are_refused(endpoint: Endpoint) -> None:
    url = f"{endpoint.url}/2015-03-31/functions/echo/invocations"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", {"Content-Type": "text/plain"}))
    assert refused.value.code == 403
    refused.value.close()
    other: Any = connect(
        type(endpoint.settings())("echo", endpoint_url=endpoint.url, credentials=Credentials("SOMEBODY", "else"))
    )
    assert refusal(lambda: other.invoke(FunctionName="echo"))[:2] == (403, "UnrecognizedClientException")
    other.close()


def test_a_function_sees_only_what_aws_would_show_it(
    invoke: Callable[..., dict[str, Any]], endpoint: Endpoint, models: Path
) -> None:
    seen = json.loads(invoke("surroundings")["Body"])
    assert seen["cpus"] == [max(os.sched_getaffinity(0))]
    assert seen["directory"] == str(FUNCTIONS)
    variables = seen["variables"]
    assert variables["ROOST_MODELS"] == str(models)
    assert variables["AWS_ACCESS_KEY_ID"] == endpoint.credentials.access_key_id
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert "HOME" not in variables


def test_sigterm_ends_the_endpoint_and_every_function_cleanly(models: Path) -> None:
    with running_endpoint(f"--function=inference={HANDLER}", "--models", str(models), "--prewarm=2") as started:
        assert len(started.function_pids) == 2
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(10) == 0
        assert all(gone(pid) for pid in started.function_pids)


def test_no_function_outlives_an_endpoint_that_is_killed(models: Path) -> None:
    with running_endpoint(f"--function=inference={HANDLER}", "--models", str(models), "--prewarm=1") as started:
        started.process.kill()
        wait_until(lambda: all(gone(pid) for pid in started.function_pids))


def test_a_function_that_cannot_start_keeps_the_endpoint_from_being_ready(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "roost_cloud.aws_lambda.local", "--models", str(tmp_path / "nothing"), "--prewarm=1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.endswith(f"error: {tmp_path}/nothing is not a directory\n")
    (tmp_path / "broken.yaml").write_text("input: [")
    ran = subprocess.run(
        [sys.executable, "-m", "roost_cloud.aws_lambda.local", "--models", str(tmp_path), "--prewarm=1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert f"the function 'roost-inference' does not start: ConfigurationError: {tmp_path}/broken.yaml" in ran.stderr
