"""The only judge of what a robot may be commanded to do. Pure.

It is given what is known of the robot and returns a route, or raises the reason why not. A route is made of legs, each
short enough for the leash and each judged again, from where the robot then is, before the robot hears of it. The judgement
does not trust the search that found the way: it cuts every line with every forbidden polygon and with the map itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from roost.clock import NANOSECONDS_PER_MILLISECOND, ns_to_seconds
from roost.robot import Pose
from roost_daemon.robots.motion import Motion
from roost_daemon.robots.refusals import (
    BlockedError,
    BusyError,
    HeldError,
    KeepOutError,
    LeashError,
    NoHeartbeatError,
    NotAcceptingError,
    OutsideError,
    SilentRobotError,
    SpeedError,
    UnknownObjectError,
    UnknownPlaceError,
)
from roost_daemon.site.geometry import along, covered, enters, passage_polygon
from roost_daemon.site.model import Point, RobotDescription, Site
from roost_daemon.site.way import NoWayError, OffMapError, Way, shortest_way

ODOMETRY_TIMEOUT_NS = 600 * NANOSECONDS_PER_MILLISECOND
# Legs end a little inside the leash, so that a robot that stops short of one is not out of reach of the next.
LEG_SHARE = 0.9
# A measured speed this far over the bound is no noise any more.
SPEED_TOLERANCE = 1.25
SPEED_TOLERANCE_MPS = 0.05
_STRAIGHT_RAD = 1e-6


@dataclass(frozen=True, slots=True)
class RobotView:
    """What is known of the robot at one moment.

    unsettled: why the gateway does not accept commands yet or any more, empty if it does. held: why it is being stopped.
    busy: what it does. heartbeat_age_ns: None if no daemon was ever heard.
    """

    now_ns: int
    motion: Motion | None
    heartbeat_age_ns: int | None
    unsettled: str = ""
    held: str = ""
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A judged way, cut into legs. forbidden: the areas that it keeps out of, each with the words that forbid it."""

    goal: str
    way: Way
    legs: tuple[Pose, ...]
    forbidden: Mapping[str, str]
    closed: frozenset[str]


