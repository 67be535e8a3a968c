"""One execution environment: a function's process, its Runtime API and its log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time

import anyio

from roost.errors import RoostError
from roost_cloud.aws_lambda.local.runtime_api import RuntimeApi
from roost_cloud.aws_lambda.local.specification import (
    DUMMY_ACCESS_KEY_ID,
    DUMMY_SECRET_ACCESS_KEY,
    LOG_TAIL_BYTES,
    REGION,
    Answer,
    FunctionSpec,
    failure_report,
)

_log = logging.getLogger(__name__)


class EnvironmentStartError(RoostError):
    """The function's process did not come up. `report` is what AWS sends to the caller."""

    reason = "FUNCTION_START"

    def __init__(self, function: str, report: bytes) -> None:
        told = json.loads(report)
        super().__init__(f"the function '{function}' does not start: {told.get('errorType')}: {told.get('errorMessage')}")
        self.report = report


class Environment:
    """A process that serves one call at a time. Made by `start`, ended by `stop`."""

    def __init__(self, spec: FunctionSpec, api: RuntimeApi, process: asyncio.subprocess.Process, log: _LogPipe) -> None:
        self._spec = spec
        self._api = api
        self._process = process
        self._log = log
        self._watcher = asyncio.create_task(self._watch())

    @classmethod
    async def start(cls, spec: FunctionSpec, *, provisioned: bool = False) -> Environment:
        """Start the process and wait until it asks for its first call. provisioned: started before anybody called.

        Raises `EnvironmentStartError`.
        """
        api = RuntimeApi(spec)
        address = await api.open()
        log = _LogPipe(spec.name)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "roost_cloud.aws_lambda.local.runtime", str(os.getpid()), spec.handler),
            cwd=spec.code if spec.code is not None else "/",
            env=_variables(spec, address, provisioned=provisioned),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log.write_fd,
            stderr=log.write_fd,
            start_new_session=True,
        )
        log.started()
        environment = cls(spec, api, process, log)
        try:
            await environment._wait_started()
        except BaseException:
            await environment.stop()
            raise
        return environment

    @property
    def alive(self) -> bool:
        """Whether the process can take a call."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def invoke(self, request_id: str, payload: bytes) -> Answer:
        """Run one call. A call that takes too long, or ends the process, ends the environment."""
        self._log.begin()
        began_ns = time.perf_counter_ns()
        pending = self._api.offer(request_id, payload)
        with anyio.move_on_after(self._spec.timeout_s):
            await asyncio.wait({pending})
        if pending.done():
            answer = pending.result()
        else:
            await self.stop()
            message = f"RequestId: {request_id} Error: Task timed out after {self._spec.timeout_s:.2f} seconds"
            answer = Answer(failure_report("Sandbox.Timedout", message), failed=True)
        duration_ms = (time.perf_counter_ns() - began_ns) / 1e6
        tail = b"".join(
            (
                f"START RequestId: {request_id} Version: $LATEST\n".encode(),
                self._log.tail(),
                f"END RequestId: {request_id}\n".encode(),
                f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\t".encode(),
                f"Memory Size: {self._spec.memory_mb} MB\n".encode(),
            )
        )
        return Answer(answer.body, answer.failed, tail[-LOG_TAIL_BYTES:])

    async def stop(self) -> None:
        """Kill the process and wait for its end."""
        if self.alive:
            try:
                # It leads a session of its own: what the function started goes with it.
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has just ended by itself
        await self._watcher

    async def _wait_started(self) -> None:
        with anyio.move_on_after(self._spec.start_timeout_s):
            await asyncio.wait({self._api.started})
        failure = (
            self._api.started.result()
            if self._api.started.done()
            else failure_report("Sandbox.Timedout", f"no sign of life within {self._spec.start_timeout_s:.0f} seconds")
        )
        if failure is not None:
            raise EnvironmentStartError(self._spec.name, failure)

    async def _watch(self) -> None:
        status = await self._process.wait()
        self._api.process_ended(f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}")
        await self._api.close()
        self._log.close()


class _LogPipe:
    """What a function writes: told line by line to our log, the tail of each call kept."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._read_fd, self.write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        self._tail = bytearray()
        self._line = bytearray()
        asyncio.get_running_loop().add_reader(self._read_fd, self._drain)

    def started(self) -> None:
        """The process has its end now."""
        os.close(self.write_fd)

    def begin(self) -> None:
        """A call begins: forget the tail of the last one."""
        self._drain()
        self._tail.clear()

    def tail(self) -> bytes:
        """What the call has written, its last bytes, ended by a line break."""
        self._drain()
        return bytes(self._tail) if not self._tail or self._tail.endswith(b"\n") else bytes(self._tail) + b"\n"

    def close(self) -> None:
        """Take what is left and close."""
        self._drain()
        if self._read_fd >= 0:
            asyncio.get_running_loop().remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._read_fd = -1

    def _drain(self) -> None:
        """Take what is there, without waiting for more: a process writes its log before it answers."""
        while self._read_fd >= 0:
            try:
                chunk = os.read(self._read_fd, 65536)
            except BlockingIOError:
                return
            if not chunk:
                asyncio.get_running_loop().remove_reader(self._read_fd)
                return
            self._tail += chunk
            del self._tail[:-LOG_TAIL_BYTES]
            *lines, rest = (bytes(self._line) + chunk).split(b"\n")
            self._line[:] = rest[-LOG_TAIL_BYTES:]
            for line in lines:
                _log.info("%s: %s", self._function, line.decode(errors="replace").replace("\r", " | "))


def _variables(spec: FunctionSpec, api_address: str, *, provisioned: bool) -> dict[str, str]:
    """The process's whole environment: what AWS sets, dummy credentials, and the function's own variables."""
    code = str(spec.code) if spec.code is not None else ""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": code,
        "LAMBDA_TASK_ROOT": code,
        "_HANDLER": spec.handler,
        "AWS_LAMBDA_RUNTIME_API": api_address,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if provisioned else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": DUMMY_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": DUMMY_SECRET_ACCESS_KEY,
        **spec.variables,
    }
