"""The shortest way over the demo's map: what it passes, what it keeps out of, and what it says when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost_daemon.demo import __file__ as demo_package
from roost_daemon.site.load import load_site
from roost_daemon.site.model import Point, Site
from roost_daemon.site.way import NoWayError, OffMapError, approach, place_name, shortest_way


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(demo_package).parent / "site.yaml")


def stand(site: Site, area: str) -> Point:
    pose = site.areas[area].stand
    return Point(pose.x_m, pose.y_m)


def test_the_shortest_way_to_the_dock_leads_through_the_yard(site: Site) -> None:
    way = shortest_way(site, stand(site, "depot"), stand(site, "dock"))
    assert way.passages == ("yard_west", "yard_east")
    assert way.length_m == pytest.approx(8.0)


def test_with_the_yard_forbidden_it_leads_by_the_lane(site: Site) -> None:
    way = shortest_way(site, stand(site, "depot"), stand(site, "dock"), forbidden=["yard"])
    assert way.passages == ("lane_west", "lane_east")


def test_with_the_lane_closed_too_it_leads_round_by_base_store_and_gate(site: Site) -> None:
    way = shortest_way(site, stand(site, "depot"), stand(site, "dock"), forbidden=["yard"], closed=["lane_west"])
    assert way.passages == ("ramp", "base_store", "store_gate", "gate_dock")


def test_within_an_area_the_way_is_straight(site: Site) -> None:
    way = shortest_way(site, Point(0.5, 0.5), Point(2.5, 2.0))
    assert way.points == (Point(0.5, 0.5), Point(2.5, 2.0))
    assert way.passages == ()


def test_no_way_names_exactly_what_cuts_it_off(site: Site) -> None:
    with pytest.raises(NoWayError) as caught:
        shortest_way(
            site,
            stand(site, "depot"),
            stand(site, "dock"),
            forbidden=["yard", "lane"],
            closed=["lane_west", "ramp", "store_gate"],
        )
    # Opening lane_west helps nobody, for the lane behind it is forbidden; store_gate lies beyond the ramp.
    assert (caught.value.forbidden, caught.value.closed) == (("yard",), ("ramp",))
    assert caught.value.message == "there is no way from depot to dock: yard is forbidden, ramp is closed"


def test_a_goal_in_a_forbidden_area_has_no_way(site: Site) -> None:
    with pytest.raises(NoWayError) as caught:
        shortest_way(site, stand(site, "base"), stand(site, "yard"), forbidden=["yard"])
    assert caught.value.forbidden == ("yard",)


def test_a_point_off_the_map_is_refused(site: Site) -> None:
    with pytest.raises(OffMapError, match=r"^\(100\.00, 1\.00\) is off the map of harbour; name a point on it$"):
        shortest_way(site, stand(site, "base"), Point(100.0, 1.0))


def test_whoever_stands_in_a_closed_passage_leaves_it_by_the_nearer_end(site: Site) -> None:
    way = shortest_way(site, Point(1.5, 7.8), stand(site, "depot"), closed=["lane_west"])
    assert way.points[1] == Point(1.5, 7.5)
    with pytest.raises(NoWayError):
        shortest_way(site, Point(1.5, 7.8), stand(site, "lane"), forbidden=["yard", "base"], closed=["lane_west"])


def test_a_way_may_end_in_a_passage(site: Site) -> None:
    way = shortest_way(site, stand(site, "depot"), Point(1.5, 8.0))
    assert way.passages == ("lane_west",)
    assert shortest_way(site, Point(1.5, 7.8), Point(1.6, 8.0)).points == (Point(1.5, 7.8), Point(1.6, 8.0))


def test_a_passage_is_entered_from_half_its_width_inside_the_area(site: Site) -> None:
    assert approach(site, site.passages["lane_west"], "depot") == Point(1.5, 7.0)
    assert approach(site, site.passages["lane_west"], "lane").y_m == pytest.approx(9.1)


def test_places_have_names_in_words(site: Site) -> None:
    assert place_name(site, Point(6, 6)) == "yard"
    assert place_name(site, Point(1.5, 8.0)) == "lane_west"
    assert place_name(site, Point(-5, 0)) == "(-5.00, 0.00)"
