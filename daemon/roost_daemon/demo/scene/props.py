"""What the demo's story needs on the site: signs, a worker in a safety vest, containers, gate posts, robots.

Everything is placed relative to the pose in which a robot stands in its area, so that a robot that stands there sees it:
the depot's sign straight ahead, the dock's sign and worker ahead to the right and left. An area that the map lacks has no
props.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from roost.robot import Pose
from roost_daemon.demo.scene.figure import SAFETY_VEST, figure
from roost_daemon.demo.scene.layout import FLOOR_TOP_M, ground_shapes
from roost_daemon.demo.scene.parts import Board, Body, Box, Colour, Cylinder, Scene, Shape, relative
from roost_daemon.site.model import Area, Site, SiteObject

WORKER = "worker"
BOARD_SIZE_M = (1.10, 0.46)
BOARD_CENTRE_M = 1.25
CRATE_SIZE_M = 0.42
LOAD_HEIGHT_M = 0.34
"""How high a robot on wheels carries an object: its upper deck."""

_STEEL: Colour = (0.35, 0.37, 0.40)
_WOOD: Colour = (0.60, 0.44, 0.26)
_SAFETY_RED: Colour = (0.78, 0.12, 0.12)
_WHITE: Colour = (0.92, 0.92, 0.92)
_YELLOW: Colour = (0.95, 0.78, 0.12)
_BLUE: Colour = (0.16, 0.34, 0.60)
_RUST: Colour = (0.62, 0.24, 0.14)
_WATER: Colour = (0.16, 0.34, 0.42)
_GREEN: Colour = (0.18, 0.42, 0.30)


def site_scene(site: Site) -> Scene:
    """The whole scene: the ground from the map, props, and as bodies the objects, the robots on wheels and the worker."""
    fixed = list(ground_shapes(site))
    for name, props in _AREA_PROPS.items():
        if name in site.areas:
            fixed.extend(props(site.areas[name]))
    for robot in site.robots.values():
        fixed.append(Cylinder(Pose(robot.home.x_m, robot.home.y_m, 0, FLOOR_TOP_M), 0.38, 0.02, (0.22, 0.24, 0.27)))
        fixed.append(Cylinder(Pose(robot.home.x_m, robot.home.y_m, 0, FLOOR_TOP_M + 0.005), 0.30, 0.02, (0.75, 0.76, 0.78)))
    bodies = [crate(thing) for thing in site.objects.values()]
    bodies += [wheeled_robot(robot.name, robot.home) for robot in site.robots.values() if robot.kind == "ground"]
    if "dock" in site.areas:
        bodies.append(figure(WORKER, relative(site.areas["dock"].stand, 1.45, 0.56, turn_rad=math.pi), SAFETY_VEST))
    return Scene(tuple(fixed), tuple(bodies))


def crate(thing: SiteObject) -> Body:
    """A wooden crate with darker battens."""
    size, batten = CRATE_SIZE_M, (0.42, 0.30, 0.17)
    battens = [Box(Pose(0, 0, 0, height), (size + 0.03, size + 0.03, 0.06), batten) for height in (0.04, size - 0.04)]
    shapes = (Box(Pose(0, 0, 0, size / 2), (size, size, size), _WOOD), *battens)
    return Body(thing.name, Pose(thing.position.x_m, thing.position.y_m), shapes)


def wheeled_robot(name: str, home: Pose) -> Body:
    """A low robot with four wheels (drawn as dark drums) and a mast with a lamp."""
    wheels = [Cylinder(Pose(x, y, 0, 0.09), 0.10, 0.16, (0.08, 0.08, 0.09)) for x in (-0.18, 0.18) for y in (-0.20, 0.20)]
    return Body(
        name,
        home,
        (
            Box(Pose(0, 0, 0, 0.22), (0.56, 0.42, 0.18), _BLUE),
            Box(Pose(0.02, 0, 0, 0.32), (0.44, 0.34, 0.03), _STEEL),
            Cylinder(Pose(-0.20, 0, 0, 0.52), 0.02, 0.42, _STEEL),
            Cylinder(Pose(-0.20, 0, 0, 0.75), 0.05, 0.06, (0.20, 0.75, 0.95)),
            *wheels,
        ),
    )


def sign(area: Area, ahead_m: float, left_m: float, text: str) -> Iterator[Shape]:
    """A board on two posts that faces a robot which stands in the area."""
    width_m, height_m = BOARD_SIZE_M
    yield Board(relative(area.stand, ahead_m, left_m, BOARD_CENTRE_M), width_m, height_m, text)
    yield Box(relative(area.stand, ahead_m + 0.03, left_m, BOARD_CENTRE_M), (0.03, width_m + 0.06, height_m + 0.06), _STEEL)
    for side in (-0.35, 0.35):
        yield Cylinder(relative(area.stand, ahead_m + 0.04, left_m + side * width_m, 0.52), 0.025, 1.04, _STEEL)


def _depot(area: Area) -> Iterator[Shape]:
    yield from sign(area, 1.80, 0.0, "DEPOT 3")
    for left_m, size_m, colour in ((-1.15, 0.50, _GREEN), (1.10, 0.42, _WOOD)):
        yield Box(relative(area.stand, 1.55, left_m, FLOOR_TOP_M + size_m / 2), (size_m, size_m, size_m), colour)


def _dock(area: Area) -> Iterator[Shape]:
    yield from sign(area, 1.80, -0.52, "DOCK 7")
    yield Box(relative(area.stand, 22.5, 0.0, 0.005), (40.0, 90.0, 0.01), _WATER)
    yield Box(relative(area.stand, 2.35, 0.0, 0.02), (0.25, 60.0, 0.04), _WHITE)
    for left_m in (-1.3, 1.3):
        yield Cylinder(relative(area.stand, 1.7, left_m, 0.25), 0.10, 0.50, (0.15, 0.15, 0.17))
        yield Cylinder(relative(area.stand, 1.7, left_m, 0.44), 0.105, 0.08, _YELLOW)


def _yard(area: Area) -> Iterator[Shape]:
    for ahead_m, left_m, colour in ((-0.75, 1.0, _BLUE), (0.80, 1.0, _RUST), (-0.70, -1.0, _GREEN), (0.85, -1.0, _STEEL)):
        yield Box(relative(area.stand, ahead_m, left_m, 0.42), (1.25, 0.55, 0.80), colour)
    yield Box(relative(area.stand, 0.75, 1.0, 1.10), (1.15, 0.50, 0.55), _YELLOW)
    for ahead_m in (-1.35, 1.35):
        yield Box(relative(area.stand, ahead_m, 0.0, FLOOR_TOP_M + 0.005), (0.12, 0.9, 0.01), _YELLOW)


def _gate(area: Area) -> Iterator[Shape]:
    for left_m in (-0.8, 0.8):
        for step in range(5):
            colour = _SAFETY_RED if step % 2 == 0 else _WHITE
            yield Cylinder(relative(area.stand, 1.35, left_m, 0.15 + 0.3 * step), 0.07, 0.30, colour)
    for step in range(7):
        colour = _SAFETY_RED if step % 2 == 0 else _WHITE
        yield Box(relative(area.stand, 1.35, -0.66 + 0.22 * step, 1.0), (0.05, 0.22, 0.09), colour)


def _store(area: Area) -> Iterator[Shape]:
    for left_m in (0.95, 1.2):
        for height_m in (0.25, 0.65, 1.05):
            yield Box(relative(area.stand, -0.2, left_m, height_m), (1.1, 0.22, 0.04), _STEEL)
    for ahead_m, height_m, colour in ((-0.5, 0.37, _WOOD), (-0.1, 0.37, _GREEN), (-0.4, 0.77, _BLUE), (0.1, 0.77, _WOOD)):
        yield Box(relative(area.stand, ahead_m, 1.07, height_m), (0.30, 0.34, 0.20), colour)


_AREA_PROPS: Mapping[str, Callable[[Area], Iterator[Shape]]] = MappingProxyType(
    {"depot": _depot, "dock": _dock, "yard": _yard, "gate": _gate, "store": _store}
)
