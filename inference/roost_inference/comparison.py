"""Do both places say the same of the same frame? What counts as the same, and how often it was."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

from roost.clock import Clocks, Deadline
from roost.errors import RoostError
from roost_inference.ports import Detection, Frame, Inference, Region, Target

_log = logging.getLogger(__name__)

SCORE_TOLERANCE = 1e-3
BOX_TOLERANCE_PIXELS = 1


def agree(one: Inference, other: Inference) -> bool:
    """Whether two inferences found the same things.

    Same labels and texts, scores within `SCORE_TOLERANCE`, boxes within `BOX_TOLERANCE_PIXELS` at every side, in whatever
    order; and the same shapes of raw outputs.
    """
    if len(one.detections) != len(other.detections) or dict(one.outputs) != dict(other.outputs):
        return False
    unmatched = list(other.detections)
    for detection in one.detections:
        match = next((candidate for candidate in unmatched if _same(detection, candidate)), None)
        if match is None:
            return False
        unmatched.remove(match)
    return True


def _same(one: Detection, other: Detection) -> bool:
    return (
        one.label == other.label
        and one.text == other.text
        and abs(one.score - other.score) <= SCORE_TOLERANCE
        and all(abs(a - b) <= BOX_TOLERANCE_PIXELS for a, b in zip(_sides(one.region), _sides(other.region), strict=True))
    )


def _sides(region: Region) -> tuple[int, int, int, int]:
    return region.left, region.top, region.right, region.bottom


@dataclass(slots=True)
class ComparisonCounts:
    """compared: runs done at both places. disagreed: those that did not agree. failed: second runs that brought nothing."""

    compared: int = 0
    disagreed: int = 0
    failed: int = 0


class Sampler:
    """Picks every `every`-th result of each model, from the first on; one that is passed over is made up for by the next."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._since: Counter[str] = Counter()

    def wants(self, model: str) -> bool:
        """Count one result; whether a comparison is due."""
        if self._every <= 0:
            return False
        self._since[model] += 1
        return self._since[model] == 1 or self._since[model] > self._every

    def taken(self, model: str) -> None:
        """The comparison that was due is being made."""
        self._since[model] = 1

    def passed_over(self, model: str) -> None:
        """It could not be made now; the next result is as good."""
        self._since[model] = self._every


class Comparer:
    """Runs sampled inferences of the edge once more in the cloud, outside the books: one at a time, and never in the way.

    every: of so many results of a model, one; 0 for never. limit_ns: the time that such a run gets.
    """

    def __init__(self, cloud: Target, clocks: Clocks, every: int, limit_ns: int) -> None:
        self._cloud = cloud
        self._clocks = clocks
        self._sampler = Sampler(every)
        self._limit_ns = limit_ns
        self._comparing = False
        self.counts = ComparisonCounts()

    def wants(self, model: str, *, cloud_idle: bool) -> bool:
        """Count one result of the edge; whether to `compare` it. True promises the caller's call."""
        if not self._sampler.wants(model):
            return False
        if self._comparing or not cloud_idle:
            self._sampler.passed_over(model)
            return False
        self._sampler.taken(model)
        self._comparing = True
        return True

    async def compare(self, model: str, frame: Frame, region: Region | None, edge: Inference) -> None:
        """Run it in the cloud and count whether both agree; a run that fails there is counted, and nothing else."""
        try:
            cloud = await self._cloud.infer(model, frame, region, Deadline.after(self._clocks, self._limit_ns))
        except RoostError as error:
            self.counts.failed += 1
            _log.debug("comparison of %s on frame %d of %s: %s", model, frame.frame_id, frame.camera, error)
        else:
            self.counts.compared += 1
            if not agree(edge, cloud):
                self.counts.disagreed += 1
                _log.warning("%s on frame %d of %s: edge and cloud disagree", model, frame.frame_id, frame.camera)
        finally:
            self._comparing = False
