"""The Runtime API of one environment: the process asks here for its next call and posts here what came of it.

AWS Lambda Runtime API, version 2018-06-01, on a loopback port of its own.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from roost_cloud.aws_lambda.local.specification import (
    MAX_SYNCHRONOUS_PAYLOAD_BYTES,
    Answer,
    FunctionSpec,
    failure_report,
)

_PREFIX = "/2018-06-01/runtime"


class RuntimeApi:
    """One call at a time. `started` ends with None, or with the report of a failed start."""

    def __init__(self, spec: FunctionSpec) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[bytes | None] = loop.create_future()
        self._spec = spec
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._request_id = ""
        self._answer: asyncio.Future[Answer] = loop.create_future()
        application = web.Application(client_max_size=0)  # 0 is no limit: this limit is checked here, in AWS's words
        application.router.add_get(f"{_PREFIX}/invocation/next", self._next)
        application.router.add_post(f"{_PREFIX}/invocation/{{request_id}}/response", self._response)
        application.router.add_post(f"{_PREFIX}/invocation/{{request_id}}/error", self._error)
        application.router.add_post(f"{_PREFIX}/init/error", self._start_failed)
        # A pending `next` ends with its process.
        self._server = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)

    async def open(self) -> str:
        """Listen; returns the address as `host:port`."""
        await self._server.setup()
        await web.TCPSite(self._server, "127.0.0.1", 0).start()
        host, port = self._server.addresses[0][:2]
        return f"{host}:{port}"

    async def close(self) -> None:
        """Stop listening."""
        await self._server.cleanup()

    def offer(self, request_id: str, payload: bytes) -> asyncio.Future[Answer]:
        """Hand the next call to the process; the future ends with its answer."""
        self._request_id = request_id
        self._answer = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((request_id, payload))
        return self._answer

    def process_ended(self, how: str) -> None:
        """Whatever still waits for the process has failed."""
        failure = failure_report(
            "Runtime.ExitError", f"RequestId: {self._request_id} Error: Runtime exited with error: {how}"
        )
        if not self.started.done():
            self.started.set_result(failure)
        if not self._answer.done():
            self._answer.set_result(Answer(failure, failed=True))

    async def _next(self, request: web.Request) -> web.Response:
        if not self.started.done():
            self.started.set_result(None)
        request_id, payload = await self._waiting.get()
        return web.Response(
            body=payload,
            content_type="application/json",
            headers={
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._spec.timeout_s) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self._spec.arn,
            },
        )

    async def _response(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) <= MAX_SYNCHRONOUS_PAYLOAD_BYTES:
            return self._finish(request, Answer(body, failed=False))
        limit = f"Response payload size exceeded maximum allowed payload size ({MAX_SYNCHRONOUS_PAYLOAD_BYTES} bytes)."
        return self._finish(request, Answer(failure_report("Function.ResponseSizeTooLarge", limit), failed=True))

    async def _error(self, request: web.Request) -> web.Response:
        return self._finish(request, Answer(await request.read(), failed=True))

    async def _start_failed(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.started.done():
            self.started.set_result(body)
        return web.json_response({"status": "OK"}, status=202)

    def _finish(self, request: web.Request, answer: Answer) -> web.Response:
        if request.match_info["request_id"] != self._request_id:
            return web.Response(body=failure_report("InvalidRequestID", "Invalid request ID"), status=400)
        if not self._answer.done():
            self._answer.set_result(answer)
        return web.json_response({"status": "OK"}, status=202)
