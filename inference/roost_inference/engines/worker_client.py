"""One worker process as the engine sees it: started, spoken to, stopped. It is never started again; that is `local`'s."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

import anyio
import numpy as np
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from numpy.typing import NDArray

from roost.clock import ns_to_seconds
from roost.errors import ConfigurationError, UnavailableError
from roost_inference.engines import messages
from roost_inference.ports import EngineError

_FIRST_SIZE_BYTES = 1 << 20
"""Room for a frame of 640x480; larger ones make the memory grow."""
_STOP_LIMIT_S = 2.0


class WorkerLostError(EngineError):
    """The worker's process ended, or did not answer in time and was killed. The message says how."""


class WorkerClient:
    """A running worker process. Make one with `start`; use it from one task at a time.

    ready: what the worker said of itself: `providers` by model, `refused` models with their errors, `ort_version`.
    """

    def __init__(self, process: Process, stream: UNIXSocketStream, frames_fd: int, ready: Mapping[str, Any]) -> None:
        self._process = process
        self._stream = stream
        self._received = BufferedByteReceiveStream(stream)
        self._frames_fd = frames_fd
        self._memory = np.empty(0, dtype=np.uint8)
        self._lost_because = ""
        self.ready = ready

    @classmethod
    async def start(
        cls,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        limit_ns: int,
        stderr: int | IO[bytes] | None,
    ) -> WorkerClient:
        """Start a worker with these command line arguments and wait until it has loaded its models.

        Raises `roost.errors.UnavailableError` if it dies or is not ready within the limit, and
        `roost.errors.ConfigurationError` if its manifests cannot be used.
        """
        ours, theirs = socket.socketpair()
        frames_fd = os.memfd_create("roost-frames", os.MFD_CLOEXEC)
        os.ftruncate(frames_fd, _FIRST_SIZE_BYTES)
        descriptors = ["--socket-fd", str(theirs.fileno()), "--frames-fd", str(frames_fd)]
        command = [sys.executable, "-m", "roost_inference.engines.worker", *arguments, *descriptors]
        try:
            with theirs:
                process = await anyio.open_process(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                    pass_fds=(theirs.fileno(), frames_fd),
                )
            stream = await UNIXSocketStream.from_socket(ours)
        except BaseException:
            ours.close()  # the process, if there is one, ends by itself when it finds the channel closed
            os.close(frames_fd)
            raise
        client = cls(process, stream, frames_fd, {})
        try:
            client.ready = await client._first_message(limit_ns)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await client.kill()
            raise
        return client

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def wait(self) -> None:
        """Return when the process has ended."""
        await self._process.wait()

    def how_it_ended(self) -> str:
        """How the process ended: "signal SIGKILL", "exit status 1"; for one that we gave up on: why."""
        code = self._process.returncode
        if self._lost_because:
            return self._lost_because
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"signal {signal.Signals(-code).name}"
        return f"exit status {code}"

    def write_picture(self, picture: NDArray[np.uint8]) -> None:
        """Copy a picture into the shared memory."""
        if picture.nbytes > self._memory.size:
            size = max(picture.nbytes, os.fstat(self._frames_fd).st_size)
            os.ftruncate(self._frames_fd, size)
            self._memory = np.frombuffer(mmap.mmap(self._frames_fd, size), dtype=np.uint8)
        np.copyto(self._memory[: picture.nbytes].reshape(picture.shape), picture)

    async def ask(self, request: Mapping[str, object], limit_ns: int) -> dict[str, Any]:
        """Send a request and wait for the reply, also where the caller is cancelled: the worker cannot be called back.

        Raises what the worker raised, and `WorkerLostError` if it died or did not answer within the limit.
        """
        with anyio.move_on_after(ns_to_seconds(limit_ns), shield=True) as scope:
            try:
                await self._stream.send(messages.encode(request))
                reply = await self._receive()
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                await self._process.wait()
                raise WorkerLostError(self.how_it_ended()) from None
        if scope.cancelled_caught:
            with anyio.CancelScope(shield=True):
                self._lost_because = f"no answer within {ns_to_seconds(limit_ns):g} s"
                await self.kill()
            raise WorkerLostError(self._lost_because)
        if "error" in reply:
            raise messages.error_from_data(reply["error"])
        return reply

    async def stop(self) -> None:
        """Let it end by itself, which it does when the channel closes; kill it if it does not."""
        with anyio.CancelScope(shield=True):
            await self._stream.aclose()
            with anyio.move_on_after(_STOP_LIMIT_S):
                await self._process.wait()
            await self.kill()

    async def kill(self) -> None:
        """End it at once and give everything back."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._stream.aclose()
        await self._process.aclose()
        if self._frames_fd >= 0:
            os.close(self._frames_fd)
            self._frames_fd = -1

    async def _first_message(self, limit_ns: int) -> dict[str, Any]:
        with anyio.move_on_after(ns_to_seconds(limit_ns)):
            try:
                message = await self._receive()
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                await self._process.wait()
                raise UnavailableError(
                    f"the engine worker ended before it was ready ({self.how_it_ended()})", remedy="read the log"
                ) from None
            if "error" in message:
                raise ConfigurationError(message["error"]["message"], remedy=message["error"]["remedy"])
            return message
        raise UnavailableError(
            f"the engine worker was not ready within {ns_to_seconds(limit_ns):g} s",
            remedy="give it more time or fewer models",
        )

    async def _receive(self) -> dict[str, Any]:
        header = await self._received.receive_exactly(messages.HEADER.size)
        return messages.decode(await self._received.receive_exactly(messages.HEADER.unpack(header)[0]))
