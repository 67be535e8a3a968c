"""A real broker that can be killed and started again on the same port, and daemons' memories that share over it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import anyio
import pytest

from roost.clock import Clocks
from roost_daemon.assets import mosquitto_command
from roost_daemon.memory.broker import broker_configuration
from roost_daemon.memory.replication import Replicator
from roost_daemon.memory.store import FactStore

CLOCKS = Clocks()


class Broker:
    """mosquitto, started and ended at will. Only for use outside the event loop, or by `anyio.to_thread`."""

    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        self.directory = directory
        self._file = directory / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, more: str = "") -> None:
        self._file.write_text(broker_configuration(self.port) + more)
        command, environment = mosquitto_command()
        self._process = subprocess.Popen(
            [*command, "-c", str(self._file)], env=dict(environment), start_new_session=True, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + 10
        while not self._listens():
            assert self._process.poll() is None, "the broker does not start"
            assert time.monotonic() < give_up, "the broker does not listen"
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self.resume()
            self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(10)
        self._process = None


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Broker]:
    """A broker that is not started yet."""
    made = Broker(tmp_path, free_port)
    yield made
    made.stop()


@dataclass
class Memory:
    store: FactStore
    replicator: Replicator


@asynccontextmanager
async def sharing(port: int, daemon: str, clocks: Clocks = CLOCKS) -> AsyncIterator[Memory]:
    """A daemon's memory, replicated while the context is open."""
    store = FactStore(daemon, clocks)
    memory = Memory(store, Replicator(store, clocks, site="depot", port=port))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(memory.replicator.run)
        yield memory
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def stranger(port: int) -> AsyncIterator[aiomqtt.Client]:
    """Somebody with an MQTT client."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        yield client


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.02)
