"""Thresholds that follow from the registered models."""

from __future__ import annotations

import pytest

from roost_inference.scheduling.estimates import shortest_edge_time_ns, steal_rank, trigger_margin_ns
from roost_inference.task import ModelProfile

MS = 1_000_000


def profile(name: str, edge_ms: int, cloud_ms: int, edge_cost: float = 1, cloud_cost: float = 25) -> ModelProfile:
    return ModelProfile(name, 100, edge_cost, cloud_cost, edge_ms * MS, cloud_ms * MS, 500 * MS)


def test_the_margin_is_half_the_longest_cloud_time_of_what_may_be_sent_there() -> None:
    models = [
        profile("short", 5, 20),
        profile("long", 20, 120),
        profile("never", 10, 300, cloud_cost=101),
        profile("hopeless", 9, 501),
    ]
    assert trigger_margin_ns({model.name: model for model in models}) == 60 * MS
    assert trigger_margin_ns({}) == 0


def test_the_least_slack_is_the_shortest_edge_time() -> None:
    models = [profile("short", 5, 20), profile("long", 20, 120)]
    assert shortest_edge_time_ns({model.name: model for model in models}) == 5 * MS


def test_the_ranks_of_the_papers_models_are_in_the_papers_order() -> None:
    """Benefit, cost on the edge, cost in the cloud and edge time in ms of table 1 of Raj et al."""
    papers = {
        "HV": (125, 1, 25, 174),
        "DEV": (100, 1, 26, 172),
        "MD": (75, 1, 15, 142),
        "BP": (40, 2, 43, 244),
        "CD": (175, 4, 152, 563),
        "DEO": (250, 6, 210, 739),
    }
    ranks = {
        name: steal_rank(ModelProfile(name, benefit, edge, cloud, milliseconds * MS, MS, MS))
        for name, (benefit, edge, cloud, milliseconds) in papers.items()
    }
    assert sorted(ranks, key=lambda name: ranks[name], reverse=True) == ["BP", "DEO", "CD", "DEV", "HV", "MD"]
    assert ranks["DEO"][1] * MS * 1000 == pytest.approx(276, abs=1)
