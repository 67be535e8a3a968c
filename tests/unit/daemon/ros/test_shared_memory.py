"""Only what nobody uses is swept from the shared memory."""

from __future__ import annotations

import mmap
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from roost_daemon.ros.shared_memory import SHARED_MEMORY, remove_abandoned


@pytest.fixture
def family() -> Iterator[list[Path]]:
    """The files of one port, under a name that no participant has."""
    name = f"fastdds_{uuid.uuid4().hex[:16]}"
    paths = [SHARED_MEMORY / name, SHARED_MEMORY / f"{name}_el", SHARED_MEMORY / f"sem.{name}_mutex"]
    for path in paths:
        path.write_bytes(bytes(4096))
    yield paths
    for path in paths:
        path.unlink(missing_ok=True)


def test_what_nobody_uses_is_removed(family: list[Path]) -> None:
    assert set(family) <= set(remove_abandoned())
    assert not any(path.exists() for path in family)


def test_a_family_of_which_one_file_is_mapped_stays(family: list[Path]) -> None:
    with family[0].open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0)
    remove_abandoned()
    assert all(path.exists() for path in family)
    mapping.close()


def test_a_family_of_which_one_file_is_open_stays(family: list[Path]) -> None:
    with family[1].open("rb"):
        remove_abandoned()
        assert all(path.exists() for path in family)


def test_nothing_of_others_is_touched(tmp_path: Path) -> None:
    names = ["psm_12345678", "fastdds", "sem.other_mutex", "roost-frames", "fastdds_port7411.txt"]
    for name in names:
        (tmp_path / name).touch()
    assert remove_abandoned(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_all_kinds_of_files_are_known(tmp_path: Path) -> None:
    names = [
        "fastdds_0f21d3000cfd1b67",
        "fastdds_0f21d3000cfd1b67_el",
        "fastdds_port7411",
        "fastdds_port7411_el",
        "lttng-ust-wait-6",
        f"lttng-ust-wait-6-{os.geteuid()}",
        "sem.fastdds_port7411_mutex",
    ]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in remove_abandoned(tmp_path)] == names
