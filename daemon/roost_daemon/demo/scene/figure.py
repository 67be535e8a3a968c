"""A standing figure: a worker with or without a safety vest. About 1.75 m tall, looks along its own x."""

from __future__ import annotations

from dataclasses import dataclass

from roost.robot import Pose
from roost_daemon.demo.scene.parts import Body, Box, Capsule, Colour, Ellipsoid, Shape

VEST_ORANGE: Colour = (1.0, 0.38, 0.05)
SILVER: Colour = (0.85, 0.87, 0.88)
_SKIN: Colour = (0.80, 0.60, 0.48)


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a figure wears. bands: the reflecting bands of a vest, None for a plain top."""

    top: Colour
    trousers: Colour
    helmet: Colour
    bands: Colour | None


VEST_SHAPES = 3
"""How many of a figure's shapes, from the first, are its vest or top: the torso and two bands."""

SAFETY_VEST = Outfit(top=VEST_ORANGE, trousers=(0.16, 0.18, 0.30), helmet=(0.95, 0.95, 0.92), bands=SILVER)


def figure(name: str, at: Pose, outfit: Outfit) -> Body:
    """The figure as a body; the first `VEST_SHAPES` shapes are its vest or top."""
    bands = outfit.bands if outfit.bands is not None else outfit.top
    shapes: tuple[Shape, ...] = (
        Ellipsoid(Pose(0, 0, 0, 1.17), (0.17, 0.26, 0.34), outfit.top),
        Ellipsoid(Pose(0, 0, 0, 1.03), (0.178, 0.258, 0.075), bands),
        Ellipsoid(Pose(0, 0, 0, 1.25), (0.185, 0.268, 0.075), bands),
        Capsule((0, -0.10, 0.08), (0, -0.10, 0.85), 0.085, outfit.trousers),
        Capsule((0, 0.10, 0.08), (0, 0.10, 0.85), 0.085, outfit.trousers),
        Capsule((0, -0.29, 1.35), (0.05, -0.33, 0.88), 0.055, outfit.trousers),
        Capsule((0, 0.29, 1.35), (0.05, 0.33, 0.88), 0.055, outfit.trousers),
        Ellipsoid(Pose(0, 0, 0, 1.62), (0.10, 0.09, 0.12), _SKIN),
        Ellipsoid(Pose(0, 0, 0, 1.69), (0.13, 0.12, 0.09), outfit.helmet),
        Box(Pose(0.05, -0.10, 0, 0.04), (0.26, 0.10, 0.08), (0.10, 0.10, 0.10)),
        Box(Pose(0.05, 0.10, 0, 0.04), (0.26, 0.10, 0.08), (0.10, 0.10, 0.10)),
    )
    return Body(name, at, shapes)
