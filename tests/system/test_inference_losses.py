"""Bad input and loss on the frame's road: one clear line each, the rest goes on, the counts add up. No cloud, no robots."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from roost import errors
from roost.skill import Rectangle

pytestmark = [pytest.mark.system, pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def daemon(site: Any) -> Iterator[Any]:
    """One good camera and model; two cameras and two models that are not."""
    text_file = site.directory / "notes.mp4"
    text_file.write_text("this is no video\n")
    vest = site.demo_manifest("vest_detector")
    yield site.daemon(
        "edge",
        models=site.models(
            "models",
            absent=vest | {"file": "absent.onnx"},
            misshapen=vest | {"input": vest["input"] | {"layout": "nchw", "size": [100, 100]}},
        ),
        cameras={
            "eye": site.camera(),
            "notes": {"source": str(text_file)},
            "gone": {"source": str(site.directory / "gone.mp4")},
        },
        streams=[{"camera": "eye", "model": "vest_detector", "rate_hz": 5}],
    )


async def looks_on(daemon: Any) -> None:
    """Looks through the good camera come in time, and the counts add up."""
    await daemon.looks_on_time("vest_detector", "edge")
    await daemon.counts_add_up()


async def test_an_unknown_camera_is_named(daemon: Any) -> None:
    async with daemon.client() as roost:
        with pytest.raises(errors.UnknownNameError) as caught:
            await roost.infer("vest_detector", camera="roof")
    assert str(caught.value) == "unknown camera 'roof'; known: eye, gone, notes"
    await looks_on(daemon)


async def test_an_unknown_model_is_named(daemon: Any) -> None:
    async with daemon.client() as roost:
        with pytest.raises(errors.UnknownNameError) as caught:
            await roost.infer("cats", camera="eye")
    assert str(caught.value) == "unknown model 'cats'; known: vest_detector"
    await looks_on(daemon)


@pytest.mark.parametrize(
    ("camera", "why"), [("notes", "invalid data found when processing input"), ("gone", "no such file or directory")]
)
async def test_a_clip_that_cannot_be_read_is_named(site: Any, daemon: Any, camera: str, why: str) -> None:
    file = site.directory / f"{camera}.mp4"
    line = f"camera {camera}: cannot open {file} ({why}); check the path or the address, and that it is a video"
    await daemon.said(line)
    async with daemon.client() as roost:
        with pytest.raises(errors.UnavailableError) as caught:
            await roost.infer("vest_detector", camera=camera)
    assert str(caught.value) == line
    (seen,) = [each for each in (await daemon.stats()).cameras if each.name == camera]
    assert (seen.healthy, seen.frames, seen.message) == (False, 0, line)
    await looks_on(daemon)


async def test_a_clip_that_comes_later_is_played(site: Any, daemon: Any) -> None:
    shutil.copy(site.clip(), site.directory / "gone.mp4")
    await daemon.said("camera 'gone': frames come again")
    (seen,) = [each for each in (await daemon.stats()).cameras if each.name == "gone"]
    assert (seen.healthy, seen.message) == (True, "")
    lines = daemon.lines("camera gone: cannot open")
    assert len(lines) == 1, "it is said once, not at every attempt"


async def test_a_missing_model_is_named_and_left_out(site: Any, daemon: Any) -> None:
    file = site.directory / "models" / "absent.onnx"
    line = f"model 'absent' is not used: {file}: no such model; put the ONNX file there or correct the manifest"
    assert len(daemon.lines(line)) == 1
    assert [model.name for model in (await daemon.stats()).models] == ["vest_detector"]
    await looks_on(daemon)


async def test_a_model_whose_tensor_has_another_shape_is_named_and_left_out(daemon: Any) -> None:
    (line,) = daemon.lines("model 'misshapen' is not used: ")
    assert (
        "misshapen.yaml: the input described is [1, 3, 100, 100], vest_detector.onnx takes [any, 240, 320, 3]; "
        "correct 'input.size', 'input.layout' or 'input.colour'"
    ) in line
    await looks_on(daemon)


async def test_a_region_that_is_not_in_the_frame_is_dropped_as_bad_input(daemon: Any) -> None:
    async with daemon.client() as roost:
        look = await roost.infer("vest_detector", camera="eye", region=Rectangle(300, 200, 400, 300))
    assert (look.outcome, look.drop_reason) == ("dropped", "bad_input")
    await daemon.said(
        "edge: the region 300,200..400,300 is not in the frame of 320x240; "
        "give left < right and top < bottom, in pixels of the frame"
    )
    await looks_on(daemon)


async def test_a_killed_engine_worker_is_started_again(daemon: Any) -> None:
    killed = await daemon.kill_part("engine")
    await daemon.part_is_back("engine", but=killed)
    assert (await daemon.part("engine")).restarts == 1
    line = "the engine worker died (signal SIGKILL) and is being started again; it takes a second or two"
    assert len(daemon.lines(f"[warning] {line}")) == 1, "the engine itself says it once"
    await looks_on(daemon)


def test_a_second_daemon_on_the_same_socket_is_refused(site: Any, daemon: Any) -> None:
    answer = site.roost(("up", "--config", str(daemon.configuration)))
    assert answer.returncode == 4
    assert answer.stderr == (
        f"roost: another daemon runs in {daemon.directory}; stop it, or choose another daemon.runtime_directory\n"
    )
    assert daemon.process.process.poll() is None
    assert daemon.socket.exists()
