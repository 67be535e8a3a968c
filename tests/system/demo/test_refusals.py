"""What the demo cannot follow is refused at once: one line, exit code 3, nothing started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system]


def refused(directory: Path, *arguments: str, command: tuple[str, ...] = ()) -> str:
    """The one line with which it is refused."""
    ended = subprocess.run(
        [*command, sys.executable, "-m", "roost_daemon.cli", "demo", "--headless", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (3, ""), ended
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert not (directory / ".roost").exists()
    return ended.stderr


def test_too_short_a_story(tmp_path: Path) -> None:
    assert refused(tmp_path, "--seconds", "20") == ("roost: the story needs at least 60 s, not 20; say --seconds 60\n")


def test_one_processor(tmp_path: Path) -> None:
    only = str(min(os.sched_getaffinity(0)))

    assert refused(tmp_path, command=("taskset", "-c", only)) == (
        "roost: the engine wants a core of its own, and this process may use only one; allow the demo "
        "at least two (taskset, cpuset)\n"
    )


def test_a_clip_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path, "--video", "gone.mp4") == (
        "roost: there is no clip gone.mp4; name an existing file with --video\n"
    )


def test_a_clip_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("this is no video\n")

    assert refused(tmp_path, "--video", "notes.mp4") == (
        "roost: camera clip: cannot open notes.mp4 (invalid data found when processing input); "
        "name another file with --video\n"
    )


def test_a_clip_and_a_camera(tmp_path: Path) -> None:
    assert refused(tmp_path, "--video", "a.mp4", "--camera", "rtsp://127.0.0.1/a") == (
        "roost: --video and --camera both replace the clip; give one of them\n"
    )


def test_a_summary_that_could_not_be_written(tmp_path: Path) -> None:
    assert refused(tmp_path, "--json", "nowhere/summary.json") == (
        "roost: there is no directory nowhere for summary.json; name another file with --json\n"
    )


def test_a_folder_without_models(tmp_path: Path) -> None:
    assert refused(tmp_path, "--models", str(tmp_path)) == (
        f"roost: {tmp_path}: holds no model; put ONNX files and their manifests (*.yaml) there\n"
    )
