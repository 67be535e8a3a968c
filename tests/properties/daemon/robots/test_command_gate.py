"""Whatever is asked from wherever: what the gate lets pass keeps out, stays on the map, and is cut to the leash."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from roost.errors import RoostError
from roost.robot import Pose
from roost_daemon import demo
from roost_daemon.robots.command_gate import CommandGate, RobotView
from roost_daemon.robots.motion import Motion, Odometry
from roost_daemon.site.geometry import covered, enters, passage_polygon
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point

SITE = load_site(Path(demo.__file__).parent / "site.yaml")
GROUND = [area.polygon for area in SITE.areas.values()] + [passage_polygon(part) for part in SITE.passages.values()]
RULED = {"drone1": set(), "robot2": {"dock"}}
areas, passages = st.sampled_from(sorted(SITE.areas)), st.sampled_from(sorted(SITE.passages))
poses = st.builds(Pose, st.floats(-0.5, 12.5), st.floats(-0.5, 10.0))


@given(
    robot=st.sampled_from(sorted(RULED)),
    here=poses,
    goal=st.one_of(poses, areas),
    avoid=st.sets(areas, max_size=3),
    closed=st.sets(passages, max_size=3),
)
def test_what_passes_the_gate_is_within_the_rules(
    robot: str, here: Pose, goal: Pose | str, avoid: set[str], closed: set[str]
) -> None:
    gate = CommandGate(SITE, SITE.robots[robot], heartbeat_timeout_ns=1)
    view = RobotView(0, Motion(Odometry(here, 0.0, 0.0, 0, 0), 0.0, 0), heartbeat_age_ns=0)
    judge = gate.judge_place if isinstance(goal, str) else gate.judge_pose
    try:
        route = judge(view, goal, avoid, closed)  # type: ignore[arg-type] - each gets its own kind
    except RoostError as error:
        assert error.reason in {"KEEP_OUT", "OFF_MAP", "NO_WAY"}
        return
    stops = [Point(pose.x_m, pose.y_m) for pose in (here, *route.legs)]
    for start, end in pairwise(stops):
        assert math.dist((start.x_m, start.y_m), (end.x_m, end.y_m)) <= SITE.robots[robot].leash_m
        assert covered(GROUND, start, end)
        for area in avoid | RULED[robot]:
            assert not enters(SITE.areas[area].polygon, start, end)
    started_in = {name for name, part in SITE.passages.items() if covered([passage_polygon(part)], stops[0], stops[0])}
    assert not (set(route.way.passages) - started_in) & closed
