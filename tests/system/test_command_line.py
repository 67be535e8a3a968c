"""The verbs of `roost` against a running daemon, for people and for programs. The daemon has a camera and no robots."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roost_daemon.cli.exit_codes import ExitCode

pytestmark = [pytest.mark.system, pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def daemon(site: Any) -> Any:
    streams = [{"camera": "eye", "model": "vest_detector", "rate_hz": 5}]
    return site.daemon("lone", models=site.models("models"), cameras={"eye": site.camera()}, streams=streams)


async def test_status_says_how_the_daemon_and_its_parts_do(daemon: Any) -> None:
    people, programs = await daemon.roost("status"), await daemon.roost("status", "--output", "json")
    assert people.returncode == programs.returncode == ExitCode.OK
    assert people.stdout.startswith("lone ")
    assert ": ready, up " in people.stdout.splitlines()[0]
    status = json.loads(programs.stdout)
    assert [stage["name"] for stage in status["stages"]] == ["journal", "memory", "inference", "interfaces"]
    (engine,) = status["components"]
    assert (engine["name"], engine["state"], engine["restarts"]) == ("engine", "ready", 0)


async def test_models_says_what_they_have_done(daemon: Any) -> None:
    await daemon.looks_on_time("vest_detector", "edge")
    people, programs = await daemon.roost("models"), await daemon.roost("models", "--output", "json")
    assert "vest_detector" in people.stdout
    (model,) = json.loads(programs.stdout)["models"]
    assert model["name"] == "vest_detector"
    assert int(model["on_time_edge"]) >= 1


async def test_an_empty_memory_is_an_empty_list(daemon: Any) -> None:
    answer = await daemon.roost("memory", "--output", "json")
    assert (answer.returncode, json.loads(answer.stdout)) == (ExitCode.OK, [])


@pytest.mark.parametrize("verb", [("goal", "drone1, go to the depot"), ("watch",), ("stop",), ("skills",)])
async def test_what_needs_robots_says_that_there_are_none(daemon: Any, verb: tuple[str, ...]) -> None:
    answer = await daemon.roost(*verb)
    assert answer.returncode == ExitCode.UNAVAILABLE
    assert answer.stderr == (
        f"roost: the daemon at unix:{daemon.socket} does not serve this; "
        "its configuration has no models or no robots for it\n"
    )


def test_where_no_daemon_listens_the_socket_is_named(site: Any) -> None:
    socket = site.directory / "nobody.sock"
    answer = site.roost(("status", "--socket", str(socket)))
    assert answer.returncode == ExitCode.UNAVAILABLE
    assert answer.stderr == f"roost: the daemon at unix:{socket} does not answer; is it running? its log says why not\n"


def test_a_configuration_with_a_mistake_starts_nothing(site: Any) -> None:
    path = site.configuration("wrong", streams=[{"camera": "roof", "model": "faces", "rate_hz": 1}])
    answer = site.roost(("up", "--config", str(path)))
    assert answer.returncode == ExitCode.CONFIGURATION
    assert "a stream looks through camera 'roof', which does not exist; known are none" in answer.stderr
    assert not (site.directory / "wrong" / "state").exists()


def test_a_stream_of_a_model_that_cannot_be_used_stops_the_start(site: Any) -> None:
    path = site.configuration(
        "modelless",
        models=site.models("other-models"),
        cameras={"eye": site.camera()},
        streams=[{"camera": "eye", "model": "cats", "rate_hz": 1}],
    )
    answer = site.roost(("up", "--config", str(path)))
    assert answer.returncode == ExitCode.CONFIGURATION
    assert answer.stderr == (
        "roost: the stream of camera 'eye' wants model 'cats', which cannot be used; "
        "usable are vest_detector; the log says why another is not\n"
    )
