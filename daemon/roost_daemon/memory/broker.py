"""What the embedded broker is told: mosquitto on loopback, for one site on one machine."""

from __future__ import annotations

from roost_daemon.memory.replication import MAX_PACKET_BYTES


def broker_configuration(port: int) -> str:
    """The text of mosquitto's configuration file.

    Nothing is written to disk: after a restart every daemon sends its own facts again.
    """
    # Started by root, mosquitto would become another user; then the kernel forgets to end it with the daemon (prctl(2),
    # PR_SET_PDEATHSIG), and it keeps the port. Started by anybody else, it stays who it is.
    return "\n".join(
        (
            "user root",
            f"listener {port} 127.0.0.1",
            "allow_anonymous true",
            "persistence false",
            f"max_packet_size {MAX_PACKET_BYTES}",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "",
        )
    )
