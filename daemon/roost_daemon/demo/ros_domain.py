"""A ROS domain that no other demo or test on this machine uses.

Two runs at once must not hear each other. Each holds an abstract Unix socket named after its domain; the kernel gives a name
to one process only and forgets it when that process ends, however it ends, so nothing is left behind.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from roost.errors import UnavailableError

# Domains above 101 use ports that Linux hands out to clients.
DOMAINS = range(1, 102)


@contextmanager
def own_ros_domain() -> Iterator[int]:
    """Hold a free domain while the context lasts; gives its number.

    Raises `UnavailableError` where all are taken.
    """
    start = os.getpid()
    for offset in range(len(DOMAINS)):
        domain_id = DOMAINS[(start + offset) % len(DOMAINS)]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as holder:
            try:
                holder.bind(f"\0roost-ros-domain-{domain_id}")
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
            yield domain_id
            return
    raise UnavailableError("all ROS domains from 1 to 101 are taken by other runs", remedy="end one of them")
