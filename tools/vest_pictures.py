"""Pictures of the demo's scene with labels, for the vest detector: random figures, decoys, light and camera poses.

Each picture is rendered twice: as seen, and with a number for each shape, from which the visible box of every vest follows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import roost_daemon.demo
from roost.robot import Pose
from roost_daemon.demo.scene import parts
from roost_daemon.demo.scene.figure import SAFETY_VEST, VEST_SHAPES, figure
from roost_daemon.demo.scene.mjcf import geom_name
from roost_daemon.demo.scene.parts import Body, Capsule, Cylinder, Ellipsoid, Scene, Shape
from roost_daemon.demo.scene.props import WORKER, site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, HEIGHT_PX, WIDTH_PX, SceneRenderer
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Site

FIGURES, DECOYS = 4, 8
LEAST_PIXELS, LEAST_SIDE_PX = 60, 8
NEAREST_M = 0.8
MAP_SIZE_M = (12.0, 9.6)
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, right and bottom exclusive."""

_BURIED = Pose(0.0, 0.0, 0.0, -20.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """image: uint8 [240, 320, 3]. boxes: visible vests (left, top, right, bottom) in pixels. unsure: the tiny ones."""

    image: NDArray[np.uint8]
    boxes: list[Box]
    unsure: list[Box]


@dataclass(frozen=True, slots=True)
class Samples:
    """images [n,240,320,3] uint8; heat [n,30,40]; size [n,30,40,2] in cells; judged [n,30,40], 0 where no penalty is due."""

    images: NDArray[np.uint8]
    heat: NDArray[np.float16]
    size: NDArray[np.float16]
    judged: NDArray[np.uint8]


def demo_site() -> Site:
    """The demo's map."""
    (folder,) = roost_daemon.demo.__path__
    return load_site(Path(folder) / "site.yaml")


class Studio:
    """The demo's scene with figures and decoys that stand somewhere else in every picture."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        base = site_scene(demo_site())
        self._figures = [f"figure{number}" for number in range(FIGURES)]
        self._decoys = [f"decoy{number}" for number in range(DECOYS)]
        bodies = [body for body in base.bodies if body.name != WORKER]
        bodies += [figure(name, _BURIED, SAFETY_VEST) for name in self._figures]
        bodies += [_decoy(name, number) for number, name in enumerate(self._decoys)]
        self._renderer = SceneRenderer(Scene(base.fixed, tuple(bodies)))
        self._colours = self._renderer.model.geom_rgba.copy()

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def picture(self, vests: bool = True) -> Picture:
        """A new picture; without vests all figures wear something else."""
        draw, renderer = self._random, self._renderer
        self._light()
        renderer.model.geom_rgba[:, :3] = np.clip(
            self._colours[:, :3] * draw.uniform(0.85, 1.15, (len(self._colours), 1)), 0, 1
        )
        eye = Pose(
            draw.uniform(0.2, MAP_SIZE_M[0] - 0.2),
            draw.uniform(0.2, MAP_SIZE_M[1] - 0.2),
            draw.uniform(-math.pi, math.pi),
            EYE_HEIGHT_M + draw.uniform(-0.15, 0.15),
        )
        wearing = [name for name in self._figures if self._dress(name, vests and draw.random() < 0.5)]
        for name in self._figures + self._decoys:
            if draw.random() < (0.75 if name in self._figures else 0.6):
                renderer.place(name, self._somewhere(eye))
            else:
                renderer.place(name, _BURIED)
        return labelled(renderer, eye, wearing)

    def _somewhere(self, eye: Pose) -> Pose:
        draw = self._random
        if draw.random() < 0.6:
            ahead, bearing = draw.uniform(1.0, 7.5), eye.yaw_rad + draw.uniform(-0.62, 0.62)
            x, y = eye.x_m + ahead * math.cos(bearing), eye.y_m + ahead * math.sin(bearing)
        else:
            x, y = draw.uniform(0, MAP_SIZE_M[0]), draw.uniform(0, MAP_SIZE_M[1])
        if math.hypot(x - eye.x_m, y - eye.y_m) < NEAREST_M:
            return _BURIED
        return Pose(x, y, draw.uniform(-math.pi, math.pi), 0.0)

    def _light(self) -> None:
        draw, model = self._random, self._renderer.model
        model.light_dir[0] = (draw.uniform(-0.6, 0.6), draw.uniform(-0.6, 0.6), -0.9)
        model.light_diffuse[0] = draw.uniform(0.25, 0.75) * draw.uniform(0.92, 1.08, 3)
        model.vis.headlight.ambient[:] = draw.uniform(0.25, 0.50)
        model.vis.headlight.diffuse[:] = draw.uniform(0.10, 0.30)

    def _dress(self, name: str, vest: bool) -> bool:
        """Give a figure a vest or another top (whose bands may shine as well), and trousers and helmet by chance."""
        draw, model = self._random, self._renderer.model
        colours = draw.uniform(0.05, 0.95, (4, 3))
        orange = _orange(draw) if vest else _not_orange(draw)
        bands = draw.uniform(0.70, 0.95) * np.ones(3) if vest or draw.random() < 0.5 else orange
        arms = orange if draw.random() < 0.3 and not vest else colours[0]
        for number, colour in enumerate((orange, bands, bands, colours[1], colours[1], arms, arms)):
            model.geom(geom_name(name, number)).rgba[:3] = colour
        model.geom(geom_name(name, 8)).rgba[:3] = colours[2]
        return vest


def labelled(renderer: SceneRenderer, eye: Pose, wearing: list[str]) -> Picture:
    """Render and find the visible box of each vest."""
    image, numbers = renderer.render(eye), renderer.shape_numbers(eye)
    boxes, unsure = [], []
    for name in wearing:
        geoms = [renderer.model.geom(geom_name(name, number)).id for number in range(VEST_SHAPES)]
        rows, columns = np.nonzero(np.isin(numbers, geoms))
        if not len(rows):
            continue
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        large = len(rows) >= LEAST_PIXELS and min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE_PX
        (boxes if large else unsure).append(box)
    return Picture(image, boxes, unsure)


def random_pictures(count: int, seed: int, vests: bool = True) -> Iterator[Picture]:
    """Pictures of the varied scene."""
    studio = Studio(seed)
    for _ in range(count):
        yield studio.picture(vests)
    studio.close()


def story_pictures(count: int, seed: int) -> Iterator[Picture]:
    """Pictures of the scene exactly as the demo shows it, from random poses all over the map but not within the worker."""
    draw = np.random.default_rng(seed)
    scene = site_scene(demo_site())
    worker = scene.body(WORKER).at
    with SceneRenderer(scene) as renderer:
        while count > 0:
            x, y, yaw = draw.uniform(0.2, 11.8), draw.uniform(0.2, 9.4), draw.uniform(-math.pi, math.pi)
            if math.hypot(x - worker.x_m, y - worker.y_m) >= NEAREST_M:
                count -= 1
                yield labelled(renderer, Pose(x, y, yaw, EYE_HEIGHT_M), [WORKER])


def training_samples(count: int, seed: int, stride_px: int) -> Samples:
    """Pictures with the targets of a centre heat map. Every seventh shows no vest at all."""
    rows, columns = HEIGHT_PX // stride_px, WIDTH_PX // stride_px
    images = np.zeros((count, HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    heat, size = np.zeros((count, rows, columns), np.float16), np.zeros((count, rows, columns, 2), np.float16)
    judged = np.ones((count, rows, columns), np.uint8)
    studio = Studio(seed)
    row_grid, column_grid = np.mgrid[:rows, :columns]
    for index in range(count):
        picture = studio.picture(vests=index % 7 != 0)
        images[index] = picture.image
        for left, top, right, bottom in picture.unsure:
            judged[index, top // stride_px : bottom // stride_px + 1, left // stride_px : right // stride_px + 1] = 0
        for left, top, right, bottom in picture.boxes:
            row, column = int((top + bottom) / 2 // stride_px), int((left + right) / 2 // stride_px)
            height, width = (bottom - top) / stride_px, (right - left) / stride_px
            spread = max(0.7, 0.12 * (height + width))
            bump = np.exp(-((row_grid - row) ** 2 + (column_grid - column) ** 2) / (2 * spread**2))
            stronger = bump > heat[index]
            heat[index][stronger] = bump[stronger]
            size[index][stronger & (bump > 0.5)] = (width, height)
    studio.close()
    return Samples(images, heat, size, judged)


def _orange(draw: np.random.Generator) -> NDArray[np.float64]:
    return np.array((draw.uniform(0.90, 1.0), draw.uniform(0.28, 0.48), draw.uniform(0.0, 0.14)))


def _not_orange(draw: np.random.Generator) -> NDArray[np.float64]:
    """Any colour but orange: often grey, often a red near to it, else whatever comes."""
    chance = draw.random()
    if chance < 0.3:
        return draw.uniform(0.05, 0.95) * np.ones(3)
    if chance < 0.5:
        return np.array((draw.uniform(0.5, 0.95), draw.uniform(0.0, 0.14), draw.uniform(0.0, 0.25)))
    while True:
        colour = draw.uniform(0.0, 1.0, 3)
        red, green, blue = colour
        if not (red > 0.55 and 0.15 < green < 0.75 * red and blue < 0.6 * green + 0.1):
            return colour


def _decoy(name: str, number: int) -> Body:
    """Orange things that are no vest: crates, boards, barrels, balls, posts, a headless orange column with bands of white."""
    orange, white = (1.0, 0.40, 0.08), (0.88, 0.88, 0.88)
    kinds: tuple[tuple[Shape, ...], ...] = (
        (parts.Box(Pose(0, 0, 0, 0.25), (0.5, 0.5, 0.5), orange),),
        (
            parts.Box(Pose(0, 0, 0, 1.2), (0.03, 0.9, 0.5), orange),
            parts.Box(Pose(0.02, 0, 0, 1.2), (0.03, 0.7, 0.08), (0.1, 0.1, 0.1)),
        ),
        (Cylinder(Pose(0, 0, 0, 0.45), 0.28, 0.9, orange), Cylinder(Pose(0, 0, 0, 0.45), 0.285, 0.12, white)),
        (Ellipsoid(Pose(0, 0, 0, 0.35), (0.35, 0.35, 0.35), orange),),
        (Cylinder(Pose(0, 0, 0, 0.35), 0.08, 0.7, orange), Cylinder(Pose(0, 0, 0, 0.45), 0.085, 0.12, white)),
        (parts.Box(Pose(0, 0, 0, 0.4), (1.25, 0.55, 0.8), orange),),
        (Capsule((0, 0, 0.1), (0, 0, 1.5), 0.16, orange),),
        (parts.Box(Pose(0, 0, 0, 1.0), (0.05, 1.6, 0.12), orange), parts.Box(Pose(0, 0, 0, 0.5), (0.05, 0.05, 1.0), white)),
    )
    return replace(Body(name, _BURIED, ()), shapes=kinds[number % len(kinds)])
