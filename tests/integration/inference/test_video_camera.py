"""Cameras from video files and streams, with real files and real sockets."""

import io
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import anyio
import av
import numpy as np
import pytest
from PIL import Image

from roost.clock import Clocks
from roost.errors import UnavailableError
from roost_inference.cameras.video import VideoCamera
from roost_inference.ports import Frame

pytestmark = pytest.mark.anyio


async def take(camera: VideoCamera, count: int) -> list[Frame]:
    """The next frames, up to `count`, and then the camera is stopped."""
    taken: list[Frame] = []
    with anyio.fail_after(30):
        async with aclosing(cast(AsyncGenerator[Frame, None], camera.frames())) as frames:
            async for frame in frames:
                taken.append(frame)
                if len(taken) == count:
                    break
    return taken


def grey(frame: Frame) -> int:
    return round(float(frame.image.mean()))


async def test_a_file_is_played_once_in_order_to_its_end(video: Path, clocks: Clocks) -> None:
    camera = VideoCamera("clip", str(video), clocks, loop=False, rate_hz=100)

    frames = await take(camera, 1000)

    assert camera.received == 20
    assert len(frames) + camera.replaced == 20
    assert [grey(f) for f in frames] == pytest.approx([10 * (f.frame_id - 1) for f in frames], abs=4)
    assert {f.image.shape for f in frames} == {(48, 64, 3)}
    assert all(f.camera == "clip" and f.image.dtype == np.uint8 for f in frames)
    assert [f.received_ns for f in frames] == sorted(f.received_ns for f in frames)
    assert camera.health.message == "camera clip has ended"


async def test_a_file_starts_again_at_its_end(video: Path, clocks: Clocks) -> None:
    camera = VideoCamera("clip", str(video), clocks, rate_hz=200)

    frames = await take(camera, 45)

    assert frames[-1].frame_id > 40
    assert camera.name == "clip"


async def test_a_file_plays_at_its_own_rate_or_at_the_one_given(video: Path, clocks: Clocks) -> None:
    camera = VideoCamera("clip", str(video), clocks, loop=False)

    frames = await take(camera, 1000)

    # Never early; how late depends on the machine.
    for frame in frames:
        assert frame.received_ns - frames[0].received_ns >= (frame.frame_id - frames[0].frame_id) * 49_000_000


async def test_the_rate_may_change_while_it_plays(video: Path, clocks: Clocks) -> None:
    camera = VideoCamera("clip", str(video), clocks, rate_hz=200)
    received: list[Frame] = []
    with anyio.fail_after(30):
        async with aclosing(cast(AsyncGenerator[Frame, None], camera.frames())) as frames:
            async for frame in frames:
                received.append(frame)
                if len(received) == 5:
                    camera.set_rate(10)
                if len(received) == 8:
                    break

    # 5 ms before, 100 ms after; a busy machine may have held one of the two up.
    assert received[7].received_ns - received[6].received_ns >= 50_000_000


async def test_a_slow_reader_gets_the_newest_frame(video: Path, clocks: Clocks) -> None:
    camera = VideoCamera("clip", str(video), clocks, rate_hz=500)
    with anyio.fail_after(30):
        async with aclosing(cast(AsyncGenerator[Frame, None], camera.frames())) as frames:
            first = await anext(frames)
            while camera.received < 100:
                await anyio.sleep(0.01)
            second = await anext(frames)

    assert second.frame_id >= 100
    assert camera.replaced >= second.frame_id - first.frame_id - 1


async def test_frames_cannot_be_written_to(video: Path, clocks: Clocks) -> None:
    (frame,) = await take(VideoCamera("clip", str(video), clocks), 1)

    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1


async def test_a_stopped_camera_leaves_no_thread(video: Path, clocks: Clocks) -> None:
    before = threading.active_count()
    await take(VideoCamera("left", str(video), clocks), 1)

    assert "camera left" not in [thread.name for thread in threading.enumerate()]
    assert threading.active_count() <= before + 1  # the pool's thread that waited for it


def beginning(video: Path, share: float, directory: Path) -> Path:
    """A file with the first part of a video."""
    content = video.read_bytes()
    path = directory / "beginning.mp4"
    path.write_bytes(content[: int(len(content) * share)])
    return path


REMEDY = "check the path or the address, and that it is a video"


async def test_an_absent_file_is_named(tmp_path: Path, clocks: Clocks) -> None:
    with pytest.raises(UnavailableError) as caught:
        await take(VideoCamera("clip", str(tmp_path / "absent.mp4"), clocks), 1)

    assert str(caught.value) == f"camera clip: cannot open {tmp_path / 'absent.mp4'} (no such file or directory); {REMEDY}"


