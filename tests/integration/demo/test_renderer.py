"""The demo's scene, rendered for real: what a robot sees from where the story makes it stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import roost_daemon.demo
from roost.errors import UnknownNameError
from roost.robot import Pose
from roost_daemon.demo.scene.figure import VEST_SHAPES
from roost_daemon.demo.scene.mjcf import geom_name
from roost_daemon.demo.scene.parts import Scene
from roost_daemon.demo.scene.props import BOARD_SIZE_M, WORKER, site_scene
from roost_daemon.demo.scene.renderer import EYE_HEIGHT_M, SceneRenderer
from roost_daemon.demo.scene.signs import draw_board
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Area, Point, Site

LEAST_BOARD_WIDTH_PX = 110


@pytest.fixture(scope="module")
def site() -> Site:
    (folder,) = roost_daemon.demo.__path__
    return load_site(Path(folder) / "site.yaml")


@pytest.fixture(scope="module")
def renderer(site: Site) -> Iterator[SceneRenderer]:
    with SceneRenderer(site_scene(site)) as renderer:
        yield renderer


def standing(site: Site, area: str) -> Pose:
    """The camera of a robot that stands in the area."""
    return replace(site.area(area).stand, z_m=EYE_HEIGHT_M)


def board_pixels(renderer: SceneRenderer, eye: Pose) -> NDArray[np.bool_]:
    """Where the boards are in sight."""
    materials = {number: renderer.model.mat(number).name for number in range(renderer.model.nmat)}
    boards = [
        geom for geom, material in enumerate(renderer.model.geom_matid) if materials.get(material, "").startswith("board")
    ]
    return np.isin(renderer.shape_numbers(eye), boards)


def pixels_of_vest(renderer: SceneRenderer, eye: Pose) -> int:
    """How many pixels of the worker's vest are in sight."""
    vest = [renderer.model.geom(geom_name(WORKER, number)).id for number in range(VEST_SHAPES)]
    return int(np.isin(renderer.shape_numbers(eye), vest).sum())


def test_a_picture_is_rgb_of_the_agreed_size(site: Site, renderer: SceneRenderer) -> None:
    image = renderer.render(standing(site, "base"))

    assert (image.shape, image.dtype) == ((240, 320, 3), np.uint8)
    sky, ground = image[5, 160], image[235, 160]
    assert sky[2] > sky[0] and sky.mean() > ground.mean(), "the sky is above, bluish and bright"


def test_the_same_pose_gives_the_same_picture(site: Site, renderer: SceneRenderer) -> None:
    first = renderer.render(standing(site, "dock"))
    renderer.render(standing(site, "base"))

    assert (renderer.render(standing(site, "dock")) == first).all()


@pytest.mark.parametrize("area", ["depot", "dock"])
def test_the_sign_is_in_full_sight_from_where_the_robot_stands(site: Site, renderer: SceneRenderer, area: str) -> None:
    rows, columns = np.nonzero(board_pixels(renderer, standing(site, area)))
    width_px, height_px = int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1

    assert width_px > LEAST_BOARD_WIDTH_PX
    assert width_px / height_px == pytest.approx(BOARD_SIZE_M[0] / BOARD_SIZE_M[1], rel=0.05), "seen straight, not cut off"


def test_the_vest_is_in_sight_at_the_dock_and_not_at_the_depot(site: Site, renderer: SceneRenderer) -> None:
    assert pixels_of_vest(renderer, standing(site, "dock")) > 2000
    assert pixels_of_vest(renderer, standing(site, "depot")) == 0


def test_the_sign_reads_as_it_was_drawn(site: Site, renderer: SceneRenderer) -> None:
    eye = standing(site, "depot")
    rows, columns = np.nonzero(board_pixels(renderer, eye))
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    seen = Image.fromarray(renderer.render(eye)).convert("L").crop(box)
    drawn = np.asarray(draw_board("DEPOT 3", *BOARD_SIZE_M).convert("L").resize(seen.size), np.float64)

    likeness = np.corrcoef(np.asarray(seen).ravel(), drawn.ravel())[0, 1]
    mirrored = np.corrcoef(np.asarray(seen).ravel(), drawn[:, ::-1].ravel())[0, 1]
    assert likeness > 0.8 > mirrored


def test_a_body_that_is_placed_comes_into_the_picture(site: Site, renderer: SceneRenderer) -> None:
    eye = standing(site, "lane")
    before = renderer.render(eye)
    renderer.place("robot2", Pose(8.5, 9.1))
    after = renderer.render(eye)
    renderer.place("robot2", site.robot("robot2").home)

    assert (before != after).any()
    assert (renderer.render(eye) == before).all()


def test_an_unknown_body_is_refused(renderer: SceneRenderer) -> None:
    with pytest.raises(UnknownNameError, match=r"^the scene has no body 'whale'; it has crate, eye, robot2, worker$"):
        renderer.place("whale", Pose(0.0, 0.0))


def test_a_site_without_the_storys_areas_has_a_scene_too() -> None:
    hall = Area("hall", (Point(0, 0), Point(5, 0), Point(5, 4), Point(0, 4)), Pose(1.0, 1.0))
    plain = Site("plain", {"hall": hall})

    with SceneRenderer(site_scene(plain)) as renderer:
        assert renderer.render(Pose(1.0, 1.0, 0.0, EYE_HEIGHT_M)).std() > 5.0


def test_two_renderers_in_one_thread_do_not_disturb_each_other(site: Site, renderer: SceneRenderer) -> None:
    eye = standing(site, "depot")
    before = renderer.render(eye)

    with SceneRenderer(Scene(())) as other:
        other.render(eye)
        while_open = renderer.render(eye)
    after = renderer.render(eye)

    assert (while_open == before).all()
    assert (after == before).all()


def test_closing_twice_is_no_matter() -> None:
    renderer = SceneRenderer(Scene(()))
    renderer.close()
    renderer.close()
