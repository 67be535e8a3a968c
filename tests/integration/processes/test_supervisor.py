"""The supervisor on real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import anyio
import pytest

from roost.clock import NANOSECONDS_PER_MILLISECOND, Clocks
from roost.errors import UnavailableError
from roost.restart import RestartPolicy
from roost_daemon.processes.environment import child_environment
from roost_daemon.processes.supervisor import Child, ChildSpec, ChildState, Supervisor

pytestmark = pytest.mark.anyio

READY = "import json, sys, time, os; print(json.dumps({'ready': True, 'answer': 42}), flush=True)\n"
FAST = RestartPolicy(limit=2, first_delay_ns=NANOSECONDS_PER_MILLISECOND)


def spec(code: str, *, name: str = "child", start_limit_s: float = 20, restart: RestartPolicy = FAST) -> ChildSpec:
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-S", "-c", code),
        environment=child_environment(os.environ, EXTRA="1"),
        start_limit_s=start_limit_s,
        restart=restart,
    )


async def until(child: Child, state: ChildState) -> None:
    with anyio.fail_after(20):
        async with child._changed:
            await child._changed.wait_for(lambda: child.state is state)


async def test_a_child_says_that_it_is_ready_and_is_ended() -> None:
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(spec(READY + "time.sleep(60)"))
        assert (await child.wait_ready())["answer"] == 42
        assert os.getsid(child.process_id) == child.process_id
        await supervisor.stop_all()
        assert child.state is ChildState.STOPPED


async def test_a_killed_child_comes_back() -> None:
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(spec(READY + "time.sleep(60)"))
        await child.wait_ready()
        first = child.process_id
        os.kill(first, signal.SIGKILL)
        await until(child, ChildState.DEGRADED)
        assert child.message == "child ended with signal SIGKILL; starting it again"
        await child.wait_ready()
        assert child.process_id != first
        assert child.restarts == 1
        await supervisor.stop_all()


async def test_it_gives_up_with_one_line_that_holds_the_last_words() -> None:
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(spec("import sys; print('no such device', file=sys.stderr); sys.exit(3)"))
        with pytest.raises(UnavailableError, match="given up"):
            await child.wait_ready()
        assert child.message == "child ended with exit code 3: no such device; given up after 3 starts"
        await supervisor.stop_all()


async def test_a_child_that_is_never_ready_is_ended_at_its_limit() -> None:
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(spec("import time; time.sleep(60)", start_limit_s=0.2, restart=RestartPolicy(limit=0)))
        await until(child, ChildState.GIVEN_UP)
        assert child.message == "child was not ready within 0.2 s; given up after 1 start"


async def test_a_program_that_does_not_exist_is_named() -> None:
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(ChildSpec("broker", ("/nonexistent/mosquitto",), {}, 1, restart=RestartPolicy(limit=0)))
        await until(child, ChildState.GIVEN_UP)
        assert child.message == "broker cannot be started: No such file or directory; given up after 1 start"


async def test_a_foreign_program_is_ready_when_its_port_answers(free_port: int) -> None:
    code = f"import http.server; http.server.HTTPServer(('127.0.0.1', {free_port}), None).serve_forever()"
    port_spec = ChildSpec("server", (sys.executable, "-c", code), child_environment(os.environ), 20, ready_port=free_port)
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(port_spec)
        assert (await child.wait_ready())["port"] == free_port
        with socket.create_connection(("127.0.0.1", free_port), timeout=5):
            pass
        await supervisor.stop_all()


async def test_the_environment_is_an_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/leaked")
    code = "import json, os; print(json.dumps({'ready': True, 'names': sorted(os.environ)}), flush=True)"
    async with anyio.create_task_group() as tasks:
        supervisor = Supervisor(tasks, Clocks())
        child = supervisor.start(spec(code + "; import time; time.sleep(60)"))
        names = (await child.wait_ready())["names"]
        assert "EXTRA" in names
        assert not {"AWS_PROFILE", "LD_LIBRARY_PATH"} & set(names)
        await supervisor.stop_all()


@pytest.mark.parametrize("dies", [True, False])
async def test_what_a_killed_daemon_leaves(tmp_path: Path, dies: bool) -> None:
    """A child dies with its daemon, a gateway does not."""
    parent = textwrap.dedent(f"""
        import anyio, os, structlog, sys
        from roost.clock import Clocks
        from roost_daemon.processes.supervisor import ChildSpec, Supervisor

        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

        async def main():
            async with anyio.create_task_group() as tasks:
                code = {READY!r} + "time.sleep(20)"
                spec = ChildSpec("c", (sys.executable, "-S", "-c", code), {{}}, 20, dies_with_parent={dies})
                child = Supervisor(tasks, Clocks()).start(spec)
                await child.wait_ready()
                print(child.process_id, flush=True)
                await anyio.sleep(60)

        anyio.run(main)
    """)
    process = await anyio.open_process([sys.executable, "-c", parent], stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    grandchild = int((await process.stdout.receive()).split()[-1])
    process.kill()
    await process.wait()
    if dies:
        with anyio.fail_after(10):
            while _alive(grandchild):
                await anyio.sleep(0.01)
    else:
        assert _alive(grandchild)
        os.kill(grandchild, signal.SIGKILL)
    await process.aclose()


def _alive(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status
