"""The user's own clip and models take part in the story: here real ones that the repository does not hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.ros, pytest.mark.shared, pytest.mark.timeout(240)]

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "models"
MODELS = {"light_person", "yunet_120x160"}


@pytest.fixture
def models(shared: Path, tmp_path: Path) -> Path:
    """A directory as docs/examples/models says: ONNX files and their manifests side by side."""
    directory = tmp_path / "models"
    directory.mkdir()
    for name in MODELS:
        shutil.copy(shared / "models" / f"{name}.onnx", directory)
        shutil.copy(EXAMPLES / f"{name}.yaml", directory)
    return directory


def test_own_clip_and_models(
    start_demo: Callable[..., Any], shared: Path, models: Path, wait_within: Callable[..., Any]
) -> None:
    clip = shared / "video" / "one-by-one-person-detection.mp4"
    demo = start_demo("--seconds", "60", "--video", str(clip), "--models", str(models), terminal=True)
    demo.await_event("step done: drone1 is done: inspect the depot")
    demo.look()
    assert demo.configuration["cameras"]["clip"]["source"] == str(clip.resolve())
    wait_within(20.0, "own models on the screen", lambda: all(name in demo.plain for name in MODELS))
    demo.interrupt()

    assert demo.wait() == 130
    summary = json.loads((demo.run / "summary.json").read_text())
    done = {model["name"]: model["on_time_edge"] + model["on_time_cloud"] for model in summary["models"]}
    assert all(done[name] > 0 for name in MODELS), summary["models"]
    assert [line for picture in demo.pictures for line in picture if len(line) > 80] == []
    assert max(len(picture) for picture in demo.pictures) <= 24
    demo.left_nothing()
