"""The words of the scene: shapes with a place, a size and a colour. Metres, radians, colours red-green-blue from 0 to 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from roost.robot import Pose

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A box: full sizes along its own axes, standing upright, turned by `yaw_rad`. `pose.z_m` is the height of its centre."""

    pose: Pose
    size_m: tuple[float, float, float]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Cylinder:
    """An upright cylinder. `pose.z_m` is the height of its centre."""

    pose: Pose
    radius_m: float
    height_m: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid: half axes along x, y and z. `pose.z_m` is the height of its centre."""

    pose: Pose
    half_axes_m: tuple[float, float, float]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Capsule:
    """A capsule between two points (x, y, z)."""

    start_m: tuple[float, float, float]
    end_m: tuple[float, float, float]
    radius_m: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Slab:
    """A flat convex polygon on the floor: its corners, and the height of its upper face."""

    corners_m: tuple[tuple[float, float], ...]
    top_m: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Board:
    """A board that carries a text towards a viewer who looks along `pose.yaw_rad`. `pose.z_m` is the height of its centre."""

    pose: Pose
    width_m: float
    height_m: float
    text: str


Shape = Box | Cylinder | Ellipsoid | Capsule | Slab | Board


@dataclass(frozen=True, slots=True)
class Body:
    """Shapes that move together, given around the body's own origin on the floor (x ahead). `at`: where it stands first."""

    name: str
    at: Pose
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that can be seen: what never moves, and the bodies that are placed."""

    fixed: tuple[Shape, ...]
    bodies: tuple[Body, ...] = field(default=())

    def body(self, name: str) -> Body:
        """The body of that name; raises `KeyError`."""
        return {body.name: body for body in self.bodies}[name]


def relative(pose: Pose, ahead_m: float, left_m: float, z_m: float = 0.0, turn_rad: float = 0.0) -> Pose:
    """The pose that lies so far ahead and to the left of another, at a height, turned against it."""
    cosine, sine = math.cos(pose.yaw_rad), math.sin(pose.yaw_rad)
    return Pose(
        pose.x_m + ahead_m * cosine - left_m * sine,
        pose.y_m + ahead_m * sine + left_m * cosine,
        pose.yaw_rad + turn_rad,
        z_m,
    )
