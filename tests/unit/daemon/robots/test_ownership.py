"""Two gateways on one robot are impossible."""

from __future__ import annotations

import os

import pytest

from roost_daemon.robots.ownership import AlreadyOwnedError, RobotLock


def test_the_second_one_is_told_who_holds_the_robot() -> None:
    namespace = f"test{os.getpid()}"
    with RobotLock(7, namespace):
        with pytest.raises(AlreadyOwnedError) as caught:
            RobotLock(7, namespace)
        assert str(caught.value) == (
            f"the robot in namespace '{namespace}' of ROS domain 7 has a gateway already, process {os.getpid()}; "
            "end that one first"
        )
        with RobotLock(8, namespace), RobotLock(7, f"{namespace}b"):
            pass
    RobotLock(7, namespace).close()
