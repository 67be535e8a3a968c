"""The live view: every part of the story is on it, and it fits 80x24 whatever is going on."""

from __future__ import annotations

import io
import re

from rich.console import Console

from roost.v1 import inference_pb2, mission_pb2, system_pb2
from roost_daemon.demo.configuration import SITE_FILE
from roost_daemon.demo.state import StoryState
from roost_daemon.demo.view import render
from roost_daemon.site.load import load_site

SITE = load_site(SITE_FILE)
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|9\d)(?:;\d+)*m")


def drawn(state: StoryState, *, no_color: bool = True) -> list[str]:
    out = io.StringIO()
    console = Console(
        file=out, width=80, height=24, no_color=no_color, force_terminal=True, highlight=False, color_system="256"
    )
    console.print(render(state, SITE))
    return out.getvalue().splitlines()


def plain(state: StoryState) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(drawn(state)))


def leaf(label: str, state: mission_pb2.StepState, robot: str = "drone1") -> mission_pb2.TaskNode:
    return mission_pb2.TaskNode(label=label, robot=robot, state=state)


def full_state() -> StoryState:
    """As full as the story gets, with numbers and texts longer than they come."""
    inspections = mission_pb2.TaskNode(
        label="one after the other",
        order="sequence",
        state=mission_pb2.STEP_STATE_RUNNING,
        children=[
            leaf("inspect the depot", mission_pb2.STEP_STATE_DONE),
            leaf("inspect the dock, which is at the very end of a very long lane", mission_pb2.STEP_STATE_REPAIRING),
        ],
    )
    tree = mission_pb2.TaskNode(
        label="side by side",
        order="parallel",
        state=mission_pb2.STEP_STATE_RUNNING,
        children=[inspections, leaf("bring the crate to the gate", mission_pb2.STEP_STATE_FAILED, "robot2")],
    )
    rules = [
        mission_pb2.RuleVerdict(rule=f"rule {number}: {'word ' * 30}", verdict=verdict)
        for number, verdict in enumerate(("satisfied", "violated", "currently_satisfied", "currently_violated"))
    ]
    return StoryState(
        seconds=60.0,
        elapsed_s=34.0,
        act="overload",
        caption="overload begins: the edge alone cannot keep up, " * 3,
        models=tuple(
            inference_pb2.ModelStats(
                name=f"model_with_a_long_name_{number}",
                generated=123456,
                on_time_edge=100000,
                on_time_cloud=3456,
                late=1000,
                dropped={"no_value": 19000},
                stolen=777,
                p95_ms=1234.5,
            )
            for number in range(4)
        ),
        cameras=(inference_pb2.CameraStats(name="drone1", frames_per_second=10), inference_pb2.CameraStats(name="clip" * 20)),
        targets=(
            inference_pb2.TargetStats(name="edge", healthy=True, utilisation=0.98),
            inference_pb2.TargetStats(name="cloud", healthy=False),
        ),
        mission=mission_pb2.Mission(state=mission_pb2.MISSION_STATE_RUNNING, tree=tree, rules=rules, repairs=1),
        robots=(system_pb2.RobotStatus(name="drone1"), system_pb2.RobotStatus(name="robot2")),
        facts_replicated=42,
    )


def test_it_fits_the_terminal_when_all_is_shown() -> None:
    state = full_state()
    state.events.extend(f"event {number}: " + "word " * 40 for number in range(5))
    lines = drawn(state)

    assert len(lines) <= 23, "the last line of a screen stays free for the cursor"
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) <= 80


def test_it_fits_the_terminal_before_anything_is_known() -> None:
    lines = drawn(StoryState(seconds=60.0))

    assert len(lines) <= 23
    assert "no mission yet" in "\n".join(lines)


def test_all_parts_are_on_it() -> None:
    state = full_state()
    state.cameras = state.cameras[:1]
    state.events.extend(("the first event", "the event before", "the last event"))
    text = plain(state)

    for words in (
        *("00:34/01:00", "[overload]", "overload begins", "model_with_a_long…", "123456", "19000", "777", "1234"),
        *("drone1 10 fps", "edge 98%", "cloud down"),
        *(
            "mission running, repaired 1x",
            "> side by side (parallel)",
            "+ drone1: inspect the depot",
            "~ drone1: inspect the dock",
        ),
        "x robot2: bring the crate to the gate",
        *("fulfilled      rule 0", "BROKEN         rule 1", "kept so far    rule 2", "still to come  rule 3"),
        *("the event before", "the last event", "depot", "yard"),
    ):
        assert words in text, f"{words}\n{text}"
    assert "the first event" not in text


def test_facts_are_counted_beside_the_targets() -> None:
    state = StoryState(seconds=60.0, targets=(inference_pb2.TargetStats(name="edge", healthy=True),), facts_replicated=42)

    assert "edge 0%  42 facts shared" in plain(state)


def test_robots_stand_on_the_map_where_they_are() -> None:
    robots = []
    for name, area in (("drone1", "depot"), ("robot2", "gate")):
        place = SITE.areas[area].stand
        robots.append(system_pb2.RobotStatus(name=name))
        robots[-1].pose.x_m, robots[-1].pose.y_m = place.x_m, place.y_m
    text = plain(StoryState(seconds=60.0, robots=tuple(robots)))

    assert "1" in text.partition("yard")[0].rpartition("\n")[2], "the depot is left of the yard, with drone1 in it"
    assert "2" in text.partition("store")[2].partition("\n")[0], "the gate is right of the store, with robot2 in it"


def test_colours_are_there_unless_they_are_unwanted() -> None:
    assert COLOUR.search("".join(drawn(full_state(), no_color=False)))
    assert not COLOUR.search("".join(drawn(full_state())))
