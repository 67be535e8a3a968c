"""The newest-wins slot between the thread that makes frames and the event loop that takes them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from roost.errors import UnavailableError
from roost_inference.ports import Frame


class NewestSlot:
    """Holds at most one frame. `put` and `end` may be called from any thread, `take` from one task of an event loop.

    The lock is held for a few instructions only, so taking it in the event loop does not block it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._ended = False
        self._error: UnavailableError | None = None
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._received = 0
        self._replaced = 0

    @property
    def received(self) -> int:
        """How many frames have been put here."""
        return self._received

    @property
    def replaced(self) -> int:
        """How many of them a newer one has replaced before anybody looked."""
        return self._replaced

    def begin(self) -> None:
        """Frames will come, also after an end."""
        with self._lock:
            self._frame, self._ended, self._error = None, False, None

    def put(self, frame: Frame) -> None:
        """Make this the newest frame."""
        with self._lock:
            self._received += 1
            if self._frame is not None:
                self._replaced += 1
            self._frame = frame
            self._wake()

    def end(self, error: UnavailableError | None = None) -> None:
        """No frame will come any more; `error` says why if it is not the source's own end."""
        with self._lock:
            self._ended, self._error = True, error
            self._wake()

    async def take(self) -> Frame | None:
        """The newest frame, as soon as there is one that was not taken before; None after the end.

        Raises the error given to `end`.
        """
        while True:
            with self._lock:
                frame, self._frame = self._frame, None
                if frame is not None:
                    return frame
                if self._error is not None:
                    raise self._error
                if self._ended:
                    return None
                loop = asyncio.get_running_loop()
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiter = (loop, waiter)
            await waiter

    def _wake(self) -> None:
        if self._waiter is not None:
            loop, waiter = self._waiter
            self._waiter = None
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
