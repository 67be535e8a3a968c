"""A ROS domain is one run's only, as long as that run lives."""

from __future__ import annotations

import pytest

from roost.errors import UnavailableError
from roost_daemon.demo import ros_domain
from roost_daemon.demo.ros_domain import own_ros_domain


@pytest.fixture(autouse=True)
def two_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that no other run on this machine looks at."""
    monkeypatch.setattr(ros_domain, "DOMAINS", range(901, 903))


def test_two_at_once_have_two_domains() -> None:
    with own_ros_domain() as one, own_ros_domain() as other:
        assert {one, other} == {901, 902}


def test_a_domain_is_free_again_afterwards() -> None:
    with own_ros_domain() as one:
        pass
    with own_ros_domain() as again:
        assert again == one


def test_none_is_left() -> None:
    with own_ros_domain(), own_ros_domain(), pytest.raises(UnavailableError) as caught, own_ros_domain():
        pass

    assert str(caught.value) == "all ROS domains from 1 to 101 are taken by other runs; end one of them"
