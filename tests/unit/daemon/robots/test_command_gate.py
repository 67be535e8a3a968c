"""What the gate lets pass, what it refuses, and the exact words in which it does."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from roost.errors import RoostError
from roost.robot import Pose
from roost_daemon import demo
from roost_daemon.robots.command_gate import CommandGate, RobotView
from roost_daemon.robots.motion import Motion, Odometry
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Site

S = 1_000_000_000
NOW_NS = 100 * S


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(demo.__file__).parent / "site.yaml")


@pytest.fixture
def drone1(site: Site) -> CommandGate:
    return CommandGate(site, site.robots["drone1"], heartbeat_timeout_ns=S)


@pytest.fixture
def robot2(site: Site) -> CommandGate:
    return CommandGate(site, site.robots["robot2"], heartbeat_timeout_ns=S)


def view_at(x_m: float, y_m: float, speed_mps: float = 0.0, displacement_mps: float = 0.0) -> RobotView:
    odometry = Odometry(Pose(x_m, y_m), speed_mps, 0.0, NOW_NS, NOW_NS)
    return RobotView(now_ns=NOW_NS, motion=Motion(odometry, displacement_mps, 0), heartbeat_age_ns=0)


def refusal(call: object, *arguments: object) -> tuple[str, str]:
    assert callable(call)
    with pytest.raises(RoostError) as caught:
        call(*arguments)
    return caught.value.reason, caught.value.message


AT_BASE = view_at(1.5, 1.5)
AT_DEPOT = view_at(2.0, 6.0)


def test_legs_are_straight_within_the_leash_and_end_at_the_stand(drone1: CommandGate, site: Site) -> None:
    route = drone1.judge_place(AT_DEPOT, "dock", avoid=["yard"])
    positions = [(2.0, 6.0), *((leg.x_m, leg.y_m) for leg in route.legs)]
    assert all(math.dist(start, end) <= 0.9 * 2.0 + 1e-9 for start, end in pairwise(positions))
    assert route.legs[-1] == site.areas["dock"].stand
    assert sum(math.dist(start, end) for start, end in pairwise(positions)) == pytest.approx(route.way.length_m)
    assert len(route.legs) == 11


def test_legs_look_where_they_go(drone1: CommandGate) -> None:
    first = drone1.judge_place(AT_BASE, "depot").legs[0]
    assert (first.x_m, first.yaw_rad) == (pytest.approx(1.5), pytest.approx(math.pi / 2))


def test_each_leg_is_judged_from_where_the_robot_is(drone1: CommandGate) -> None:
    route = drone1.judge_place(AT_DEPOT, "dock", avoid=["yard"])
    drone1.judge_leg(AT_DEPOT, route, route.legs[0])
    assert refusal(drone1.judge_leg, AT_BASE, route, route.legs[0]) == (
        "LEASH",
        "drone1 is 5.50 m from its next waypoint, its leash is 2.00 m",
    )
    assert refusal(drone1.judge_leg, view_at(4.0, 6.0), route, Pose(5.0, 6.0)) == (
        "KEEP_OUT",
        "drone1 must keep out of yard: this mission forbids it",
    )
    assert refusal(drone1.judge_leg, view_at(3.0, 7.0), route, Pose(3.5, 8.5))[0] == "OFF_MAP"


def test_a_standing_rule_is_named_with_its_reason(robot2: CommandGate) -> None:
    assert refusal(robot2.judge_place, view_at(5.4, 0.8), "dock") == (
        "KEEP_OUT",
        "robot2 must keep out of dock: ground robots keep off the dock (the dock has no railing)",
    )


def test_a_place_that_the_mission_forbids_is_refused(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_place, AT_BASE, "yard", ["yard"]) == (
        "KEEP_OUT",
        "drone1 must keep out of yard: this mission forbids it",
    )


def test_whoever_stands_where_it_must_not_be_does_not_move_on(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_place, view_at(6.0, 6.0), "dock", ["yard"])[0] == "KEEP_OUT"


def test_no_way_says_what_cuts_it_off(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_place, AT_DEPOT, "dock", ["yard", "base"], ["lane_west"]) == (
        "NO_WAY",
        "drone1 cannot go: there is no way from depot to dock: base is forbidden, this mission forbids it; "
        "yard is forbidden, this mission forbids it; lane_west is closed",
    )


def test_unknown_names_are_refused_with_what_is_known(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_place, AT_BASE, "nowhere") == ("UNKNOWN_PLACE", "there is no place 'nowhere' here")
    assert refusal(drone1.judge_place, AT_BASE, "depot", ["nowhere"])[0] == "UNKNOWN_PLACE"
    assert refusal(drone1.judge_place, AT_BASE, "depot", (), ["door"]) == ("UNKNOWN_PLACE", "there is no passage 'door' here")
    assert refusal(drone1.judge_object, AT_BASE, "anvil") == ("UNKNOWN_OBJECT", "there is no object 'anvil' here")
    drone1.judge_object(AT_BASE, "crate")


def test_a_pose_off_the_map_is_refused(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_pose, AT_BASE, Pose(100.0, 100.0)) == (
        "OFF_MAP",
        "drone1 cannot go: from (100.00, 100.00) to (100.00, 100.00) leads off the map of harbour",
    )
    assert refusal(drone1.judge_place, view_at(8.0, 5.0), "depot")[0] == "OFF_MAP"


def test_a_pose_on_the_map_is_reached_as_it_is(drone1: CommandGate) -> None:
    goal = Pose(2.0, 2.0, 1.0)
    assert drone1.judge_pose(AT_BASE, goal).legs == (goal,)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"motion": None}, ("STALE_ODOMETRY", "robot drone1 does not answer: no odometry was ever heard")),
        ({"now_ns": NOW_NS + S}, ("STALE_ODOMETRY", "robot drone1 does not answer: no odometry for 1.0 s")),
        ({"heartbeat_age_ns": None}, ("NO_HEARTBEAT", "no daemon owns drone1 yet")),
        ({"heartbeat_age_ns": 2 * S}, ("NO_HEARTBEAT", "the daemon that owns drone1 is silent for 2.0 s")),
        ({"unsettled": "it waits"}, ("NOT_ACCEPTING", "the gateway of drone1 accepts nothing: it waits")),
        ({"held": "stop all"}, ("HELD", "drone1 is being stopped: stop all")),
        ({"busy": "navigate depot"}, ("BUSY", "drone1 is busy with 'navigate depot'")),
    ],
)
def test_nothing_is_commanded_unless_all_is_well(
    drone1: CommandGate, change: dict[str, object], expected: tuple[str, str]
) -> None:
    view = replace(AT_BASE, **change)  # type: ignore[arg-type] - the parameters say which fields
    assert refusal(drone1.judge_ready, view) == expected
    assert refusal(drone1.judge_place, view, "depot") == expected


def test_a_forbidden_area_is_judged_on_odometry_too(robot2: CommandGate, drone1: CommandGate) -> None:
    assert refusal(robot2.judge_motion, view_at(10.0, 5.0), None) == (
        "KEEP_OUT",
        "robot2 entered dock: ground robots keep off the dock (the dock has no railing)",
    )
    route = drone1.judge_place(AT_DEPOT, "dock", ["yard"])
    assert refusal(drone1.judge_motion, view_at(4.6, 6.0), route) == (
        "KEEP_OUT",
        "drone1 entered yard: this mission forbids it",
    )
    drone1.judge_motion(view_at(4.5, 6.0), route)
    drone1.judge_motion(view_at(4.6, 6.0), None)


def test_a_robot_that_runs_away_is_noticed(drone1: CommandGate) -> None:
    assert refusal(drone1.judge_motion, view_at(1.0, 1.0, 1.6, 1.6), None) == (
        "SPEED",
        "drone1 runs at 1.60 m/s, its bound is 1.20 m/s",
    )
    drone1.judge_motion(view_at(1.0, 1.0, 1.2, 2.4), None)


def test_the_passage_in_which_a_leg_fails_is_named(drone1: CommandGate) -> None:
    route = drone1.judge_place(AT_DEPOT, "dock", avoid=["yard"])
    assert drone1.passage_ahead(Pose(1.5, 7.0), Pose(1.5, 8.0), route) == "lane_west"
    assert drone1.passage_ahead(Pose(2.0, 6.0), Pose(1.5, 7.0), route) == ""
