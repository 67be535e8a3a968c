"""The words of the site's map.

The map is a set of convex areas (rooms, yards) joined by straight passages (doors, hallways), in metres in the frame `map`.
Within an area any straight line is free; between areas one goes through a passage. That is enough to prove that a way keeps
out of an area, and it is what the simulated world of the demo is built from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from roost.errors import ConfigurationError, UnknownNameError
from roost.robot import Pose

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the map, in metres."""

    x_m: float
    y_m: float

    def distance_m(self, other: Point) -> float:
        """The straight distance."""
        return math.hypot(self.x_m - other.x_m, self.y_m - other.y_m)


@dataclass(frozen=True, slots=True)
class Area:
    """A place: a convex polygon (counter-clockwise) and the pose that a robot takes when it is sent there."""

    name: str
    polygon: tuple[Point, ...]
    stand: Pose

    def contains(self, point: Point) -> bool:
        """Whether the point lies in the polygon, its edge included."""
        previous = self.polygon[-1]
        for corner in self.polygon:
            edge_x, edge_y = corner.x_m - previous.x_m, corner.y_m - previous.y_m
            if edge_x * (point.y_m - previous.y_m) - edge_y * (point.x_m - previous.x_m) < 0.0:
                return False
            previous = corner
        return True


@dataclass(frozen=True, slots=True)
class Passage:
    """A straight way between two areas: a point on the edge of each, and its width."""

    name: str
    areas: tuple[str, str]
    ends: tuple[Point, Point]
    width_m: float

    @property
    def length_m(self) -> float:
        """From end to end."""
        return self.ends[0].distance_m(self.ends[1])


@dataclass(frozen=True, slots=True)
class SiteObject:
    """A thing that can be carried, and where it starts."""

    name: str
    area: str
    position: Point


@dataclass(frozen=True, slots=True)
class RobotDescription:
    """A robot of the site: kind (`drone` or `ground`), the skills that it has, and its bounds.

    namespace: its ROS namespace. home: where it starts. leash_m: how far ahead its gateway commands it. rest_time_s: within
    this time of a loss (daemon, gateway, skill) it is at rest, judged by odometry.
    """

    name: str
    kind: str
    namespace: str
    home: Pose
    skills: tuple[str, ...]
    camera: str
    max_speed_mps: float
    leash_m: float
    rest_time_s: float


@dataclass(frozen=True, slots=True)
class StandingRule:
    """A keep-out that holds for every mission: these robots never enter this area. `reason` is said with a refusal."""

    name: str
    robots: tuple[str, ...]
    area: str
    reason: str


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that is known of the site before anything moves."""

    name: str
    areas: Mapping[str, Area]
    passages: Mapping[str, Passage] = field(default_factory=dict)
    objects: Mapping[str, SiteObject] = field(default_factory=dict)
    robots: Mapping[str, RobotDescription] = field(default_factory=dict)
    rules: tuple[StandingRule, ...] = ()

    def __post_init__(self) -> None:
        for passage in self.passages.values():
            for end, area in zip(passage.ends, passage.areas, strict=True):
                if area not in self.areas:
                    raise ConfigurationError(
                        f"passage '{passage.name}' leads to '{area}', which is no area of the site",
                        remedy=f"name one of {', '.join(sorted(self.areas))}",
                    )
                if not self.areas[area].contains(end):
                    raise ConfigurationError(
                        f"passage '{passage.name}' should begin on '{area}' but ({end.x_m}, {end.y_m}) is outside",
                        remedy="move that end onto the edge of the area",
                    )

    def area_of(self, point: Point) -> str:
        """The area that holds the point, or the empty string (in a passage, or off the map)."""
        return next((area.name for area in self.areas.values() if area.contains(point)), "")

    def area(self, name: str) -> Area:
        """The area of that name.

        Raises `UnknownNameError`.
        """
        return _named("place", name, self.areas)

    def robot(self, name: str) -> RobotDescription:
        """The robot of that name.

        Raises `UnknownNameError`.
        """
        return _named("robot", name, self.robots)

    def forbidden_areas(self, robot: str) -> dict[str, StandingRule]:
        """The areas that the standing rules forbid to this robot, with the rule."""
        return {rule.area: rule for rule in self.rules if robot in rule.robots}


def _named(kind: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        raise UnknownNameError(f"there is no {kind} '{name}' here", remedy=f"known are {', '.join(sorted(known)) or 'none'}")
    return known[name]
