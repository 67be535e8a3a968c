"""A gateway drives a real simulated robot over ROS 2: where it may go, what stops it, and what it says then."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from roost import errors
from roost.clock import Clocks, Deadline
from roost.gateway_client import GatewayRobot
from roost.robot import CommandFailedError, Pose
from roost_daemon import demo
from roost_daemon.site.geometry import enters
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point

pytestmark = [pytest.mark.ros, pytest.mark.anyio, pytest.mark.timeout(90)]
SITE = Path(demo.__file__).parent / "site.yaml"
MAP = load_site(SITE)


@pytest.fixture
def fast_site(tmp_path: Path) -> Path:
    """The demo's site with robots that are quicker than the story needs."""
    data = yaml.safe_load(SITE.read_text())
    for robot in data["site"]["robots"].values():
        robot["max_speed_mps"] = 3.0
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


async def test_it_drives_round_what_is_forbidden_and_names_the_passage_that_shuts(stack: Any, fast_site: Path) -> None:
    world = stack.robot("drone1", "--close-passage", "lane_west", "--when-within", "1.0", site=fast_site)
    stack.gateway("drone1", site=fast_site)
    async with stack.owned("drone1") as gateway, stack.observed("drone1") as track:
        await stack.until(lambda: bool(track.samples), 5, "odometry is there")
        async with GatewayRobot(stack.address("drone1"), "drone1") as body:
            robot = body.on_behalf_of("test", avoid=["yard"])
            await robot.navigate("depot")
            state = await robot.state()
            assert (state.place, state.activity) == ("depot", "idle")

            with pytest.raises(CommandFailedError) as caught:
                await robot.navigate("dock")
            assert caught.value.failed_passage == "lane_west"
            assert caught.value.message == "drone1 could not go on through lane_west to dock: Trajectory execution aborted"
            assert "drone1: the passage lane_west has shut before the robot" in world.log.read_text()

            detour = body.on_behalf_of("test", avoid=["yard"], closed=["lane_west"])
            await detour.navigate("dock")
            dock = MAP.areas["dock"].stand
            await stack.until(lambda: math.dist(track.position, (dock.x_m, dock.y_m)) < 0.05, 2, "it stands at the dock")
        assert (await gateway.state()).robot.place == "dock"
    yard = MAP.areas["yard"].polygon
    here = [Point(x_m, y_m) for _, x_m, y_m, _ in track.samples]
    assert len(here) > 100
    assert not any(enters(yard, start, end) for start, end in pairwise(here))


async def test_it_refuses_with_the_rule_and_the_robot_does_not_move(stack: Any) -> None:
    stack.robot("robot2")
    stack.gateway("robot2")
    async with stack.owned("robot2"), stack.observed("robot2") as track:
        async with GatewayRobot(stack.address("robot2"), "robot2") as body:
            with pytest.raises(errors.RefusedError) as caught:
                await body.navigate("dock")
            assert caught.value.reason == "KEEP_OUT"
            assert str(caught.value) == (
                "robot2 must keep out of dock: ground robots keep off the dock (the dock has no railing); name another place"
            )
            with pytest.raises(errors.RefusedError) as caught:
                await body.navigate("nowhere")
            assert (caught.value.reason, caught.value.message) == ("UNKNOWN_PLACE", "there is no place 'nowhere' here")
            with pytest.raises(errors.RefusedError) as caught:
                await body.navigate_to(Pose(100.0, 100.0))
            assert caught.value.reason == "OFF_MAP"
            with pytest.raises(errors.RefusedError) as caught:
                await body.on_behalf_of("test", avoid=["base"], closed=["store_gate"]).navigate("depot")
            assert caught.value.reason == "NO_WAY"
        await stack.until(track.rests, 5, "its odometry shows rest")
        assert all(speed_mps == 0.0 for *_, speed_mps in track.samples)


async def test_it_carries_the_crate_and_says_why_it_cannot(stack: Any, fast_site: Path) -> None:
    stack.robot("robot2", site=fast_site)
    stack.gateway("robot2", site=fast_site)
    async with stack.owned("robot2"), GatewayRobot(stack.address("robot2"), "robot2") as robot:
        with pytest.raises(CommandFailedError) as caught:
            await robot.grasp("crate")
        assert caught.value.message == (
            "robot2 could not grasp crate: crate is at pallet_store_top and robot is at store. Cannot pick"
        )
        await robot.navigate("store")
        await robot.grasp("crate")
        assert (await robot.state()).holding == "crate"
        await robot.navigate("gate")
        await robot.release()
        assert (await robot.state()).holding == ""
        with pytest.raises(CommandFailedError, match=r"^robot2 could not release: No manipulated object. Cannot place;"):
            await robot.release()


async def test_one_command_at_a_time_and_each_can_be_ended(stack: Any) -> None:
    stack.robot("drone1")
    stack.gateway("drone1")
    async with (
        stack.owned("drone1") as gateway,
        stack.observed("drone1") as track,
        GatewayRobot(stack.address("drone1"), "drone1") as robot,
    ):
        # A caller that gives up takes its command along.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(robot.navigate, "depot")
            await stack.until(lambda: track.speed_mps > 0.5, 5, "it drives")
            with pytest.raises(errors.RefusedError) as caught:
                await robot.navigate("gate")
            assert (caught.value.reason, caught.value.message) == ("BUSY", "drone1 is busy with 'navigate depot'")
            tasks.cancel_scope.cancel()
        await stack.accepting(gateway)
        assert track.rests()

        # A deadline ends it.
        with pytest.raises(errors.DeadlineExceededError) as exceeded:
            await robot.navigate("gate", Deadline.after(Clocks(), 1_500_000_000))
        assert exceeded.value.message == "drone1 did not end 'navigate gate' in time"
        assert track.rests()

        # A stop ends it, and returns at rest.
        failures = []

        async def drive() -> None:
            try:
                await robot.navigate("gate")
            except CommandFailedError as error:
                failures.append(error.message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drive)
            await stack.until(lambda: track.speed_mps > 0.5, 5, "it drives")
            assert await gateway.stop("stop all")
            assert track.rests()
        assert failures == ["drone1 was stopped: stop all"]
