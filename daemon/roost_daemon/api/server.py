"""The gRPC server: a Unix socket for this machine, TCP only with TLS, and `grpc.health.v1`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import anyio
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from roost.errors import ConfigurationError, UnavailableError
from roost_daemon.config import TlsSettings

Registration = Callable[[grpc.aio.Server], None]
_LONGEST_SOCKET_PATH = 107
_GRACE_S = 0.3


class ApiServer:
    """Serves what is registered until it is closed."""

    def __init__(self, socket: Path, tls: TlsSettings | None, registrations: Iterable[Registration]) -> None:
        self._socket = socket
        self._tls = tls
        self._server = grpc.aio.server()
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the published stubs lack it
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for register in registrations:
            register(self._server)
        self.tcp_port = 0

    async def open(self) -> None:
        """Listen.

        Raises `ConfigurationError` for a path that is too long or TLS files that cannot be read, `UnavailableError` where
        the address is taken.
        """
        path = str(self._socket)
        if len(path) > _LONGEST_SOCKET_PATH:
            raise ConfigurationError(
                f"the socket path {path} is longer than {_LONGEST_SOCKET_PATH} bytes",
                remedy="choose a shorter daemon.runtime_directory",
            )
        await self._make_way()
        try:
            self._server.add_insecure_port(f"unix:{path}")
            if self._tls is not None:
                self.tcp_port = self._server.add_secure_port(
                    f"{self._tls.host}:{self._tls.port}", await anyio.to_thread.run_sync(_credentials, self._tls)
                )
        except RuntimeError as error:
            raise UnavailableError(f"cannot listen at {path}: {error}", remedy="is another daemon running there?") from error
        await self._server.start()
        await anyio.to_thread.run_sync(os.chmod, path, 0o600)

    async def set_serving(self, serving: bool) -> None:
        """What health checks are told."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)

    async def close(self) -> None:
        """Finish what runs, shortly, and stop listening."""
        await self.set_serving(False)
        await self._server.stop(_GRACE_S)
        await anyio.Path(self._socket).unlink(missing_ok=True)

    async def _make_way(self) -> None:
        """Remove the socket of a daemon that was killed; refuse where one answers."""
        path = anyio.Path(self._socket)
        if not await path.exists():
            return
        try:
            stream = await anyio.connect_unix(path)
        except OSError:
            await path.unlink(missing_ok=True)
            return
        await stream.aclose()
        raise UnavailableError(f"another daemon answers at {path}", remedy="stop it, or choose another runtime directory")


def _credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    try:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        client_ca = tls.client_ca.read_bytes() if tls.client_ca else None
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {error.filename}: {error.strerror}", remedy="mend the paths under api.tcp"
        ) from error
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)