class CommandGate:
    """Judges for one robot of a site. heartbeat_timeout_ns: a daemon that is silent for longer does not own the robot."""

    def __init__(self, site: Site, robot: RobotDescription, heartbeat_timeout_ns: int) -> None:
        self._site, self._robot, self._heartbeat_timeout_ns = site, robot, heartbeat_timeout_ns
        self._ground = [area.polygon for area in site.areas.values()]
        self._ground += [passage_polygon(passage) for passage in site.passages.values()]

    def judge_ready(self, view: RobotView) -> Motion:
        """The robot's motion, if it may be commanded at all now.

        Raises `NotAcceptingError`, `SilentRobotError`, `NoHeartbeatError`, `HeldError` or `BusyError`.
        """
        name = self._robot.name
        if view.unsettled:
            raise NotAcceptingError(f"the gateway of {name} accepts nothing: {view.unsettled}", remedy="try again later")
        motion = self.judge_alive(view)
        if view.held:
            raise HeldError(f"{name} is being stopped: {view.held}", remedy="wait until it rests")
        if view.busy:
            raise BusyError(f"{name} is busy with '{view.busy}'", remedy="wait for its end, or cancel it")
        return motion

    def judge_alive(self, view: RobotView) -> Motion:
        """The robot's motion, if both the robot and its owner are there.

        Raises `SilentRobotError` or `NoHeartbeatError`.
        """
        name = self._robot.name
        age_ns = None if view.motion is None else view.motion.age_ns(view.now_ns)
        if view.motion is None or age_ns is None or age_ns > ODOMETRY_TIMEOUT_NS:
            since = "was ever heard" if age_ns is None else f"for {ns_to_seconds(age_ns):.1f} s"
            raise SilentRobotError(
                f"robot {name} does not answer: no odometry {since}", remedy="is it running, in the same ROS domain?"
            )
        if view.heartbeat_age_ns is None:
            raise NoHeartbeatError(f"no daemon owns {name} yet", remedy="send heartbeats first")
        if view.heartbeat_age_ns > self._heartbeat_timeout_ns:
            silence_s = ns_to_seconds(view.heartbeat_age_ns)
            raise NoHeartbeatError(f"the daemon that owns {name} is silent for {silence_s:.1f} s", remedy="is it running?")
        return view.motion

    def judge_place(self, view: RobotView, place: str, avoid: Iterable[str] = (), closed: Iterable[str] = ()) -> Route:
        """The route to a place, at the pose that the site names for it.

        Raises what `judge_ready` and `judge_pose` raise, and `UnknownPlaceError`.
        """
        self.judge_ready(view)
        self._require("place", place, self._site.areas)
        return self.judge_pose(view, self._site.areas[place].stand, avoid, closed, goal=place)

    def judge_pose(
        self, view: RobotView, pose: Pose, avoid: Iterable[str] = (), closed: Iterable[str] = (), *, goal: str = ""
    ) -> Route:
        """The route to a pose. avoid: areas that the mission forbids; closed: passages that are known to be closed.

        Raises what `judge_ready` raises, and `UnknownPlaceError`, `KeepOutError`, `OutsideError` or `BlockedError`.
        """
        motion = self.judge_ready(view)
        closed = frozenset(closed)
        for passage in closed:
            self._require("passage", passage, self._site.passages)
        forbidden = self._forbidden(avoid)
        start, end = _point(motion.pose), _point(pose)
        for point in (start, end):
            self._judge_line(point, point, forbidden)
        try:
            way = shortest_way(self._site, start, end, forbidden=forbidden.keys(), closed=closed)
        except OffMapError as error:
            raise OutsideError(f"{self._robot.name} cannot go: {error.message}", remedy=error.remedy) from error
        except NoWayError as error:
            raise BlockedError(self._explain(error, forbidden), remedy=error.remedy) from error
        for begin, finish in pairwise(way.points):
            self._judge_line(begin, finish, forbidden)
        legs = tuple(_legs(way.points, pose, self._robot.leash_m * LEG_SHARE))
        return Route(goal or f"({end.x_m:.2f}, {end.y_m:.2f})", way, legs, forbidden, closed)

    def judge_leg(self, view: RobotView, route: Route, target: Pose) -> None:
        """Whether the robot may be sent straight to this target of its route from where it is now.

        Raises what `judge_alive` raises, and `LeashError`, `KeepOutError` or `OutsideError`.
        """
        start, end = _point(self.judge_alive(view).pose), _point(target)
        distance_m = start.distance_m(end)
        if distance_m > self._robot.leash_m:
            raise LeashError(
                f"{self._robot.name} is {distance_m:.2f} m from its next waypoint, its leash is {self._robot.leash_m:.2f} m",
                remedy="it left its way; command it anew",
            )
        self._judge_line(start, end, route.forbidden)

    def judge_motion(self, view: RobotView, route: Route | None) -> None:
        """Whether what odometry shows may go on.

        Raises what `judge_alive` raises, and `KeepOutError` or `SpeedError`.
        """
        motion = self.judge_alive(view)
        here = _point(motion.pose)
        for area, words in (self._forbidden(()) if route is None else route.forbidden).items():
            if enters(self._site.areas[area].polygon, here, here):
                raise KeepOutError(f"{self._robot.name} entered {area}: {words}", remedy="lead it out by hand")
        bound_mps = self._robot.max_speed_mps
        if motion.runs_faster_than(bound_mps * SPEED_TOLERANCE + SPEED_TOLERANCE_MPS):
            speed_mps = motion.odometry.speed_mps
            raise SpeedError(
                f"{self._robot.name} runs at {speed_mps:.2f} m/s, its bound is {bound_mps:.2f} m/s",
                remedy="set the same bound in the robot's own controller",
            )

    def judge_object(self, view: RobotView, name: str) -> None:
        """Whether the robot may be told to take this object.

        Raises what `judge_ready` raises, and `UnknownObjectError`.
        """
        self.judge_ready(view)
        if name not in self._site.objects:
            raise UnknownObjectError(f"there is no object '{name}' here", remedy=f"known are {_listed(self._site.objects)}")

    def passage_ahead(self, here: Pose, target: Pose, route: Route) -> str:
        """The first passage of the route that a straight line from here to the target touches; empty if none."""
        start, end = _point(here), _point(target)
        for name in route.way.passages:
            if enters(passage_polygon(self._site.passages[name]), start, end):
                return name
        return ""

    def _forbidden(self, avoid: Iterable[str]) -> dict[str, str]:
        forbidden = {}
        for area in avoid:
            self._require("place", area, self._site.areas)
            forbidden[area] = "this mission forbids it"
        for area, rule in self._site.forbidden_areas(self._robot.name).items():
            forbidden[area] = f"{rule.name} ({rule.reason})"
        return forbidden

    def _judge_line(self, start: Point, end: Point, forbidden: Mapping[str, str]) -> None:
        for area, words in forbidden.items():
            if enters(self._site.areas[area].polygon, start, end):
                raise KeepOutError(f"{self._robot.name} must keep out of {area}: {words}", remedy="name another place")
        if not covered(self._ground, start, end):
            raise OutsideError(
                f"{self._robot.name} cannot go: from ({start.x_m:.2f}, {start.y_m:.2f}) to ({end.x_m:.2f}, {end.y_m:.2f}) "
                f"leads off the map of {self._site.name}",
                remedy="name a point on it",
            )

    def _explain(self, error: NoWayError, forbidden: Mapping[str, str]) -> str:
        causes = [f"{area} is forbidden, {forbidden[area]}" for area in error.forbidden]
        causes += [f"{passage} is closed" for passage in error.closed]
        return f"{self._robot.name} cannot go: {error.message.split(':')[0]}: {'; '.join(causes) or 'no passage joins them'}"

    def _require(self, kind: str, name: str, known: Mapping[str, object]) -> None:
        if name not in known:
            raise UnknownPlaceError(f"there is no {kind} '{name}' here", remedy=f"known are {_listed(known)}")


