"""What a service manager is told: systemd's notification protocol (sd_notify), a datagram to `NOTIFY_SOCKET`."""

from __future__ import annotations

import socket
from collections.abc import Mapping


def notify(environment: Mapping[str, str], **state: str) -> bool:
    """Send `KEY=value` pairs (`READY="1"`, `STATUS="…"`, `STOPPING="1"`); False where nobody listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    message = "\n".join(f"{key}={value}" for key, value in state.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        try:
            out.sendto(message.encode(), address)
        except OSError:
            return False
    return True
