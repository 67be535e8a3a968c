"""The demo's configurations are such as a user would write: the daemon's own reader takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost_daemon.config import RoostSettings
from roost_daemon.config_file import load_settings
from roost_daemon.demo.configuration import DemoPlaces, OwnInputs, write_configurations


def written(directory: Path, inputs: OwnInputs) -> tuple[RoostSettings, RoostSettings]:
    places = DemoPlaces(directory / "run", directory / "runtime")
    places.run.mkdir()
    write_configurations(places, ros_domain_id=17, mqtt_port=18830, inputs=inputs)
    return load_settings(places.configuration("hangar"), {}), load_settings(places.configuration("office"), {})


def test_one_daemon_has_the_robots_and_both_share_a_broker(tmp_path: Path) -> None:
    hangar, office = written(tmp_path, OwnInputs("/clips/carphone.mp4", clip_loops=True))

    assert hangar.site is not None and set(hangar.site.robots) == {"drone1", "robot2"}
    assert office.site is None or not office.site.robots
    assert hangar.ros.domain_id == 17
    assert hangar.ros.discovery_range == "LOCALHOST"
    assert (hangar.memory.port, hangar.memory.embedded) == (18830, True)
    assert (office.memory.port, office.memory.embedded) == (18830, False)
    assert hangar.memory.host == office.memory.host == "127.0.0.1"
    assert hangar.cloud.aws_lambda is not None and hangar.cloud.aws_lambda.embedded


def test_all_that_a_run_keeps_lies_in_its_directory_and_sockets_do_not(tmp_path: Path) -> None:
    for settings in written(tmp_path, OwnInputs("/clips/carphone.mp4", clip_loops=True)):
        assert settings.daemon.state_directory.parent == tmp_path / "run"
        assert settings.daemon.runtime_directory.parent == tmp_path / "runtime"
        assert settings.log.file is not None and settings.log.file.parent == tmp_path / "run"


@pytest.mark.parametrize("loops", [True, False])
def test_the_users_clip_and_models(tmp_path: Path, loops: bool) -> None:
    inputs = OwnInputs("rtsp://camera/1", clip_loops=loops, models_directory=tmp_path / "mine", models=("cats", "dogs"))
    hangar, _ = written(tmp_path, inputs)

    assert (hangar.cameras["clip"].source, hangar.cameras["clip"].loop) == ("rtsp://camera/1", loops)
    assert hangar.models.directories[-1] == tmp_path / "mine"
    assert [stream.camera for stream in hangar.streams if stream.model in ("cats", "dogs")] == ["clip", "clip"]
