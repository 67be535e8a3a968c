"""The regions found by runs and union-find are those that a flood fill finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from roost_inference.models.decoders.db_text import connected_regions


def flood(mask: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(mask), strict=True)}
    regions = set()
    while left:
        seeds = [left.pop()]
        region = set(seeds)
        while seeds:
            row, column = seeds.pop()
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            region |= near
            seeds.extend(near)
        regions.add(frozenset(region))
    return regions


@given(st_numpy.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_same_regions_as_a_flood_fill(mask: np.ndarray) -> None:
    found = {
        frozenset((int(row), column) for row, start, end in runs for column in range(start, end))
        for runs in connected_regions(mask)
    }

    assert found == flood(mask)
