"""What a person sees of a step: its line, and the end of what a failing one said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import steps

    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "LOGS", tmp_path / "logs")
    return steps


def test_a_step_prints_one_line_with_its_seconds_and_keeps_what_it_said(steps, capsys, tmp_path: Path) -> None:
    steps.run_step("greeting", [sys.executable, "-c", "print('hello')"], directory=tmp_path)
    assert capsys.readouterr().out == "  greeting ... 0 s\n"
    assert (tmp_path / "logs" / "greeting.log").read_text() == "hello\n"


def test_a_failing_step_shows_its_last_20_lines_and_where_the_rest_is(steps, capsys, tmp_path: Path) -> None:
    program = "import sys\nfor line in range(30): print('line', line, flush=True)\nsys.exit(3)"
    with pytest.raises(steps.StepFailedError):
        steps.run_step("a bad step", [sys.executable, "-c", program], directory=tmp_path)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "  a bad step ... FAILED after 0 s"
    assert shown[1:-1] == [f"    line {line}" for line in range(10, 30)]
    assert shown[-1] == f"  {Path(sys.executable).name} ended with exit code 3; all it said: logs/a-bad-step.log"


def test_commands_after_a_failing_one_do_not_run(steps, tmp_path: Path) -> None:
    touch = [sys.executable, "-c", "open('touched', 'w')"]
    with pytest.raises(steps.StepFailedError):
        steps.run_step("two", [sys.executable, "-c", "raise SystemExit(1)"], touch, directory=tmp_path)
    assert not (tmp_path / "touched").exists()


def test_a_step_sees_neither_a_sourced_ros_nor_another_environment(steps, monkeypatch) -> None:
    foreign = (
        "PYTHONPATH",
        "AMENT_PREFIX_PATH",
        "ROS_DISTRO",
        "LD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
    )
    for name in foreign:
        monkeypatch.setenv(name, "/opt/ros/somewhere")
    monkeypatch.setenv("PIP_CERT", "/a/certificate")
    environment = steps.own_environment()
    assert not set(foreign) & set(environment)
    assert environment["PIP_CERT"] == "/a/certificate"
