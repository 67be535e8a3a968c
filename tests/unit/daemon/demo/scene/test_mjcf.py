"""The scene as MuJoCo reads it, judged as text; the pictures are judged in `integration/demo`."""

from __future__ import annotations

import io
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from roost.robot import Pose
from roost_daemon.demo.scene.figure import SAFETY_VEST, VEST_SHAPES, Outfit, figure
from roost_daemon.demo.scene.mjcf import EYE, geom_name, write_mjcf
from roost_daemon.demo.scene.parts import Board, Body, Box, Scene, Slab, relative
from roost_daemon.demo.scene.signs import board_texture_png, draw_board

BOX = Box(Pose(1.0, 2.0, math.pi / 2, 0.5), (1.0, 0.4, 0.2), (1.0, 0.5, 0.0))


def written(scene: Scene) -> ElementTree.Element:
    return ElementTree.fromstring(write_mjcf(scene, 320, 240).xml)


def test_shadows_and_multisampling_are_off_since_they_cost_ten_times_as_much() -> None:
    quality = written(Scene(())).find("visual/quality")

    assert quality is not None
    assert quality.attrib == {"shadowsize": "0", "offsamples": "0"}


def test_a_box_has_half_its_sizes_its_place_and_its_turn() -> None:
    (geom,) = written(Scene((BOX,))).findall("worldbody/geom[@type='box']")

    assert geom.attrib["size"] == "0.5 0.2 0.1"
    assert geom.attrib["pos"] == "1 2 0.5"
    assert geom.attrib["quat"] == "0.707107 0 0 0.707107"
    assert geom.attrib["rgba"] == "1 0.5 0 1"


def test_bodies_are_placed_not_simulated_and_their_shapes_are_named() -> None:
    root = written(Scene((), (Body("crate", Pose(3.0, 1.0), (BOX, BOX)),)))

    crate = root.find("worldbody/body[@name='crate']")
    assert crate is not None
    assert (crate.attrib["mocap"], crate.attrib["pos"]) == ("true", "3 1 0")
    assert [geom.attrib["name"] for geom in crate] == [geom_name("crate", 0), geom_name("crate", 1)]


def test_there_is_one_camera_on_the_eye_and_it_looks_ahead() -> None:
    (camera,) = written(Scene(())).iter("camera")

    assert camera.attrib["name"] == EYE
    assert camera.attrib["xyaxes"] == "0 -1 0 0 0 1"


def test_every_board_brings_its_own_texture() -> None:
    boards = (Board(Pose(0, 0), 1.0, 0.4, "ONE"), Board(Pose(1, 0), 1.0, 0.4, "TWO"))

    model = write_mjcf(Scene(boards), 320, 240)

    named = {
        texture.attrib["file"] for texture in ElementTree.fromstring(model.xml).iter("texture") if "file" in texture.attrib
    }
    assert len(named) == 2
    assert set(model.assets) == named
    assert len(set(model.assets.values())) == 2


def test_a_slab_is_a_mesh_of_its_corners_above_and_below() -> None:
    (mesh,) = written(Scene((Slab(((0, 0), (2, 0), (1, 1)), 0.02, (0.5, 0.5, 0.5)),))).iter("mesh")

    assert len(mesh.attrib["vertex"].split()) == 2 * 3 * 3


def test_a_texture_is_its_board_mirrored_since_a_box_shows_it_mirrored() -> None:
    board = np.asarray(draw_board("DEPOT 3", 1.1, 0.46))
    texture = np.asarray(Image.open(io.BytesIO(board_texture_png("DEPOT 3", 1.1, 0.46))))

    assert (texture == board[:, ::-1]).all()
    assert (board != board[:, ::-1]).any()


@pytest.mark.parametrize("text", ["A", "DOCK 7", "A RATHER LONG NAME OF A PLACE"])
def test_the_letters_of_a_board_stay_within_its_rim(text: str) -> None:
    board = np.asarray(draw_board(text, 1.1, 0.46).convert("L"))

    rows, columns = np.nonzero(board < 60)
    assert rows.min() > 0.1 * board.shape[0] and rows.max() < 0.9 * board.shape[0]
    assert columns.min() > 0.05 * board.shape[1] and columns.max() < 0.95 * board.shape[1]


def test_relative_goes_ahead_along_the_heading_and_left_of_it() -> None:
    pose = relative(Pose(1.0, 1.0, math.pi / 2), ahead_m=2.0, left_m=0.5, z_m=1.2, turn_rad=math.pi)

    assert (pose.x_m, pose.y_m, pose.z_m) == pytest.approx((0.5, 3.0, 1.2))
    assert pose.yaw_rad == pytest.approx(1.5 * math.pi)


def test_a_figure_without_bands_wears_one_colour() -> None:
    plain = Outfit(top=(0.1, 0.5, 0.2), trousers=(0, 0, 0), helmet=(1, 1, 1), bands=None)

    tops = {
        shape.colour for shape in figure("worker", Pose(0, 0), plain).shapes[:VEST_SHAPES] if not isinstance(shape, Board)
    }
    vest = {
        shape.colour
        for shape in figure("worker", Pose(0, 0), SAFETY_VEST).shapes[:VEST_SHAPES]
        if not isinstance(shape, Board)
    }

    assert tops == {(0.1, 0.5, 0.2)}
    assert vest == {SAFETY_VEST.top, SAFETY_VEST.bands}
