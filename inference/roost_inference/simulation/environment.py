"""The world that a policy meets: how far real times stray from expected ones, all keyed by seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_BOXES = 4

_SIGMAS_AT_95_PERCENT = 1.6449


@dataclass(frozen=True, slots=True)
class Environment:
    """Distributions around what the profiles say.

    edge_ratio, edge_spread: real edge time over expected one, normal; below 1 because the expected time is a high percentile.
    stall_probability, stall_ratio: now and then another process gets in between, and a run takes that much longer.
    cloud_sigma: of the log-normal cloud latency, whose 95th percentile is the expected time times `cloud_scale`.
    busy_probability: calls that the cloud refuses (429), after `busy_after` of the expected time.
    """

    edge_ratio: float = 0.85
    edge_spread: float = 0.06
    stall_probability: float = 0.01
    stall_ratio: float = 2.0
    cloud_sigma: float = 0.47
    cloud_scale: float = 1.0
    busy_probability: float = 0.02
    busy_after: float = 0.1


@dataclass(frozen=True, slots=True)
class Draws:
    """What chance has in store for each task of one stream, by the task's number.

    edge: real over expected edge time. cloud: real over expected cloud time. busy: whether the cloud refuses it.
    jitter: from -0.5 to 0.5, of a period. boxes: from 0 to 1, turned into a number of detections.
    """

    edge: list[float]
    cloud: list[float]
    busy: list[bool]
    jitter: list[float]
    boxes: list[float]


def draw(environment: Environment, seed: int, stream: int, tasks: int) -> Draws:
    """The draws of one stream: the same for the same seed and stream, whatever the policy does."""
    quantities = [np.random.default_rng([seed, stream, quantity]) for quantity in range(6)]
    ratio = quantities[0].normal(environment.edge_ratio, environment.edge_spread, tasks)
    stalled = quantities[1].random(tasks) < environment.stall_probability
    edge = np.clip(ratio, 0.3, None) * np.where(stalled, environment.stall_ratio, 1.0)
    spread = quantities[2].normal(0.0, 1.0, tasks) - _SIGMAS_AT_95_PERCENT
    cloud = environment.cloud_scale * np.exp(environment.cloud_sigma * spread)
    busy = quantities[3].random(tasks) < environment.busy_probability
    jitter = quantities[4].random(tasks) - 0.5
    boxes = quantities[5].random(tasks)
    return Draws(edge.tolist(), cloud.tolist(), busy.tolist(), jitter.tolist(), boxes.tolist())


def boxes_of(uniform: float, expected: float) -> int:
    """A number of detections with that expectation (for whole and half expectations alike), at most `MAX_BOXES`."""
    whole = int(expected)
    return min(MAX_BOXES, whole + (uniform < expected - whole))
