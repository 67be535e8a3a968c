"""The service manager is told on its own socket, if there is one."""

from __future__ import annotations

import socket
from pathlib import Path

from roost_daemon.observe.service_manager import notify


def test_it_hears_the_state(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        assert notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, READY="1", STATUS="goals are accepted")
        assert manager.recv(1000) == b"READY=1\nSTATUS=goals are accepted"


def test_without_a_manager_nothing_happens(tmp_path: Path) -> None:
    assert not notify({}, READY="1")
    assert not notify({"NOTIFY_SOCKET": str(tmp_path / "gone")}, READY="1")
