"""What the `roost` command says and with which code it ends, as far as that needs no daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from roost import __version__, errors
from roost_daemon import cli
from roost_daemon.cli.commands import roost
from roost_daemon.cli.exit_codes import ExitCode, exit_code, table


class Answer(NamedTuple):
    """What a run of the command left: its code and what it wrote."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]
VERBS = (
    "demo",
    "up",
    "doctor",
    "config",
    "status",
    "goal",
    "preview",
    "watch",
    "cancel",
    "stop",
    "skills",
    "models",
    "memory",
)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `roost` with arguments, as the shell would."""

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["roost", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, out, err)

    return run


def test_help_names_every_verb_and_every_exit_code(command: Command) -> None:
    answer = command("--help")
    assert answer.code == 0
    listed = {line.split()[0] for line in answer.out.splitlines() if line.startswith("  ") and line.strip()}
    assert listed.issuperset(VERBS)
    for code in ExitCode:
        assert f"{code.value}  " in answer.out


def test_every_verb_and_option_says_what_it_is_for(command: Command) -> None:
    for verb in VERBS:
        answer = command(verb, "--help")
        assert answer.code == 0, verb
        assert len(answer.out.splitlines()[2].strip()) > 10, f"{verb} says what it does"
        for line in answer.out.splitlines():
            if line.strip().startswith("--"):
                assert len(line.split("  ")) > 2, f"an option of {verb} without a word: {line}"


def test_there_is_no_verb_that_this_test_does_not_know() -> None:
    names = {info.name or getattr(info.callback, "__name__", "") for info in roost.registered_commands}
    groups = {info.name for info in roost.registered_groups}
    assert names | groups == set(VERBS)


def test_the_help_of_goal_shows_a_goal(command: Command) -> None:
    assert 'roost goal "drone1, inspect the depot' in " ".join(command("goal", "--help").out.split())


def test_the_version_is_that_of_the_package(command: Command) -> None:
    assert command("--version") == Answer(0, f"roost {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("fly",), ("goal",), ("status", "--output", "xml"), ("goal", "x", "--deadline", "soon")]
)
def test_a_wrong_command_line_is_code_2(command: Command, arguments: tuple[str, ...]) -> None:
    answer = command(*arguments)
    assert answer.code == ExitCode.USAGE
    assert "Usage: roost" in answer.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("x"), 3),
        (errors.UnavailableError("x"), 4),
        (errors.RefusedError("x"), 5),
        (errors.UnknownNameError("x"), 6),
        (errors.DeadlineExceededError("x"), 7),
        (errors.RoostError("x"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(error: errors.RoostError, code: int) -> None:
    assert exit_code(error) == code


def test_a_special_error_has_the_code_of_its_kind() -> None:
    class NoRunwayError(errors.RefusedError):
        pass

    assert exit_code(NoRunwayError("x")) is ExitCode.REFUSED


def test_the_table_has_a_line_for_every_code() -> None:
    lines = [line for line in table().splitlines() if line]
    assert [int(line.split()[0]) for line in lines] == [code.value for code in ExitCode]


# roost config.


def test_a_good_configuration_is_said_to_be_good(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "roost.yaml"
    path.write_text("daemon: {name: hangar}\n")
    assert command("config", "check", "--config", str(path)) == Answer(0, f"{path}: good\n", "")


def test_every_mistake_of_a_configuration_is_named_with_its_line_and_the_code_is_3(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "roost.yaml"
    path.write_text(
        "daemon:\n  nam: hangar\nmetrics:\n  port: 99999\nstreams:\n  - {camera: roof, model: faces, rate_hz: 1}\n"
    )
    answer = command("config", "check", "--config", str(path))
    assert answer.code == ExitCode.CONFIGURATION
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert lines[0] == f"roost: {path}:2: unknown key 'daemon.nam'; did you mean 'name'?"
    assert lines[1].startswith(f"{path}:4: metrics.port: ")
    assert lines[-1].endswith("`roost config schema` prints what is allowed")


def test_a_stream_through_a_camera_that_is_not_there_is_a_mistake(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "roost.yaml"
    path.write_text("streams:\n  - {camera: roof, model: faces, rate_hz: 1}\n")
    answer = command("config", "check", "--config", str(path))
    assert answer.code == ExitCode.CONFIGURATION
    assert "a stream looks through camera 'roof', which does not exist; known are none" in answer.err


def test_a_map_that_makes_no_sense_is_a_mistake(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "roost.yaml"
    path.write_text(
        "site:\n"
        "  name: yard\n"
        "  areas:\n"
        "    base: {corners: [[0, 0], [3, 0], [3, 3], [0, 3]], stand: [1, 1, 0]}\n"
        "  passages:\n"
        "    ramp: {between: [base, moon], ends: [[3, 1], [4, 1]], width_m: 1}\n"
    )
    answer = command("config", "check", "--config", str(path))
    assert answer.code == ExitCode.CONFIGURATION
    assert "moon" in answer.err


def test_a_configuration_that_is_not_there_is_named(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    answer = command("up", "--config", str(path))
    assert answer == Answer(
        3,
        "",
        f"roost: cannot read the configuration {path}: No such file or directory; name an existing file with --config\n",
    )


def test_show_lays_the_environment_over_the_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "roost.yaml"
    path.write_text("daemon: {name: hangar}\n")
    monkeypatch.setenv("ROOST__METRICS__PORT", "9100")
    answer = command("config", "show", "--config", str(path))
    assert "name: hangar" in answer.out
    assert "port: 9100" in answer.out


def test_the_schema_is_json(command: Command) -> None:
    schema = json.loads(command("config", "schema").out)
    assert schema["properties"]["cameras"]["description"]


def test_doctor_tells_programs_what_it_tells_people(command: Command) -> None:
    people, programs = command("doctor"), command("doctor", "--output", "json")
    assert people.code == programs.code == 0
    findings = json.loads(programs.out)
    assert {"what", "good", "found", "remedy"} == set(findings[0])
    for finding in findings:
        assert finding["what"] in people.out, "no line is folded where nobody looks"
        assert finding["good"] or finding["remedy"], "what is missing comes with what to do"
