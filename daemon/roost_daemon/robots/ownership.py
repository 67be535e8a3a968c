"""A robot has at most one gateway on a machine. The lock is an abstract Unix socket: it dies with its process."""

from __future__ import annotations

import errno
import socket
import struct
from types import TracebackType

from roost.errors import RoostError


class AlreadyOwnedError(RoostError):
    """Another process is the robot's gateway."""

    reason = "ALREADY_OWNED"


class RobotLock:
    """Holds the lock on the robot in a ROS domain's namespace from `__init__` to `close`.

    Raises `AlreadyOwnedError`.
    """

    def __init__(self, ros_domain_id: int, namespace: str) -> None:
        address = f"\0roost-gateway-{ros_domain_id}-{namespace}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise AlreadyOwnedError(
                f"the robot in namespace '{namespace}' of ROS domain {ros_domain_id} has a gateway already{_owner(address)}",
                remedy="end that one first",
            ) from error
        self._socket.listen(1)  # so that another one can ask whose lock it is

    def close(self) -> None:
        """Give the lock back."""
        self._socket.close()

    def __enter__(self) -> RobotLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _owner(address: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(address) != 0:
            return ""
        process, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f", process {process}"
