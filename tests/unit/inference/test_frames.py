"""Tiles, rates and kept frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost_inference.frames import RateWindow, tiles_of
from roost_inference.ports import Region
from roost_inference.statistics import BusyWindow

SECOND = 1_000_000_000


@given(width=st.integers(16, 2000), height=st.integers(16, 2000), count=st.integers(2, 16))
def test_tiles_cover_the_frame_without_overlap(width: int, height: int, count: int) -> None:
    tiles = tiles_of(width, height, count)
    assert len(tiles) == count
    area = 0
    for tile in tiles:
        assert tile is not None
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        area += (tile.right - tile.left) * (tile.bottom - tile.top)
    assert area == width * height


def test_one_tile_is_the_whole_frame_and_five_are_two_rows() -> None:
    assert tiles_of(60, 40, 1) == [None]
    assert tiles_of(60, 40, 5) == [
        Region(0, 0, 30, 20),
        Region(30, 0, 60, 20),
        Region(0, 20, 20, 40),
        Region(20, 20, 40, 40),
        Region(40, 20, 60, 40),
    ]


def test_a_rate_is_that_of_the_window_and_falls_to_zero() -> None:
    window = RateWindow(2 * SECOND)
    for tenth in range(41):
        window.add(tenth * SECOND // 10)
    assert window.rate_hz(4 * SECOND) == pytest.approx(10)
    assert window.rate_hz(9 * SECOND) == 0


def test_the_busy_share_counts_what_still_runs_and_forgets_what_is_past() -> None:
    window = BusyWindow(2 * SECOND)
    window.begin(0)
    assert window.share(SECOND) == pytest.approx(0.5)
    window.end(SECOND)
    assert window.share(2 * SECOND) == pytest.approx(0.5)
    assert window.share(2 * SECOND + SECOND // 2) == pytest.approx(0.25)
    assert window.share(5 * SECOND) == 0
