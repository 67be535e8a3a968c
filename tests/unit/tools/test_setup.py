"""What set-up says on machines that it cannot finish on, and when it does a step again."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import setup

    return setup


def test_without_root_the_missing_packages_and_the_command_are_named(setup, monkeypatch) -> None:
    monkeypatch.setattr(setup, "missing_system_packages", lambda python: ["g++", "libegl1"])
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as ended:
        setup.install_system_packages("python3")
    assert str(ended.value) == (
        "System packages are missing: g++ libegl1. Install them as root, then run make again:\n"
        "  apt-get install --no-install-recommends g++ libegl1"
    )


def test_on_another_machine_one_line_says_what_works_there(setup, monkeypatch) -> None:
    monkeypatch.setattr(setup.sys, "executable", "/nonexistent")
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    monkeypatch.setattr(setup, "SYSTEM_PYTHON", "/nonexistent")
    monkeypatch.setattr(setup.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(setup.platform, "python_version", lambda: "3.12.1")
    monkeypatch.setattr(setup.platform, "system", lambda: "Linux")
    with pytest.raises(SystemExit) as ended:
        setup.find_python()
    assert str(ended.value) == (
        "The demo and the tests need Python 3.11 on x86-64 Linux; this is Python 3.12.1 on aarch64 Linux, "
        "where the daemon works: pip install . (with the ROS 2 of /opt/ros)."
    )


def test_one_core_is_refused_for_the_demo(setup, monkeypatch) -> None:
    monkeypatch.setattr(setup.sys, "argv", ["setup.py", "--demo"])
    monkeypatch.setattr(setup.os, "sched_getaffinity", lambda process: {3})
    with pytest.raises(SystemExit) as ended:
        setup.main()
    assert str(ended.value) == (
        "The demo needs two processor cores, one for the edge's engine and one for all else; this process may use one."
    )


def test_a_key_changes_with_content_and_with_names(setup, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    file = tmp_path / "one.txt"
    file.write_text("a")
    before = setup.key_of(tmp_path)
    assert setup.key_of(tmp_path) == before
    file.write_text("b")
    changed = setup.key_of(tmp_path)
    file.rename(tmp_path / "two.txt")
    assert len({before, changed, setup.key_of(tmp_path)}) == 3


def test_set_up_and_the_daemon_agree_on_where_the_cache_is(setup) -> None:
    from roost_daemon.assets import cache_directory

    assert cache_directory() == setup.CACHE
