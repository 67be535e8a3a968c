"""The API server: a private Unix socket with health checks, and TCP only with TLS."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from roost.client import RoostClient
from roost.clock import Clocks
from roost.errors import ConfigurationError, UnavailableError, UnknownNameError
from roost.v1 import memory_pb2_grpc
from roost_daemon.api.memory import MemoryApi
from roost_daemon.api.server import ApiServer
from roost_daemon.config import TlsSettings
from roost_daemon.memory.store import FactStore

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def serving(socket: Path, tls: TlsSettings | None = None) -> AsyncIterator[ApiServer]:
    store = FactStore("hangar", Clocks())
    store.put("seen/depot/sign", "DEPOT3", source="drone1")
    server = ApiServer(socket, tls, [partial(memory_pb2_grpc.add_MemoryServiceServicer_to_server, MemoryApi(store))])
    await server.open()
    await server.set_serving(True)
    try:
        yield server
    finally:
        await server.close()


async def test_the_socket_is_private_and_healthy(runtime_directory: Path) -> None:
    socket = runtime_directory / "daemon.sock"
    async with serving(socket) as server:
        mode = (await anyio.Path(socket).stat()).st_mode
        assert stat.S_IMODE(mode) == 0o600
        async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            assert (await check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
            await server.set_serving(False)
            assert (await check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert not await anyio.Path(socket).exists()


async def test_facts_come_through_and_an_unknown_one_is_named(runtime_directory: Path) -> None:
    socket = runtime_directory / "daemon.sock"
    async with serving(socket), RoostClient(f"unix:{socket}") as client:
        assert (await client.fact("seen/depot/sign")).value.string_value == "DEPOT3"
        with pytest.raises(UnknownNameError) as caught:
            await client.fact("seen/yard")
        assert str(caught.value) == "there is no fact 'seen/yard'; `roost memory` lists all"


async def test_a_socket_that_somebody_serves_is_not_taken(runtime_directory: Path) -> None:
    socket = runtime_directory / "daemon.sock"
    async with serving(socket):
        with pytest.raises(UnavailableError) as caught:
            async with serving(socket):
                pass
        assert str(caught.value) == f"another daemon answers at {socket}; stop it, or choose another runtime directory"


async def test_a_socket_that_a_killed_daemon_left_is_taken(runtime_directory: Path) -> None:
    socket = runtime_directory / "daemon.sock"
    listener = await anyio.create_unix_listener(socket)
    await listener.aclose()
    assert await anyio.Path(socket).exists()
    async with serving(socket), RoostClient(f"unix:{socket}") as client:
        assert len(await client.facts()) == 1


async def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is longer than 107 bytes"):
        async with serving(tmp_path / ("x" * 120)):
            pass


async def test_tcp_speaks_tls_only(runtime_directory: Path) -> None:
    certificate, key = runtime_directory / "cert.pem", runtime_directory / "key.pem"
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    await anyio.run_process(
        [*make, *subject, "-keyout", str(key), "-out", str(certificate)],
        stderr=subprocess.DEVNULL,
    )
    tls = TlsSettings(port=0, certificate=certificate, key=key)
    async with serving(runtime_directory / "daemon.sock", tls) as server:
        address = f"localhost:{server.tcp_port}"
        request = health_pb2.HealthCheckRequest()
        trusted = grpc.ssl_channel_credentials(await anyio.Path(certificate).read_bytes())
        async with grpc.aio.secure_channel(address, trusted) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(request)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await health_pb2_grpc.HealthStub(channel).Check(request)


async def test_a_certificate_that_cannot_be_read_is_named(runtime_directory: Path) -> None:
    tls = TlsSettings(port=0, certificate=runtime_directory / "none.pem", key=runtime_directory / "none.key")
    with pytest.raises(ConfigurationError) as caught:
        async with serving(runtime_directory / "daemon.sock", tls):
            pass
    assert str(caught.value) == (
        f"cannot read {runtime_directory / 'none.key'}: No such file or directory; mend the paths under api.tcp"
    )
