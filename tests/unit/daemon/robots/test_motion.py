"""Rest and speed, as odometry shows them."""

from __future__ import annotations

import pytest

from roost.robot import Pose
from roost_daemon.robots.motion import Motion, Odometry, follow

MS = 1_000_000
PERIOD_NS = 50 * MS


def drive(*reports: tuple[float, float], gap_ns: int = PERIOD_NS, turn_rad_s: float = 0.0) -> Motion:
    """The motion after reports of (x, reported speed), one every `gap_ns`."""
    motion = None
    for number, (x_m, speed_mps) in enumerate(reports):
        now_ns = number * gap_ns
        motion = follow(motion, Odometry(Pose(x_m, 0.0), speed_mps, turn_rad_s, now_ns, now_ns))
    assert motion is not None
    return motion


def test_half_a_second_without_motion_is_rest() -> None:
    motion = drive(*[(1.0, 0.0)] * 11)
    assert motion.rests(motion.odometry.received_ns)
    shorter = drive(*[(1.0, 0.0)] * 10)
    assert not shorter.rests(shorter.odometry.received_ns)


def test_poses_that_differ_contradict_a_reported_rest() -> None:
    creeping = drive(*[(0.002 * number, 0.0) for number in range(20)])
    assert creeping.displacement_mps == pytest.approx(0.04)
    assert creeping.rest_since_ns is None


def test_a_reported_speed_contradicts_poses_that_stand() -> None:
    assert drive(*[(1.0, 0.5)] * 20).rest_since_ns is None


def test_turning_on_the_spot_is_no_rest() -> None:
    assert drive(*[(1.0, 0.0)] * 20, turn_rad_s=0.3).rest_since_ns is None


def test_silence_is_no_proof_of_rest() -> None:
    motion = drive(*[(1.0, 0.0)] * 20)
    assert not motion.rests(motion.odometry.received_ns + 600 * MS)
    sparse = drive((1.0, 0.0), (1.0, 0.0), gap_ns=600 * MS)
    assert not sparse.rests(sparse.odometry.received_ns)


def test_rest_counts_from_a_given_instant() -> None:
    motion = drive(*[(1.0, 0.0)] * 20)
    now_ns = motion.odometry.received_ns
    assert motion.rests(now_ns, now_ns - 500 * MS)
    assert not motion.rests(now_ns, now_ns - 499 * MS)


def test_a_late_pose_alone_is_no_excess_of_speed() -> None:
    leap = drive((0.0, 1.0), (0.5, 1.0))
    assert leap.displacement_mps == pytest.approx(10.0)
    assert not leap.runs_faster_than(2.0)
    assert drive((0.0, 3.0), (0.2, 3.0)).runs_faster_than(2.0)


def test_a_repeated_stamp_does_not_divide_by_zero() -> None:
    first = drive((0.0, 0.0), (0.1, 0.0))
    assert follow(first, first.odometry).displacement_mps == first.displacement_mps
