"""Whatever is killed, the robot is at rest within the time that the site declares, judged by its odometry."""

from __future__ import annotations

import math
import signal
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from nav2_msgs.action import NavigateToPose
from rclpy.action.client import ActionClient

from roost import errors
from roost.gateway_client import GatewayClient, GatewayRobot
from roost_daemon import demo
from roost_daemon.ros.bridge import RosBridge, wrap
from roost_daemon.site.load import load_site

pytestmark = [pytest.mark.ros, pytest.mark.anyio, pytest.mark.timeout(90)]
DRONE1 = load_site(Path(demo.__file__).parent / "site.yaml").robots["drone1"]
SKILL = """
import anyio, sys
from roost.gateway_client import GatewayRobot

async def main():
    print('{"ready": true}', flush=True)
    async with GatewayRobot(sys.argv[1], "drone1") as robot:
        await robot.navigate("depot")

anyio.run(main)
"""


async def drive(robot: GatewayRobot, place: str, failures: list[errors.RoostError]) -> None:
    try:
        await robot.navigate(place)
    except errors.RoostError as error:
        failures.append(error)


async def test_a_killed_skill_stops_its_robot_and_nothing_else(stack: Any, tmp_path: Path) -> None:
    program = tmp_path / "skill_under_test.py"
    program.write_text(SKILL)
    stack.robot("drone1")
    stack.gateway("drone1")
    async with stack.owned("drone1") as gateway, stack.observed("drone1") as track:
        stack.environment["PYTHONPATH"] = str(tmp_path)
        skill = stack.start("skill_under_test", stack.address("drone1"))
        await stack.until(lambda: track.speed_mps > 0.5, 10, "the skill drives the robot")
        killed_s = skill.kill()
        await stack.until(track.rests, 10, "the robot rests")
        assert track.last_motion_s() - killed_s <= DRONE1.rest_time_s
        assert track.position[1] < 4.5, "it stopped on its way"
        await stack.accepting(gateway)


