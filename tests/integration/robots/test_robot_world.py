"""The simulated robot as a ROS 2 robot: what its action server answers, and how its process ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from nav2_msgs.action import NavigateToPose
from rclpy.action.client import ActionClient

from roost_daemon import demo
from roost_daemon.ros.bridge import RosBridge, wrap

pytestmark = [pytest.mark.ros, pytest.mark.anyio, pytest.mark.timeout(60)]
# action_msgs/GoalStatus
SUCCEEDED, CANCELED, ABORTED = 4, 5, 6


@pytest.fixture
def robot(stack: Any) -> Any:
    """Started by this thread: the robot dies with the thread that starts it."""
    return stack.robot("drone1")


@pytest.fixture
async def client(stack: Any, robot: Any) -> AsyncIterator[ActionClient[Any, Any, Any]]:
    bridge = await anyio.to_thread.run_sync(RosBridge, "client", "drone1")
    client: ActionClient[Any, Any, Any] = ActionClient(bridge.node, NavigateToPose, "navigate_to_pose")
    bridge.start()
    yield client
    await anyio.to_thread.run_sync(bridge.close)


async def test_it_says_how_each_goal_ended(stack: Any, client: ActionClient[Any, Any, Any]) -> None:
    near = await wrap((await stack.send(client, 1.5, 2.0)).get_result_async())
    assert (near.status, near.result.error_code) == (SUCCEEDED, 0)
    nowhere = await wrap((await stack.send(client, 100.0, 100.0)).get_result_async())
    assert (nowhere.status, nowhere.result.error_code, nowhere.result.error_msg) == (ABORTED, 2, "Failed to plan a path.")
    assert not (await stack.send(client, 1.0, 1.0, frame="odom")).accepted


async def test_a_newer_goal_preempts_and_a_cancelled_one_ends(stack: Any, client: ActionClient[Any, Any, Any]) -> None:
    first = await stack.send(client, 1.5, 5.0)
    second = await stack.send(client, 1.5, 4.0)
    preempted = await wrap(first.get_result_async())
    assert (preempted.status, preempted.result.error_msg) == (ABORTED, "pre-empted by a newer goal")
    assert (await wrap(second.cancel_goal_async())).goals_canceling
    assert (await wrap(second.get_result_async())).status == CANCELED


async def test_sigterm_ends_it(robot: Any) -> None:
    robot.kill(signal.SIGTERM)
    assert await robot.ended(5) == 0


async def test_a_wrong_name_is_told_with_what_is_known(stack: Any) -> None:
    command = (sys.executable, "-m", "roost_daemon.demo.robot_world", "--site", str(Path(demo.__file__).parent / "site.yaml"))
    for options, words in (
        (("--robot", "drone9"), "there is no robot 'drone9' here; known are drone1, robot2"),
        (("--robot", "drone1", "--close-passage", "door"), "there is no passage 'door'; known are base_store, gate_dock,"),
    ):
        ended = await anyio.run_process([*command, *options], env=stack.environment, check=False)
        assert ended.returncode == 2
        assert words in ended.stderr.decode()
