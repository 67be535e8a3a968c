"""AWS Lambda as a target: the edge's side of a call.

boto3 runs in a bounded pool of threads, so that signing, encoding and waiting stay out of the event loop. A call has one
attempt. When its deadline passes it is given up at once; its thread ends by itself soon after (`answer_timeout_s`), and
counts as in flight until then, so that a dead link cannot pile up threads.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import anyio
import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from roost.clock import Clocks, Deadline, ns_to_seconds, seconds_to_ns
from roost.errors import RoostError
from roost_cloud.aws_lambda.connection import LambdaClient, LambdaSettings, connect
from roost_cloud.aws_lambda.payload import PayloadError, Request, Response, decode_response, encode_request
from roost_inference.ports import (
    BadInputError,
    CloudBusyError,
    CloudFunctionError,
    CloudUnreachableError,
    Detection,
    Frame,
    Inference,
    Region,
)

MAX_REQUEST_BYTES = 6 * 1024 * 1024
"""The limit of a synchronous Invoke."""


class LambdaTarget:
    """A function on AWS Lambda, or on an embedded endpoint, as a `Target`. `open` before use, `close` after it."""

    def __init__(self, settings: LambdaSettings, clocks: Clocks) -> None:
        self._settings = settings
        self._clocks = clocks
        self._where = settings.endpoint_url or f"AWS in {settings.region}"
        self._threads = ThreadPoolExecutor(settings.max_in_flight, thread_name_prefix="lambda")
        self._client: LambdaClient | None = None
        self._in_flight = 0
        self._cold_starts = 0

    @property
    def cold_starts(self) -> int:
        """How many answers had to wait for the start of an environment."""
        return self._cold_starts

    @property
    def in_flight(self) -> int:
        """Calls whose thread is busy, those given up included."""
        return self._in_flight

    async def open(self) -> None:
        """Make the client; calls nobody yet.

        Raises `ConfigurationError`.
        """
        self._client = await asyncio.get_running_loop().run_in_executor(self._threads, connect, self._settings)

    async def close(self) -> None:
        """Wait for the threads, at most `connect_timeout_s` and `answer_timeout_s`."""
        await anyio.to_thread.run_sync(lambda: self._threads.shutdown(cancel_futures=True))
        if self._client is not None:
            self._client.close()
            self._client = None

    async def infer(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> Inference:
        """Run the model there; as `Target.infer`."""
        response = await self._call(model, frame, region, deadline)
        return response.inference

    async def measure(self, model: str, frame: Frame, samples: int) -> list[int]:
        """Times of so many calls end to end, one after the other, in nanoseconds; calls that met a cold start not counted.

        Raises what `infer` raises.
        """
        times_ns: list[int] = []
        while len(times_ns) < samples:
            began_ns = self._clocks.monotonic_ns()
            deadline = Deadline(began_ns + seconds_to_ns(self._settings.answer_timeout_s))
            response = await self._call(model, frame, None, deadline)
            if not response.cold:
                times_ns.append(self._clocks.monotonic_ns() - began_ns)
        return times_ns

    async def _call(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> Response:
        client = self._client
        if client is None:
            raise CloudUnreachableError("the way to AWS Lambda is not open")
        if self._in_flight >= self._settings.max_in_flight:
            raise CloudBusyError(
                f"all {self._settings.max_in_flight} calls to AWS Lambda are in flight",
                remedy="send less, or raise max_in_flight",
            )
        self._in_flight += 1
        call = asyncio.get_running_loop().run_in_executor(self._threads, self._invoke, client, model, frame, region, deadline)
        call.add_done_callback(self._call_ended)
        time_left_s = ns_to_seconds(deadline.remaining_ns(self._clocks))
        with anyio.move_on_after(max(0.0, time_left_s)):
            await asyncio.wait({call})
        if not call.done():
            raise self._no_answer(model)
        outcome = call.result()
        if isinstance(outcome, RoostError):
            raise outcome
        self._cold_starts += outcome.cold
        return outcome

    def _call_ended(self, call: asyncio.Future[Response | RoostError]) -> None:
        self._in_flight -= 1

    def _invoke(
        self, client: LambdaClient, model: str, frame: Frame, region: Region | None, deadline: Deadline
    ) -> Response | RoostError:
        """One call, in a thread. Errors are returned, since the caller may have gone."""
        try:
            payload, left, top = self._payload(model, frame, region, deadline)
            answer = client.invoke(FunctionName=self._settings.function, Payload=payload)
            body = answer["Payload"].read()
            if "FunctionError" in answer:
                return self._function_error(model, body)
            response = decode_response(body)
        except BadInputError as error:
            return error
        except PayloadError as error:
            return CloudFunctionError(f"the function '{self._settings.function}' answered '{model}' with nonsense: {error}")
        except ClientError as error:
            return self._refusal(model, error)
        except BotoCoreError as error:
            return CloudUnreachableError(
                f"no answer for '{model}' from AWS Lambda at {self._where}: {error}",
                remedy="check the end point and the network",
            )
        return Response(_shifted(response.inference, left, top), response.cold)

    def _payload(self, model: str, frame: Frame, region: Region | None, deadline: Deadline) -> tuple[bytes, int, int]:
        """The request, and the corner in the frame of what is sent."""
        image = frame.image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise BadInputError(
                f"the frame is {image.dtype} {list(image.shape)}", remedy="give uint8 [height, width, 3], red, green and blue"
            )
        height, width, _ = image.shape
        part = region if region is not None else Region(0, 0, width, height)
        if not (0 <= part.left < part.right <= width and 0 <= part.top < part.bottom <= height):
            raise BadInputError(
                f"the region {part.left},{part.top}..{part.right},{part.bottom} is not in the frame of {width}x{height}",
                remedy="give left < right and top < bottom, in pixels of the frame",
            )
        pixels = image[part.top : part.bottom, part.left : part.right]
        payload = encode_request(Request(model, pixels, deadline.to_wire(self._clocks)), self._settings.encoding)
        if len(payload) > MAX_REQUEST_BYTES:
            raise self._too_large(
                f"{part.right - part.left}x{part.bottom - part.top} pixels make a request of {len(payload)} bytes"
            )
        return payload, part.left, part.top

    def _function_error(self, model: str, body: bytes) -> RoostError:
        """The function's failure, by the class name and text that AWS Lambda hands over."""
        try:
            told = json.loads(body)
        except ValueError:
            told = {}
        kind, message = (str(told.get(name, "unknown")) for name in ("errorType", "errorMessage"))
        if kind == BadInputError.__name__:
            return BadInputError(message)
        if kind == "DeadlineExceededError":
            return CloudUnreachableError(message, remedy="check the network's delay and both clocks")
        return CloudFunctionError(
            f"the function '{self._settings.function}' failed on '{model}': {kind}: {message}",
            remedy="read the function's log",
        )

    def _refusal(self, model: str, error: ClientError) -> RoostError:
        """What AWS Lambda itself had against the call."""
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = error.response["Error"]["Code"]
        function = self._settings.function
        if status == 429:
            return CloudBusyError(
                f"AWS Lambda has no room for '{model}' on '{function}' (429 {code})",
                remedy="send less, or raise the function's concurrency",
            )
        if status == 413:
            return self._too_large("the request was refused (413)")
        if status >= 500:
            return CloudUnreachableError(f"AWS Lambda at {self._where} failed on '{model}' ({status} {code})")
        return CloudFunctionError(
            f"AWS Lambda refused '{model}' on '{function}' ({status} {code}: {error.response['Error']['Message']})",
            remedy="check the function's name, region and credentials",
        )

    def _too_large(self, what: str) -> BadInputError:
        return BadInputError(
            f"{what}; AWS Lambda takes {MAX_REQUEST_BYTES} at most", remedy="send a region, or choose the encoding 'jpeg'"
        )

    def _no_answer(self, model: str) -> CloudUnreachableError:
        return CloudUnreachableError(
            f"no answer for '{model}' from AWS Lambda at {self._where} before the deadline",
            remedy="check the network, or give the model more time",
        )


def _shifted(inference: Inference, left: int, top: int) -> Inference:
    """The same findings in pixels of the frame, of which (left, top) was sent as (0, 0)."""
    if left == 0 and top == 0:
        return inference
    return Inference(
        tuple(
            Detection(
                found.label,
                found.score,
                Region(
                    found.region.left + left, found.region.top + top, found.region.right + left, found.region.bottom + top
                ),
                found.text,
            )
            for found in inference.detections
        ),
        inference.outputs,
        inference.compute_ns,
    )
