"""The engine's worker process: started, asked, killed, hung, given up, and never left behind."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from anyio import to_thread

from roost.clock import Clocks, Deadline
from roost.errors import ConfigurationError, DeadlineExceededError, UnavailableError, UnknownNameError
from roost.restart import RestartPolicy
from roost_inference.engines.local import EngineSettings, LocalEngine
from roost_inference.engines.measuring import measure_edge_times
from roost_inference.models import load_manifests
from roost_inference.ports import BadInputError, EngineError, Frame, Region

pytestmark = pytest.mark.anyio

SECOND_NS = 1_000_000_000
CPU = min(os.sched_getaffinity(0))


def settings(models: Path) -> EngineSettings:
    return EngineSettings(
        models=models, cpu=CPU, environment={"PATH": os.environ["PATH"]}, restart=RestartPolicy(first_delay_ns=10_000_000)
    )


def frame(image: np.ndarray) -> Frame:
    return Frame("drone1", 17, image, 0, 0)


@asynccontextmanager
async def running(options: EngineSettings, clocks: Clocks) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(options, clocks)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.sleep(0.01)


async def test_a_frame_goes_to_the_worker_and_its_result_comes_back(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(settings(bright_spot_model()), clocks) as engine:
        soon = Deadline.after(clocks, 10 * SECOND_NS)
        whole = await engine.infer("bright", frame(bright_picture), None, soon)
        part = await engine.infer("bright", frame(bright_picture), Region(32, 0, 64, 24), soon)

        assert engine.health.healthy
        assert engine.providers == {"bright": "cpu"}
        assert engine.worker_pid is not None
        assert os.sched_getaffinity(engine.worker_pid) == {CPU}

    assert [found.region for found in whole.detections] == [Region(32, 16, 48, 32)]
    assert [found.region for found in part.detections] == [Region(32, 16, 40, 24), Region(40, 16, 48, 24)]


async def test_a_frame_larger_than_any_before_has_room(bright_spot_model: Callable[[], Path], clocks: Clocks) -> None:
    large = np.zeros((1200, 1600, 3), dtype=np.uint8)
    large[400:800, 800:1200] = 255
    async with running(settings(bright_spot_model()), clocks) as engine:
        soon = Deadline.after(clocks, 10 * SECOND_NS)
        small = await engine.infer("bright", frame(large[:48, :64]), None, soon)
        (found,) = (await engine.infer("bright", frame(large), None, soon)).detections

    assert small.detections == ()
    assert found.region == Region(800, 400, 1200, 800)


async def test_a_run_whose_turn_comes_too_late_is_refused(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray
) -> None:
    at_second_5 = Clocks(monotonic_ns=lambda: 5 * SECOND_NS, utc_ns=lambda: 0)
    async with running(settings(bright_spot_model()), at_second_5) as engine:
        with pytest.raises(DeadlineExceededError) as caught:
            await engine.infer("bright", frame(bright_picture), None, Deadline(5 * SECOND_NS - 2_500_000))

    assert str(caught.value) == "bright on frame 17 of drone1: its turn came 2.5 ms too late; give it a later deadline"


async def test_a_bad_region_and_an_unknown_model_are_refused(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(settings(bright_spot_model()), clocks) as engine:
        soon = Deadline.after(clocks, 10 * SECOND_NS)
        with pytest.raises(BadInputError, match=r"the region 0,0\.\.65,10 is not in the frame of 64x48"):
            await engine.infer("bright", frame(bright_picture), Region(0, 0, 65, 10), soon)
        with pytest.raises(UnknownNameError) as caught:
            await engine.infer("dark", frame(bright_picture), None, soon)
        again = await engine.infer("bright", frame(bright_picture), None, soon)

    assert str(caught.value) == "no model 'dark' here; known: bright"
    assert len(again.detections) == 1


async def test_a_killed_worker_costs_its_run_and_is_started_again(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(settings(bright_spot_model()), clocks) as engine:
        soon = Deadline.after(clocks, 60 * SECOND_NS)
        first = engine.worker_pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        errors: list[EngineError] = []

        async def run() -> None:
            with pytest.raises(EngineError) as caught:
                await engine.infer("bright", frame(bright_picture), None, soon)
            errors.append(caught.value)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await anyio.wait_all_tasks_blocked()
                os.kill(first, signal.SIGKILL)
        await until(lambda: engine.health.healthy and engine.worker_pid != first)
        found = await engine.infer("bright", frame(bright_picture), None, soon)

        assert engine.restarts == 1

    assert str(errors[0]) == (
        "the engine worker died (signal SIGKILL) while it ran bright on frame 17 of drone1; "
        "it is started again; the frame is lost"
    )
    assert len(found.detections) == 1


async def test_while_there_is_no_worker_a_run_is_refused_at_once(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    slowly = replace(
        settings(bright_spot_model()), restart=RestartPolicy(first_delay_ns=60 * SECOND_NS, longest_delay_ns=60 * SECOND_NS)
    )
    async with running(slowly, clocks) as engine:
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGKILL)
        await until(lambda: not engine.health.healthy)

        with pytest.raises(EngineError) as caught:
            await engine.infer("bright", frame(bright_picture), None, Deadline.after(clocks, SECOND_NS))

    line = "the engine worker died (signal SIGKILL) and is being started again; it takes a second or two"
    assert str(caught.value) == line


async def test_a_worker_that_hangs_is_killed_and_started_again(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(replace(settings(bright_spot_model()), run_limit_ns=SECOND_NS // 2), clocks) as engine:
        first = engine.worker_pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)

        with pytest.raises(EngineError) as caught:
            await engine.infer("bright", frame(bright_picture), None, Deadline.after(clocks, 60 * SECOND_NS))
        await until(lambda: engine.health.healthy and engine.worker_pid != first)

    assert caught.value.message == (
        "the engine worker died (no answer within 0.5 s) while it ran bright on frame 17 of drone1"
    )


async def test_a_worker_that_dies_too_often_is_given_up_with_one_line(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(
        replace(settings(bright_spot_model()), restart=RestartPolicy(limit=1, first_delay_ns=10_000_000)), clocks
    ) as engine:
        for restarts in (0, 1):
            await until(lambda expected=restarts: engine.health.healthy and engine.restarts == expected)  # type: ignore[misc]
            assert engine.worker_pid is not None
            os.kill(engine.worker_pid, signal.SIGSEGV)
        await until(lambda: "not started again" in engine.health.message)
        with pytest.raises(EngineError) as caught:
            await engine.infer("bright", frame(bright_picture), None, Deadline.after(clocks, SECOND_NS))

    assert str(caught.value) == (
        "the engine worker died 2 times within 60 s, last by signal SIGSEGV; it is not started again; "
        "read the log, then restart Roost"
    )


async def test_a_cancelled_run_does_not_spoil_the_next(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    async with running(settings(bright_spot_model()), clocks) as engine:
        soon = Deadline.after(clocks, 60 * SECOND_NS)
        for _ in range(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(engine.infer, "bright", frame(np.zeros_like(bright_picture)), None, soon)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()

        found = await engine.infer("bright", frame(bright_picture), None, soon)

    assert len(found.detections) == 1


async def test_a_model_that_cannot_be_loaded_is_left_out_with_its_line(
    bright_spot_model: Callable[[str], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    bright_spot_model("bright")
    directory = bright_spot_model("broken")
    (directory / "broken.onnx").unlink()
    line = f"{directory / 'broken.onnx'}: no such model; put the ONNX file there or correct the manifest"

    async with running(settings(directory), clocks) as engine:
        soon = Deadline.after(clocks, 10 * SECOND_NS)
        with pytest.raises(EngineError) as caught:
            await engine.infer("broken", frame(bright_picture), None, soon)

        assert engine.refused == {"broken": line}
        assert len((await engine.infer("bright", frame(bright_picture), None, soon)).detections) == 1

    assert str(caught.value) == line


async def test_an_engine_without_a_model_does_not_start(tmp_path: Path, clocks: Clocks) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await LocalEngine(settings(tmp_path), clocks).start()

    assert str(caught.value) == f"{tmp_path}: holds no model; put a manifest (*.yaml) and its ONNX file there"


async def test_an_engine_whose_manifests_are_wrong_does_not_start(tmp_path: Path, clocks: Clocks) -> None:
    (tmp_path / "net.yaml").write_text("file: net.onnx")

    with pytest.raises(ConfigurationError) as caught:
        await LocalEngine(settings(tmp_path), clocks).start()

    assert str(caught.value) == (
        f"{tmp_path / 'net.yaml'}: 'input.size' is missing; give [height, width] in pixels, or dynamic"
    )


async def test_a_worker_that_takes_too_long_to_start_is_given_up(
    bright_spot_model: Callable[[], Path], clocks: Clocks
) -> None:
    with pytest.raises(UnavailableError) as caught:
        await LocalEngine(replace(settings(bright_spot_model()), start_limit_ns=1_000_000), clocks).start()

    assert str(caught.value) == ("the engine worker was not ready within 0.001 s; give it more time or fewer models")


async def test_a_closed_engine_leaves_nothing_and_says_so(
    bright_spot_model: Callable[[], Path], bright_picture: np.ndarray, clocks: Clocks
) -> None:
    descriptors = open_descriptors()
    async with running(settings(bright_spot_model()), clocks) as engine:
        pid = engine.worker_pid
        await engine.infer("bright", frame(bright_picture), None, Deadline.after(clocks, 10 * SECOND_NS))

    assert pid is not None
    assert not lives(pid)
    assert open_descriptors() == descriptors
    assert engine.health.message == "the engine has been closed"


async def test_times_are_measured_once_and_kept(
    bright_spot_model: Callable[[], Path], tmp_path: Path, clocks: Clocks
) -> None:
    directory = bright_spot_model()
    manifests = await to_thread.run_sync(load_manifests, directory)
    cache = tmp_path / "cache" / "times.json"
    async with running(settings(directory), clocks) as engine:
        times = await engine.profile("bright", 5, 10 * SECOND_NS)
        first = await measure_edge_times(engine, manifests, cache, runs=5, budget_ns=SECOND_NS)
        again = await measure_edge_times(engine, manifests, cache, runs=5, budget_ns=SECOND_NS)

    assert times.runs == 5
    assert 0 < times.cpu_p50_ns <= times.cpu_p95_ns
    assert first == again
    assert first["bright"] > 1_000_000


def test_the_worker_dies_with_its_parent_whatever_kills_it(bright_spot_model: Callable[[], Path]) -> None:
    code = f"""
        import asyncio, os
        from pathlib import Path
        from roost.clock import Clocks
        from roost_inference.engines.local import EngineSettings, LocalEngine

        async def main():
            models = Path({str(bright_spot_model())!r})
            engine = LocalEngine(EngineSettings(models, environment={{"PATH": os.environ["PATH"]}}), Clocks())
            await engine.start()
            print(engine.worker_pid, flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.kill()
        parent.wait(10)

    anyio.run(until, lambda: not lives(pid))


def test_the_worker_s_help_teaches() -> None:
    command = [sys.executable, "-m", "roost_inference.engines.worker", "--help"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert "--models" in done.stdout
    assert "directory with manifests" in done.stdout
