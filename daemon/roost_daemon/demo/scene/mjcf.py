"""Writes a scene down in MuJoCo's XML. Pure: text and textures out, MuJoCo is not imported.

Shadows and multisampling are switched off, since with them a picture costs ten times as much on a processor. Bodies are
`mocap` bodies: they are placed, not simulated. Nothing can touch anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from roost.robot import Pose
from roost_daemon.demo.scene.parts import Board, Box, Capsule, Colour, Cylinder, Ellipsoid, Scene, Shape, Slab
from roost_daemon.demo.scene.signs import board_texture_png

EYE = "eye"
FIELD_OF_VIEW_DEG = 58.0
"""Vertical opening angle of the camera."""

_HEADLIGHT_AMBIENT, _HEADLIGHT_DIFFUSE = 0.38, 0.20
_SKY_TOP: Colour = (0.42, 0.58, 0.78)
_SKY_HORIZON: Colour = (0.86, 0.90, 0.93)
_GROUND_DARK: Colour = (0.34, 0.36, 0.36)
_GROUND_LIGHT: Colour = (0.37, 0.39, 0.39)


@dataclass(frozen=True, slots=True)
class Mjcf:
    """A model as MuJoCo reads it: its XML and the files that the XML names."""

    xml: str
    assets: Mapping[str, bytes]


def geom_name(body: str, number: int) -> str:
    """How the number-th shape of a body is called in the model."""
    return f"{body}/{number}"


def write_mjcf(scene: Scene, width_px: int, height_px: int) -> Mjcf:
    """The scene with one camera of that size, on the body `EYE`."""
    root = Element("mujoco", model="site")
    SubElement(root, "compiler", angle="radian")
    SubElement(root, "statistic", extent="12", center="6 5 0")
    visual = SubElement(root, "visual")
    SubElement(visual, "global", offwidth=str(width_px), offheight=str(height_px))
    SubElement(visual, "quality", shadowsize="0", offsamples="0")
    SubElement(visual, "map", znear="0.005", zfar="4")
    SubElement(
        visual,
        "headlight",
        ambient=_numbers([_HEADLIGHT_AMBIENT] * 3),
        diffuse=_numbers([_HEADLIGHT_DIFFUSE] * 3),
        specular="0 0 0",
    )
    default = SubElement(root, "default")
    SubElement(default, "geom", contype="0", conaffinity="0", group="0")
    asset = SubElement(root, "asset")
    SubElement(
        asset,
        "texture",
        type="skybox",
        builtin="gradient",
        rgb1=_numbers(_SKY_TOP),
        rgb2=_numbers(_SKY_HORIZON),
        width="64",
        height="384",
    )
    SubElement(
        asset,
        "texture",
        name="ground",
        type="2d",
        builtin="checker",
        rgb1=_numbers(_GROUND_DARK),
        rgb2=_numbers(_GROUND_LIGHT),
        width="64",
        height="64",
    )
    SubElement(asset, "material", name="ground", texture="ground", texrepeat="1 1", texuniform="true", specular="0")
    SubElement(asset, "material", name="paint", specular="0.1", shininess="0.2")
    world = SubElement(root, "worldbody")
    SubElement(
        world, "light", name="sun", directional="true", dir="0.35 0.25 -0.9", diffuse="0.55 0.54 0.50", castshadow="false"
    )
    SubElement(world, "geom", type="plane", size="60 60 1", material="ground", rgba="1 1 1 1")
    writer = _ShapeWriter(asset)
    for shape in scene.fixed:
        writer.write(world, shape, "")
    for body in scene.bodies:
        element = SubElement(world, "body", name=body.name, mocap="true", pos=_position(body.at), quat=_turn(body.at))
        for number, shape in enumerate(body.shapes):
            writer.write(element, shape, geom_name(body.name, number))
    eye = SubElement(world, "body", name=EYE, mocap="true")
    SubElement(eye, "camera", name=EYE, xyaxes="0 -1 0 0 0 1", fovy=str(FIELD_OF_VIEW_DEG))
    return Mjcf(tostring(root, encoding="unicode"), writer.assets)


class _ShapeWriter:
    """Adds one geom a shape, and to the assets what the geom needs."""

    def __init__(self, asset: Element) -> None:
        self._asset = asset
        self.assets: dict[str, bytes] = {}

    def write(self, parent: Element, shape: Shape, name: str) -> None:
        attributes = self._attributes(shape)
        if name:
            attributes["name"] = name
        SubElement(parent, "geom", attributes)

    def _attributes(self, shape: Shape) -> dict[str, str]:
        if isinstance(shape, Board):
            material = self._board_material(shape)
            size = _numbers([0.01, shape.width_m / 2, shape.height_m / 2])
            place = {"pos": _position(shape.pose), "quat": _turn(shape.pose)}
            return {"type": "box", "size": size, "material": material, "rgba": "1 1 1 1"} | place
        attributes = {"rgba": _numbers([*shape.colour, 1.0]), "material": "paint"}
        if isinstance(shape, Slab):
            attributes |= {"type": "mesh", "mesh": self._slab_mesh(shape)}
        elif isinstance(shape, Capsule):
            attributes |= {"type": "capsule", "fromto": _numbers([*shape.start_m, *shape.end_m]), "size": str(shape.radius_m)}
        else:
            attributes |= {"pos": _position(shape.pose), "quat": _turn(shape.pose)}
            if isinstance(shape, Box):
                attributes |= {"type": "box", "size": _numbers(side / 2 for side in shape.size_m)}
            elif isinstance(shape, Cylinder):
                attributes |= {"type": "cylinder", "size": _numbers([shape.radius_m, shape.height_m / 2])}
            elif isinstance(shape, Ellipsoid):
                attributes |= {"type": "ellipsoid", "size": _numbers(shape.half_axes_m)}
        return attributes

    def _slab_mesh(self, slab: Slab) -> str:
        name = f"slab{len(self._asset)}"
        below_m = slab.top_m - 0.05
        vertices = [value for height in (below_m, slab.top_m) for x, y in slab.corners_m for value in (x, y, height)]
        SubElement(self._asset, "mesh", name=name, vertex=_numbers(vertices))
        return name

    def _board_material(self, board: Board) -> str:
        name = f"board{len(self._asset)}"
        file = f"{name}.png"
        self.assets[file] = board_texture_png(board.text, board.width_m, board.height_m)
        SubElement(self._asset, "texture", name=name, type="2d", file=file)
        SubElement(self._asset, "material", name=name, texture=name, specular="0", emission="0.35")
        return name


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def _position(pose: Pose) -> str:
    return _numbers([pose.x_m, pose.y_m, pose.z_m])


def _turn(pose: Pose) -> str:
    return _numbers([math.cos(pose.yaw_rad / 2), 0.0, 0.0, math.sin(pose.yaw_rad / 2)])
