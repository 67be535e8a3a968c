"""The Invoke API of AWS Lambda over HTTP: status codes, headers and error types as boto3 meets them at AWS.

Two routes are served: Invoke, and PutFunctionConcurrency, by which a test or an operator makes a function refuse calls.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterable

from aiohttp import web
from anyio.abc import TaskGroup

from roost_cloud.aws_lambda.local.pool import FunctionPool, ThrottledError
from roost_cloud.aws_lambda.local.specification import (
    DUMMY_ACCESS_KEY_ID,
    MAX_EVENT_PAYLOAD_BYTES,
    MAX_SYNCHRONOUS_PAYLOAD_BYTES,
    REGION,
)

# A function is named by its name, its partial or its full resource name, each with or without a qualifier.
_FUNCTION_NAME = re.compile(r"(?:(?:arn:aws:lambda:[a-z0-9-]+:)?\d{12}:function:)?([A-Za-z0-9_-]+)(?::([$A-Za-z0-9_-]+))?")


def application(pools: Iterable[FunctionPool], tasks: TaskGroup) -> web.Application:
    """The endpoint over these functions; calls that nobody waits for run in `tasks`."""
    endpoint = _Endpoint({pool.spec.name: pool for pool in pools}, tasks)
    served = web.Application(client_max_size=0)  # 0 is no limit: limits are checked here, in AWS's words
    served.router.add_post("/2015-03-31/functions/{name}/invocations", endpoint.invoke)
    served.router.add_put("/2017-10-31/functions/{name}/concurrency", endpoint.put_concurrency)
    return served


class _Endpoint:
    def __init__(self, pools: dict[str, FunctionPool], tasks: TaskGroup) -> None:
        self._pools = pools
        self._tasks = tasks

    async def invoke(self, request: web.Request) -> web.Response:
        """Invoke: synchronous, as an event, or as a dry run."""
        pool, refusal = self._find(request)
        if pool is None:
            return refusal
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = MAX_EVENT_PAYLOAD_BYTES if kind == "Event" else MAX_SYNCHRONOUS_PAYLOAD_BYTES
        if (request.content_length or 0) > limit:
            return _error(
                413,
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
            )
        payload = await request.read() or b"{}"
        try:
            json.loads(payload)
        except ValueError as error:
            return _error(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}")
        if kind == "DryRun":
            return web.Response(status=204, headers=_identity())
        headers = _identity()
        if kind == "Event":
            self._tasks.start_soon(_run_event, pool, payload)
            return web.Response(status=202, headers=headers)
        try:
            answer = await pool.invoke(payload, headers["x-amzn-RequestId"])
        except ThrottledError:
            return _error(
                429, "TooManyRequestsException", "Rate Exceeded.", Reason="ReservedFunctionConcurrentInvocationLimitExceeded"
            )
        headers["X-Amz-Executed-Version"] = "$LATEST"
        if answer.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(answer.log).decode("ascii")
        return web.Response(body=answer.body, content_type="application/json", headers=headers)

    async def put_concurrency(self, request: web.Request) -> web.Response:
        """PutFunctionConcurrency: so many calls at once from now on; 0 refuses all."""
        pool, refusal = self._find(request)
        if pool is None:
            return refusal
        try:
            pool.concurrency = int((await request.json())["ReservedConcurrentExecutions"])
        except (ValueError, TypeError, KeyError):
            return _error(400, "InvalidParameterValueException", "ReservedConcurrentExecutions must be a number")
        return web.json_response({"ReservedConcurrentExecutions": pool.concurrency})

    def _find(self, request: web.Request) -> tuple[FunctionPool, web.Response] | tuple[None, web.Response]:
        """The function that is meant, or the refusal."""
        # Asking for AWS's signature also keeps web pages out: a browser cannot send this header unasked.
        if f"Credential={DUMMY_ACCESS_KEY_ID}/" not in request.headers.get("Authorization", ""):
            return None, _error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        named = _FUNCTION_NAME.fullmatch(request.match_info["name"])
        name, qualifier = named.groups() if named is not None else (request.match_info["name"], None)
        qualifier = request.query.get("Qualifier", qualifier)
        pool = self._pools.get(name)
        if pool is None or qualifier not in (None, "$LATEST"):
            arn = f"arn:aws:lambda:{REGION}:000000000000:function:{name}{f':{qualifier}' if qualifier else ''}"
            return None, _error(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return pool, web.Response()


async def _run_event(pool: FunctionPool, payload: bytes) -> None:
    try:
        await pool.invoke(payload)
    except ThrottledError:
        pass  # AWS would keep it for up to six hours; what Roost sends has no worth by then


def _identity() -> dict[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}


def _error(status: int, error_type: str, message: str, **more: str) -> web.Response:
    return web.json_response(
        {"Type": "User", "message": message, **more}, status=status, headers={"x-amzn-ErrorType": error_type, **_identity()}
    )
