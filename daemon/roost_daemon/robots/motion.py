"""How a robot moves, by its odometry: where it is, how fast, and since when it rests. Pure.

Two witnesses must agree before a robot counts as resting: the velocity that it reports and the difference of its poses. The
same two must agree before it counts as too fast, for a pose that comes late looks like a leap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from roost.clock import NANOSECONDS_PER_MILLISECOND, ns_to_seconds
from roost.robot import Pose

REST_SPEED_MPS = 0.02
REST_TURN_RAD_S = 0.05
REST_TIME_NS = 500 * NANOSECONDS_PER_MILLISECOND
# A gap in the odometry longer than this is no proof of rest.
REST_GAP_NS = 500 * NANOSECONDS_PER_MILLISECOND


@dataclass(frozen=True, slots=True)
class Odometry:
    """One report. stamp_ns: by the robot's own clock; received_ns: by this machine's monotonic clock."""

    pose: Pose
    speed_mps: float
    turn_rad_s: float
    stamp_ns: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class Motion:
    """What the reports amount to. displacement_mps: speed by the last two poses; rest_since_ns: None while it moves."""

    odometry: Odometry
    displacement_mps: float
    rest_since_ns: int | None

    @property
    def pose(self) -> Pose:
        """Where it was last."""
        return self.odometry.pose

    def age_ns(self, now_ns: int) -> int:
        """How old the last report is."""
        return now_ns - self.odometry.received_ns

    def rests(self, now_ns: int, since_ns: int = 0) -> bool:
        """Whether it has rested for the whole of `REST_TIME_NS`, counted from `since_ns` at the earliest, until now."""
        if self.rest_since_ns is None or self.age_ns(now_ns) > REST_GAP_NS:
            return False
        return self.odometry.received_ns - max(self.rest_since_ns, since_ns) >= REST_TIME_NS

    def runs_faster_than(self, speed_mps: float) -> bool:
        """Whether both witnesses say so."""
        return min(self.odometry.speed_mps, self.displacement_mps) > speed_mps


def follow(before: Motion | None, odometry: Odometry) -> Motion:
    """The motion after one more report."""
    displacement_mps = odometry.speed_mps
    if before is not None:
        span_ns = odometry.stamp_ns - before.odometry.stamp_ns
        displacement_mps = before.displacement_mps
        if span_ns > 0:
            displacement_mps = _distance_m(before.pose, odometry.pose) / ns_to_seconds(span_ns)
    still = max(odometry.speed_mps, displacement_mps) < REST_SPEED_MPS and abs(odometry.turn_rad_s) < REST_TURN_RAD_S
    if not still:
        return Motion(odometry, displacement_mps, None)
    rest_since_ns = odometry.received_ns
    if before is not None and before.rest_since_ns is not None:
        gap_ns = odometry.received_ns - before.odometry.received_ns
        if gap_ns <= REST_GAP_NS:
            rest_since_ns = before.rest_since_ns
    return Motion(odometry, displacement_mps, rest_since_ns)


def _distance_m(one: Pose, other: Pose) -> float:
    return math.dist((one.x_m, one.y_m, one.z_m), (other.x_m, other.y_m, other.z_m))
