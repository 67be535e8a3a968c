"""The whole story, once without a terminal in a hostile environment and once on a terminal of 80x24, by the same checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roost_daemon.demo.story import FORBIDDEN_GOAL, GOAL

pytestmark = [pytest.mark.system, pytest.mark.ros, pytest.mark.timeout(360)]

MODEL_KEYS = {
    *("name", "generated", "on_time_edge", "on_time_cloud", "late", "dropped", "stolen", "utility", "p50_ms", "p95_ms"),
}
KEYS = {"models", "missions", "monitors", "facts_replicated", "compared", "disagreed", "shared_core_share", "problems", "ok"}
NAMES = {"face_detector", "text_detector", "text_recogniser", "vest_detector"}
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m")


def check_summary(summary: dict[str, Any]) -> None:
    """The numbers of a whole story."""
    assert summary.keys() == KEYS
    models = summary["models"]
    assert {model["name"] for model in models} == NAMES
    for model in models:
        assert model.keys() == MODEL_KEYS
        ended = model["on_time_edge"] + model["on_time_cloud"] + model["late"] + sum(model["dropped"].values())
        assert model["generated"] == ended > 0, model
        assert model["stolen"] <= model["on_time_edge"] + model["late"] + model["dropped"].get("shutdown", 0), model
        assert 0 < model["p50_ms"] <= model["p95_ms"], model
    for key in ("on_time_edge", "on_time_cloud", "stolen"):
        assert sum(model[key] for model in models) > 0, f"{key}: {models}"
    assert sum(sum(model["dropped"].values()) for model in models) > 0, models

    told, refused = summary["missions"]
    assert told == {"goal": GOAL, "outcome": "succeeded", "repaired": True, "refused_reason": ""}
    reason = refused.pop("refused_reason")
    assert refused == {"goal": FORBIDDEN_GOAL, "outcome": "refused", "repaired": False}
    assert "ground robots keep off the dock" in reason
    assert len(summary["monitors"]) == 4
    for monitor in summary["monitors"]:
        assert monitor.keys() == {"rule", "verdict"}
        assert monitor["verdict"] in ("satisfied", "currently_satisfied"), monitor
    assert any("never enters the yard" in monitor["rule"] for monitor in summary["monitors"])
    assert summary["facts_replicated"] > 0
    assert summary["compared"] > 0 == summary["disagreed"]
    assert (summary["problems"], summary["ok"]) == ([], True)


def check_files(demo: Any) -> None:
    """What a run keeps for its user."""
    assert {file.name for file in demo.run.iterdir()} >= {
        *("demo.log", "hangar.log", "office.log", "hangar.yaml", "office.yaml", "summary.json", "story.png"),
    }
    assert (demo.run / "story.png").read_bytes().startswith(b"\x89PNG")
    assert demo.run.parent == demo.directory.resolve() / ".roost" / "demo"
    assert f"logs and summary: {demo.run}\n" in demo.plain
    assert f"picture: {demo.run / 'story.png'}\n" in demo.plain


@pytest.fixture
def hostile(tmp_path: Path) -> dict[str, str]:
    """AWS variables and files that would break a client, a sourced ROS that is none, dead proxies, false packages."""
    home, packages = tmp_path / "home", tmp_path / "packages"
    (home / ".aws").mkdir(parents=True)
    for file in ("config", "credentials"):
        (home / ".aws" / file).write_text("[default\nthis is no configuration")
    for package in ("skills", "inference", "roost_robots", "sitecustomize"):
        (packages / package).mkdir(parents=True)
        (packages / package / "__init__.py").write_text(f"raise SystemExit('the false {package} was imported')")
    packages.joinpath("sitecustomize", "__init__.py").write_text("")
    (tmp_path / "profile.xml").write_text("<this is no profile")
    dead = "http://127.0.0.1:9"
    return {
        "PYTHONPATH": str(packages),
        **{name: str(home / ".aws" / "config") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")},
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "somebody-elses",
        "AWS_SECRET_ACCESS_KEY": "somebody-elses",
        "AWS_REGION": "nowhere-1",
        "AWS_DEFAULT_REGION": "nowhere-1",
        "AWS_ENDPOINT_URL": dead,
        "AWS_ENDPOINT_URL_LAMBDA": dead,
        "ROS_DOMAIN_ID": "232",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF",
        "ROS_STATIC_PEERS": "192.0.2.1",
        "ROS_DISCOVERY_SERVER": "192.0.2.1:11811",
        "RMW_IMPLEMENTATION": "rmw_of_nobody",
        "AMENT_PREFIX_PATH": "/opt/ros/nobody",
        "LD_LIBRARY_PATH": "/opt/ros/nobody/lib",
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(tmp_path / "profile.xml"),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(tmp_path / "profile.xml"),
        **dict.fromkeys(
            ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "grpc_proxy"), dead
        ),
    }


def test_the_whole_story_without_a_terminal(start_demo: Callable[..., Any], hostile: dict[str, str], tmp_path: Path) -> None:
    demo = start_demo("--seconds", "60", "--headless", "--json", "summary.json", **hostile)
    demo.await_event("step started")
    demo.look()
    assert all(socket.on_loopback for socket in demo.footprint.sockets), demo.footprint.sockets
    demo.await_event("act 2")
    demo.look()

    assert demo.wait(180) == 0, demo.plain
    check_summary(json.loads((tmp_path / "summary.json").read_text()))
    check_files(demo)
    demo.left_nothing()
    check_lines(demo.said)


def check_lines(said: str) -> None:
    """One line an event, none twice, in the order of the story."""
    assert "\x1b" not in said
    story = said.partition("\nmodel ")[0].splitlines()
    events = [line.partition(" s  ")[2] for line in story]
    assert all(events), story
    told = [event for event in events if not event.startswith(("moved: ", "step progress: "))]
    assert len(told) == len(set(told)), [event for event in told if told.count(event) > 1]
    at = [
        next((number for number, event in enumerate(events) if event.startswith(words)), -1)
        for words in (
            "everything of this run lies in ",
            "stage journal …",
            "stage journal done",
            "stage inference …",
            "  vest_detector takes ",
            "stage interfaces done",
            "hangar is ready",
            "READY: goals are accepted",
            "act 1: calm: the edge keeps up on its own",
            f"goal: {GOAL}",
            "step started: drone1 begins: inspect the depot",
            "step failed: drone1 failed: inspect the dock",
            "repaired: the plan was repaired",
            f"goal: {FORBIDDEN_GOAL}",
            "refused: ",
            "act 2: overload begins: the edge alone cannot keep up",
            "act 3: calm again",
            "stopping: robots first, then all",
            "  robots stopped",
            "every process has ended",
        )
    ]
    assert -1 not in at, at
    assert at == sorted(at), at


def test_the_whole_story_on_a_terminal(start_demo: Callable[..., Any], tmp_path: Path) -> None:
    demo = start_demo("--seconds", "60", "--json", "summary.json", terminal=True, NO_COLOR="1")
    demo.await_event("act 2")
    demo.look()

    assert demo.wait(180) == 0, demo.plain
    check_summary(json.loads((tmp_path / "summary.json").read_text()))
    check_files(demo)
    demo.left_nothing()
    check_terminal(demo)


def check_terminal(demo: Any) -> None:
    """Every picture fits 80x24 and all parts were seen; no colour; the terminal is as it was."""
    pictures = demo.pictures
    assert len(pictures) > 100, "four pictures a second were to be drawn"
    for picture in pictures:
        assert len(picture) <= 24, picture
        assert [line for line in picture if len(line) > 80] == []
    seen = "\n".join("\n".join(picture) for picture in pictures)
    for words in (
        *("[calm]", "[overload]", "overload begins: the edge alone cannot keep up", "01:00"),
        *NAMES,
        *("tasks", "edge", "cloud", "late", "dropped", "stolen", "p95 ms"),
        *("drone1 10 fps", "clip 30 fps", "facts shared"),
        *("mission running", "mission succeeded, repaired 1x", "> drone1: inspect the depot", "+ drone1: inspect the dock"),
        *("kept so far    drone1 never enters the yard", "fulfilled      robot2 brings the crate", "refused: "),
        *("depot", "gate", "yard"),
    ):
        assert words in seen, words
    assert not COLOUR.search(demo.said)
    assert demo.said.count("\x1b[?1049h") == demo.said.count("\x1b[?1049l") == 1
    assert demo.said.rindex("\x1b[?25h") > demo.said.rindex("\x1b[?25l")
    assert demo.said.index("\x1b[?1049l") < demo.said.index("stopping: robots first, then all")
