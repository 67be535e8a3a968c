"""What is said when set-up did not run, and where things are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.errors import UnavailableError
from roost_daemon import assets


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "roost"


@pytest.mark.parametrize(
    ("path_of", "asset"),
    [
        (assets.text_detector_path, assets.TEXT_DETECTOR),
        (assets.text_recogniser_path, assets.TEXT_RECOGNISER),
        (assets.face_detector_path, assets.FACE_DETECTOR),
        (assets.clip_path, assets.CLIP),
    ],
)
def test_a_missing_file_names_itself_its_place_and_the_remedy(path_of, asset, empty_cache) -> None:
    with pytest.raises(UnavailableError) as raised:
        path_of()
    assert str(raised.value) == f"{asset.name} is not in {empty_cache}/assets/{asset.sha256[:16]}; run make setup"


def test_a_file_that_is_there_is_found(empty_cache) -> None:
    path = assets.CLIP.path()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"clip")
    assert assets.clip_path() == path


def test_the_broker_in_the_cache_brings_its_own_libraries_and_nothing_of_our_environment(empty_cache, monkeypatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere/else")
    binary = empty_cache / "mosquitto" / "usr" / "sbin" / "mosquitto"
    libraries = empty_cache / "mosquitto" / "usr" / "lib" / "x86_64-linux-gnu"
    for directory in (binary.parent, libraries):
        directory.mkdir(parents=True)
    binary.touch()
    argv, environment = assets.mosquitto_command()
    assert argv == [str(binary)]
    assert set(environment) == {"PATH", "LD_LIBRARY_PATH"}
    assert environment["LD_LIBRARY_PATH"] == str(libraries)


def test_a_missing_broker_names_its_place_and_the_remedy(empty_cache, monkeypatch) -> None:
    monkeypatch.setattr(assets, "SYSTEM_DIRECTORIES", str(empty_cache))
    with pytest.raises(UnavailableError) as raised:
        assets.mosquitto_command()
    assert str(raised.value) == f"the MQTT broker mosquitto is not in {empty_cache}/mosquitto; run make setup"


def test_a_relative_cache_home_is_ignored_as_the_xdg_specification_says(monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert assets.cache_directory() == Path("/home/somebody/.cache/roost")