async def test_a_camera_whose_file_comes_later_plays_when_it_is_asked_again(
    video: Path, tmp_path: Path, clocks: Clocks
) -> None:
    camera = VideoCamera("clip", str(tmp_path / "later.mp4"), clocks)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="cannot open"):
            await take(camera, 1)

    (tmp_path / "later.mp4").write_bytes(video.read_bytes())

    assert len(await take(camera, 3)) == 3


async def test_a_text_file_is_named(tmp_path: Path, clocks: Clocks) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video\n" * 100)

    with pytest.raises(UnavailableError) as caught:
        await take(VideoCamera("clip", str(path), clocks), 1)

    assert str(caught.value) == f"camera clip: cannot open {path} (invalid data found when processing input); {REMEDY}"


async def test_a_file_whose_head_is_cut_off_is_named(video: Path, tmp_path: Path, clocks: Clocks) -> None:
    path = beginning(video, 0.05, tmp_path)

    with pytest.raises(UnavailableError, match=r"camera clip: .*beginning\.mp4"):
        await take(VideoCamera("clip", str(path), clocks), 1)


async def test_a_file_that_breaks_off_plays_what_is_there_and_says_so(video: Path, tmp_path: Path, clocks: Clocks) -> None:
    path = beginning(video, 0.8, tmp_path)
    camera = VideoCamera("clip", str(path), clocks, rate_hz=200)

    frames = await take(camera, 30)

    assert len(frames) == 30
    assert 0 < max(grey(f) for f in frames) < 190


async def test_a_file_with_sound_only_is_named(tmp_path: Path, clocks: Clocks) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))

    with pytest.raises(UnavailableError) as caught:
        await take(VideoCamera("clip", str(path), clocks), 1)

    assert str(caught.value) == f"camera clip: {path} has no video in it; name a file or a stream with video"


async def test_a_stream_that_is_not_there_is_given_up_after_a_few_attempts(free_port: int, clocks: Clocks) -> None:
    url = f"rtsp://127.0.0.1:{free_port}/live"

    with pytest.raises(UnavailableError) as caught:
        await take(VideoCamera("street", url, clocks), 1)

    assert str(caught.value) == f"camera street: cannot open {url} (connection refused); {REMEDY}"


@pytest.mark.shared
async def test_the_shared_clips_play(shared: Path, clocks: Clocks) -> None:
    for clip in sorted((shared / "video").glob("*.mp4")):
        (frame, *_) = await take(VideoCamera("clip", str(clip), clocks, rate_hz=100), 3)
        assert frame.image.ndim == 3


class WebCamera(BaseHTTPRequestHandler):
    """Sends ten pictures as a stream of JPEGs, as web cameras do; then breaks off, or is silent if its path says so."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for k in range(10):
            jpeg = io.BytesIO()
            Image.fromarray(np.full((48, 64, 3), 20 * k, dtype=np.uint8)).save(jpeg, "JPEG")
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {jpeg.tell()}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg.getvalue() + b"\r\n")
        if self.path == "/silent":
            self.server.quiet.wait(30)  # type: ignore[attr-defined]  # set by the fixture

    def log_message(self, format: str, *args: object) -> None:
        """No lines on the screen."""


@pytest.fixture
def web_camera() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), WebCamera)
    server.daemon_threads = True
    server.quiet = threading.Event()  # type: ignore[attr-defined]  # a fixture's own
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.quiet.set()  # type: ignore[attr-defined]  # a fixture's own
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/short", "{url} broke off (input/output error); trying again"),
        ("/silent", "{url} sent nothing for 0.3 s; trying again"),
    ],
)
async def test_a_stream_that_breaks_off_or_stalls_is_opened_again_and_says_so(
    web_camera: str, clocks: Clocks, path: str, problem: str
) -> None:
    url = web_camera + path
    camera = VideoCamera("street", url, clocks, read_limit_s=0.3)
    said: set[str] = set()

    async def listen() -> None:
        while camera.received < 15:
            said.add(camera.health.message)
            await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        with anyio.fail_after(30):
            async with aclosing(cast(AsyncGenerator[Frame, None], camera.frames())) as frames:
                async for frame in frames:
                    if frame.frame_id >= 15:
                        break

    assert f"camera street: {problem.format(url=url)}" in said


async def test_a_stream_is_thinned_to_the_rate(web_camera: str, clocks: Clocks) -> None:
    camera = VideoCamera("street", f"{web_camera}/short", clocks, rate_hz=0.01)

    (frame,) = await take(camera, 1)

    assert frame.frame_id == 1
    assert camera.received == 1