async def test_a_killed_gateway_costs_no_more_than_the_leash(stack: Any) -> None:
    stack.robot("drone1")
    gateway = stack.gateway("drone1")
    failures: list[errors.RoostError] = []
    async with stack.observed("drone1") as track:
        async with (
            stack.owned("drone1"),
            GatewayRobot(stack.address("drone1"), "drone1") as robot,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(drive, robot, "depot", failures)
            await stack.until(lambda: track.speed_mps > 0.5, 10, "it drives")
            killed_s, begin = gateway.kill(), track.position
        await stack.until(track.rests, 10, "the robot rests")
        assert track.last_motion_s() - killed_s <= DRONE1.rest_time_s
        assert math.dist(begin, track.position) <= DRONE1.leash_m
        assert [str(failure) for failure in failures] == [
            "the gateway of drone1 does not answer; is it running? its log says why not"
        ]

        # The next gateway of the robot takes over at once: the lock died with the first.
        stack.gateway("drone1")
        async with stack.owned("drone1", token=2), GatewayRobot(stack.address("drone1"), "drone1") as robot:
            await robot.navigate("base")


async def test_a_lost_heartbeat_stops_the_robot_and_ends_the_gateway(stack: Any) -> None:
    stack.robot("drone1")
    gateway = stack.gateway("drone1", "--heartbeat-timeout-ms", "500")
    failures: list[errors.RoostError] = []
    async with stack.observed("drone1") as track:
        async with GatewayRobot(stack.address("drone1"), "drone1") as robot, anyio.create_task_group() as tasks:
            async with stack.owned("drone1"):
                tasks.start_soon(drive, robot, "depot", failures)
                await stack.until(lambda: track.speed_mps > 0.5, 10, "it drives")
            silent_s = time.monotonic()
            assert await gateway.ended() == 4
        assert track.rests()
        assert track.last_motion_s() - silent_s <= DRONE1.rest_time_s
        assert [str(failure) for failure in failures] == [
            "the gateway of drone1 ends: the daemon's heartbeat is lost; start it again"
        ]


async def test_sigterm_stops_the_robot_first(stack: Any) -> None:
    stack.robot("drone1")
    gateway = stack.gateway("drone1")
    failures: list[errors.RoostError] = []
    async with (
        stack.observed("drone1") as track,
        stack.owned("drone1"),
        GatewayRobot(stack.address("drone1"), "drone1") as robot,
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drive, robot, "depot", failures)
            await stack.until(lambda: track.speed_mps > 0.5, 10, "it drives")
            gateway.kill(signal.SIGTERM)
            assert await gateway.ended() == 0
        assert track.rests()
        assert [failure.reason for failure in failures] == ["NOT_ACCEPTING"]


async def test_a_killed_robot_fails_its_command_and_is_accepted_again_at_rest(stack: Any) -> None:
    world = stack.robot("drone1")
    # Patient, for the second robot starts while no heartbeat is sent.
    stack.gateway("drone1", "--heartbeat-timeout-ms", "10000")
    failures: list[errors.RoostError] = []
    async with stack.owned("drone1") as gateway, GatewayRobot(stack.address("drone1"), "drone1") as robot:
        async with stack.observed("drone1") as track, anyio.create_task_group() as tasks:
            tasks.start_soon(drive, robot, "depot", failures)
            await stack.until(lambda: track.speed_mps > 0.5, 10, "it drives")
            world.kill()
        assert [type(failure) for failure in failures] == [errors.UnavailableError]
        assert str(failures[0]).startswith("robot drone1 does not answer: no odometry for 0.")
        assert str(failures[0]).endswith("s; is it running, in the same ROS domain?")
        state = await gateway.state()
        assert (state.robot.activity, state.accepting) == ("offline", False)

        stack.robot("drone1")
        await stack.accepting(gateway)
        await robot.navigate("base")


async def test_a_gateway_whose_robot_is_gone_says_so_and_ends(stack: Any) -> None:
    world = stack.robot("drone1")
    gateway = stack.gateway("drone1")
    async with stack.owned("drone1"):
        world.kill()
        gateway.kill(signal.SIGTERM)
        assert await gateway.ended() == 5
    assert "robot drone1 does not answer; it is not known to rest" in gateway.log.read_text()


async def test_a_new_gateway_cancels_what_it_finds_the_robot_doing(stack: Any) -> None:
    stack.robot("drone1")
    async with stack.observed("drone1") as track:
        bridge = await anyio.to_thread.run_sync(RosBridge, "stranger", "drone1")
        try:
            client = ActionClient(bridge.node, NavigateToPose, "navigate_to_pose")
            bridge.start()
            handle = await stack.send(client, 1.5, 5.0)
            result = wrap(handle.get_result_async())
            await stack.until(lambda: track.speed_mps > 0.5, 10, "it drives")
            stack.gateway("drone1")
            async with stack.owned("drone1"):
                assert track.rests()
            assert (await result).status == 5  # action_msgs/GoalStatus.STATUS_CANCELED
            assert track.position[1] < 4.9
        finally:
            await anyio.to_thread.run_sync(bridge.close)


async def test_a_robot_has_one_gateway_and_one_owner(stack: Any) -> None:
    stack.robot("drone1")
    gateway = stack.gateway("drone1")
    second = await anyio.run_process(
        [
            sys.executable,
            *("-m", "roost_daemon.gateway_main", "--site", str(Path(demo.__file__).parent / "site.yaml")),
            *("--robot", "drone1", "--socket", str(stack.socket("second"))),
        ],
        env=stack.environment,
        check=False,
    )
    assert second.returncode == 3
    assert second.stderr.decode() == (
        f"the robot in namespace 'drone1' of ROS domain {stack.environment['ROS_DOMAIN_ID']} has a gateway already, "
        f"process {gateway.process.pid}; end that one first\n"
    )
    async with stack.owned("drone1", token=7, daemon="edge1"), GatewayClient(stack.address("drone1"), "drone1") as other:
        with pytest.raises(errors.RefusedError) as caught:
            await other.heartbeat("edge2", 6)
        assert caught.value.reason == "FENCED"
        assert await other.heartbeat("edge2", 8) == 1_000_000_000