def _legs(points: Sequence[Point], final: Pose, longest_m: float) -> Iterable[Pose]:
    """Equal parts of each straight stretch, none longer than allowed, looking ahead; the last one looks where it should."""
    corners = _corners(points)
    if len(corners) == 1:
        yield final
    for start, end in pairwise(corners):
        heading_rad = math.atan2(end.y_m - start.y_m, end.x_m - start.x_m)
        length_m = start.distance_m(end)
        parts = max(1, math.ceil(length_m / longest_m))
        for part in range(1, parts):
            waypoint = along(start, end, length_m * part / parts)
            yield Pose(waypoint.x_m, waypoint.y_m, heading_rad)
        yield final if end is corners[-1] else Pose(end.x_m, end.y_m, heading_rad)


def _corners(points: Sequence[Point]) -> list[Point]:
    """The points at which the way turns, and both ends."""
    corners = [points[0]]
    for point in points[1:]:
        if point == corners[-1]:
            continue
        if len(corners) > 1 and abs(_turn_rad(corners[-2], corners[-1], point)) < _STRAIGHT_RAD:
            corners.pop()
        corners.append(point)
    return corners


def _turn_rad(before: Point, at: Point, after: Point) -> float:
    arriving_rad = math.atan2(at.y_m - before.y_m, at.x_m - before.x_m)
    leaving_rad = math.atan2(after.y_m - at.y_m, after.x_m - at.x_m)
    return math.remainder(leaving_rad - arriving_rad, math.tau)


def _point(pose: Pose) -> Point:
    return Point(pose.x_m, pose.y_m)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
