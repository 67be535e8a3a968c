"""The test suite's own guards do guard."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest
from blockbuster import BlockingError

from roost_daemon import assets


@pytest.mark.anyio
async def test_a_blocking_call_of_ours_in_the_event_loop_fails() -> None:
    with pytest.raises(BlockingError):
        assets.clip_path()


@pytest.mark.anyio
async def test_the_same_call_in_a_thread_is_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(assets.UnavailableError):
        await anyio.to_thread.run_sync(assets.clip_path)


def test_a_ros_domain_is_held_while_the_test_runs(ros_domain) -> None:
    assert os.environ["ROS_DOMAIN_ID"] == ros_domain.environment["ROS_DOMAIN_ID"] == str(ros_domain.domain_id)
    with socket.socket(socket.AF_UNIX) as other, pytest.raises(OSError, match="in use"):
        other.bind(f"\0roost-ros-domain-{ros_domain.domain_id}")


def test_a_runtime_directory_leaves_room_for_a_socket_name(runtime_directory: Path) -> None:
    assert len(str(runtime_directory)) < 40
