"""However a demo ends, nothing of it is left: Ctrl-C, `kill -9`, the death of a part; also beside another demo."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.system, pytest.mark.ros, pytest.mark.timeout(360)]

ROBOTS = ("drone1", "robot2")
MOVING_MPS = 0.1
AT_REST_MPS = 0.02
# Less than the 0.5 s that a gateway waits for: the two hear the same odometry at slightly different times.
REST_S = 0.3


def await_first_step(demo: Any) -> None:
    demo.await_event("READY: goals are accepted")
    demo.await_event("step started: drone1 begins: inspect the depot")
    demo.look()


def assert_terminal_is_given_back(said: str) -> None:
    assert said.count("\x1b[?1049h") == said.count("\x1b[?1049l") == 1
    assert said.index("\x1b[?1049h") < said.index("\x1b[?1049l")
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")


def assert_rests_at_the_end(heard: list[Any]) -> None:
    """The last that was heard of it is rest."""
    last = [message for message in heard if message.at_s >= heard[-1].at_s - REST_S]
    assert len(last) >= 4, last
    assert all(message.speed_mps < AT_REST_MPS for message in last), last


def test_two_demos_at_once_of_which_one_is_interrupted_and_one_killed(
    start_demo: Callable[..., Any], start_witness: Callable[..., Any], wait_within: Callable[..., Any]
) -> None:
    demos = [start_demo("--seconds", "60", terminal=True) for _ in range(2)]
    interrupted, killed = demos
    for demo in demos:
        await_first_step(demo)
    assert interrupted.run != killed.run
    assert interrupted.ros_domain != killed.ros_domain
    assert interrupted.configuration["memory"]["port"] != killed.configuration["memory"]["port"]
    janitor = killed.janitor()

    witness = start_witness(interrupted.ros_domain, ROBOTS)

    def drives() -> bool:
        return bool(witness.of("drone1")) and witness.of("drone1")[-1].speed_mps > MOVING_MPS

    wait_within(30.0, "drone1 drives", drives)
    interrupted.interrupt()
    killed.process.kill()

    assert interrupted.wait() == 130
    assert_terminal_is_given_back(interrupted.said)
    for robot in ROBOTS:
        assert_rests_at_the_end(witness.of(robot))
    at = [
        interrupted.events.index(words)
        for words in (
            "stopping: robots first, then all",
            "  robots stopped",
            "stopped [processes] component=hangar",
            "stopped [processes] component=drone1",
            "every process has ended",
        )
    ]
    assert at == sorted(at)
    for part in (*ROBOTS, "office", "scene"):
        assert interrupted.events.index("component=hangar") < interrupted.events.rindex(
            f"stopped [processes] component={part}"
        )
    assert "the story is not complete:\n  it was interrupted\n" in interrupted.plain
    assert json.loads((interrupted.run / "summary.json").read_text())["problems"] == ["it was interrupted"]
    interrupted.left_nothing(heard=True)

    assert killed.wait() == -signal.SIGKILL
    wait_within(60.0, "the janitor has gone", lambda: not Path(f"/proc/{janitor}").exists())
    killed.left_nothing()
    assert_terminal_is_given_back(killed.said)


@pytest.mark.parametrize(
    ("part", "words"),
    [("hangar", ("/hangar.yaml",)), ("robot2", ("demo.robot_world", "--robot robot2"))],
    ids=["the daemon", "a robot's world"],
)
def test_the_death_of_a_part_ends_the_story(start_demo: Callable[..., Any], part: str, words: tuple[str, ...]) -> None:
    demo = start_demo("--seconds", "60", "--headless")
    await_first_step(demo)
    os.kill(demo.process_of(*words), signal.SIGKILL)

    assert demo.wait() == 1, demo.plain
    reason = f"{part} ended with signal SIGKILL; given up after 1 start"
    assert demo.plain.count(f"the story broke off: {reason}\n") == 1, demo.plain
    assert f"the story is not complete:\n  it broke off: {reason}\n" in demo.plain
    demo.left_nothing()
