"""The skill host as a real process: what it runs, how a run ends, and that it has no ROS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline, seconds_to_ns
from roost.v1 import common_pb2, gateway_pb2, skill_host_pb2
from roost.wire import error_from_call, struct_from_proto
from roost_skills.host.main import leave_ros

pytestmark = pytest.mark.anyio
Open = Callable[[], Any]

DONE, FAILED, CANCELLED, RUNNING = (
    skill_host_pb2.SKILL_STATE_DONE,
    skill_host_pb2.SKILL_STATE_FAILED,
    skill_host_pb2.SKILL_STATE_CANCELLED,
    skill_host_pb2.SKILL_STATE_RUNNING,
)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.01)


async def test_inspect_reads_the_sign_and_looks_for_a_vest_in_one_frame(stage: Open) -> None:
    async with stage() as parts:
        responses = await parts.run("inspect", {"place": "depot"}, avoid=["yard"], closed=["lane_west"])
        assert [response.state for response in responses[:-1]] == [RUNNING] * (len(responses) - 1)
        assert responses[-1].state == DONE
        assert struct_from_proto(responses[-1].result) == {"place": "depot", "sign": "DEPOT3", "vest": False, "frame_id": 17}
        (command,) = parts.gateway.commands
        assert (command.navigate.place, command.issuer) == ("depot", "m1/1")
        assert (list(command.avoid), list(command.closed)) == (["yard"], ["lane_west"])
        assert [(look.model, look.frame_id) for look in parts.inference.requests] == [
            ("text_detector", 0),
            ("text_recogniser", 17),
            ("vest_detector", 17),
        ]
        assert parts.inference.requests[1].region.right == 60


async def test_a_dropped_look_is_tried_again(stage: Open) -> None:
    async with stage() as parts:
        parts.inference.drops, parts.inference.vest_score = 2, 0.9
        responses = await parts.run("inspect", {"place": "depot"})
        assert struct_from_proto(responses[-1].result)["vest"] is True
        assert [look.model for look in parts.inference.requests].count("text_detector") == 3


async def test_the_goals_deadline_shortens_that_of_every_look(stage: Open) -> None:
    async with stage() as parts:
        await parts.run("inspect", {"place": "depot"}, deadline=Deadline.after(Clocks(), seconds_to_ns(1.0)))
        budgets = [look.deadline.remaining.ToNanoseconds() for look in parts.inference.requests]
        assert len(budgets) == 3
        assert all(0 < budget <= NANOSECONDS_PER_SECOND for budget in budgets)
        parts.inference.requests.clear()
        await parts.run("inspect", {"place": "depot"}, deadline=Deadline.after(Clocks(), seconds_to_ns(60.0)))
        assert parts.inference.requests[0].deadline.remaining.ToNanoseconds() > NANOSECONDS_PER_SECOND


async def test_what_nobody_could_read_is_a_failure_that_says_so(stage: Open) -> None:
    async with stage() as parts:
        parts.inference.drops = 10_000
        deadline = Deadline.after(Clocks(), seconds_to_ns(1.5))
        responses = await parts.run("inspect", {"place": "depot"}, deadline=deadline)
        assert responses[-1].state == FAILED
        assert responses[-1].problem.reason in ("NOTHING_READ", "DEADLINE_EXCEEDED")


async def test_a_failed_navigation_names_the_passage(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.end = gateway_pb2.CommandResponse(
            state=gateway_pb2.COMMAND_STATE_FAILED,
            problem=common_pb2.Problem(reason="BLOCKED", message="lane_west is blocked", remedy="go another way"),
            failed_passage="lane_west",
        )
        responses = await parts.run("navigate", {"place": "dock"})
        last = responses[-1]
        assert (last.state, last.failed_passage, last.message) == (
            FAILED,
            "lane_west",
            "lane_west is blocked; go another way",
        )
        assert last.problem.reason == "BLOCKED"


async def test_carry_fetches_brings_and_puts_down_and_goes_on_with_what_it_holds(stage: Open) -> None:
    async with stage() as parts:
        arguments = {"object": "crate", "place": "gate", "source": "store"}
        assert (await parts.run("carry", arguments))[-1].state == DONE
        kinds = [command.WhichOneof("command") for command in parts.gateway.commands]
        assert kinds == ["navigate", "grasp", "navigate", "release"]
        parts.gateway.commands.clear()
        parts.gateway.holding = "crate"
        assert (await parts.run("carry", arguments))[-1].state == DONE
        assert [command.WhichOneof("command") for command in parts.gateway.commands] == ["navigate", "release"]


async def test_a_client_that_goes_away_cancels_the_run_down_to_the_robot(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.hold = True
        call = parts.call("navigate", {"place": "depot"})
        await call.read()
        await until(lambda: parts.gateway.commands)
        call.cancel()
        await until(lambda: parts.gateway.cancelled == 1)
        parts.gateway.hold = False
        assert (await parts.run("navigate", {"place": "depot"}))[-1].state == DONE


async def test_a_run_ends_with_its_deadline(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.hold = True
        responses = await parts.run("navigate", {"place": "depot"}, deadline=Deadline.after(Clocks(), seconds_to_ns(0.5)))
        assert responses[-1].problem.reason == "DEADLINE_EXCEEDED"
        assert responses[-1].problem.message.startswith("navigate on drone1 was not done in 0.")
        await until(lambda: parts.gateway.cancelled == 1)


async def test_sigterm_cancels_the_run_and_says_so(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.hold = True
        call = parts.call("navigate", {"place": "depot"})
        await until(lambda: parts.gateway.commands)
        parts.process.send_signal(signal.SIGTERM)
        responses = [response async for response in call]
        assert (responses[-1].state, responses[-1].message) == (CANCELLED, "navigate was cancelled")
        assert await anyio.to_thread.run_sync(parts.process.wait) == 0
        assert parts.gateway.cancelled == 1


async def test_a_killed_host_ends_the_call_and_the_command(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.hold = True
        call = parts.call("navigate", {"place": "depot"})
        await until(lambda: parts.gateway.commands)
        parts.process.kill()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [response async for response in call]
        assert error_from_call(caught.value, "the skill process of drone1").reason == "UNAVAILABLE"
        await until(lambda: parts.gateway.cancelled == 1)


async def test_a_second_run_waits_for_nobody(stage: Open) -> None:
    async with stage() as parts:
        parts.gateway.hold = True
        first = parts.call("navigate", {"place": "depot"})
        await until(lambda: parts.gateway.commands)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await parts.run("navigate", {"place": "dock"})
        assert str(error_from_call(caught.value, "host")) == "drone1 is busy with navigate; wait for its end, or cancel it"
        first.cancel()


@pytest.mark.parametrize(
    ("skill", "arguments", "extra", "line"),
    [
        ("dance", {}, {}, "there is no skill 'dance' here; known are carry, inspect, navigate"),
        ("navigate", {"place": "dock"}, {"robot": "robot2"}, "this host runs the skills of drone1, not of 'robot2'"),
        ("navigate", {"speed": "9"}, {}, "navigate lacks 'place' and does not know 'speed'; it takes 'place'"),
    ],
)
async def test_what_cannot_be_run_is_refused_with_one_line(
    stage: Open, skill: str, arguments: dict[str, object], extra: dict[str, str], line: str
) -> None:
    async with stage() as parts:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await parts.run(skill, arguments, **extra)
        assert str(error_from_call(caught.value, "the host")) == line
        assert parts.gateway.commands == []


async def test_the_host_has_no_ros(stage: Open) -> None:
    async with stage() as parts:
        await parts.run("inspect", {"place": "depot"})
        maps = await anyio.Path(f"/proc/{parts.process.pid}/maps").read_text()
        assert "grpc" in maps
        assert not [line for line in maps.splitlines() if "rclpy" in line or "librcl" in line or "fastdds" in line]


def test_nothing_that_the_host_imports_brings_ros_in() -> None:
    code = "import sys, roost_skills.host.main; print([name for name in sys.modules if name.startswith('rclpy')])"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_a_sourced_ros_is_left_behind() -> None:
    environment = {"PATH": "/bin", "ROS_DOMAIN_ID": "7", "AMENT_PREFIX_PATH": "/opt/ros", "RMW_IMPLEMENTATION": "x"}
    leave_ros(environment)
    assert environment == {"PATH": "/bin"}


ORPHAN = """
import subprocess, sys, time
command = [sys.executable, "-m", "roost_skills.host", *sys.argv[1:]]
host = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
host.stdout.readline()
print(host.pid, flush=True)
time.sleep(60)
"""


async def test_the_host_dies_with_its_parent(runtime_directory: Path) -> None:
    arguments = ["--robot", "drone1"]
    for name in ("socket", "gateway", "daemon"):
        arguments += [f"--{name}", str(runtime_directory / f"{name}.sock")]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def start() -> tuple[subprocess.Popen[str], int]:
        parent = subprocess.Popen(
            [sys.executable, "-c", ORPHAN, *arguments],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )
        assert parent.stdout is not None
        return parent, int(parent.stdout.readline())

    parent, host = await anyio.to_thread.run_sync(start)
    with parent:
        assert Path(f"/proc/{host}").exists()
        parent.kill()
    await until(lambda: is_gone(host))


def is_gone(process_id: int) -> bool:
    """Whether a process has ended, if only as a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
