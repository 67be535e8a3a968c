"""The books: exactly one outcome for every task, and what they add up to for each model.

At every moment, for every model: generated = on_time_edge + on_time_cloud + late + all dropped + in_flight. Stolen runs
are a part of the edge's finished runs. A second end, or an end of a task that never was, is an error of the caller.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roost.errors import RoostError
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Outcome, Place, TaskOutcome

_BUCKETS_PER_E_FOLD = 50  # two per cent a bucket


class LedgerError(RoostError):
    """A task was entered twice, ended twice, or ended without having begun."""

    reason = "LEDGER"


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """One model's line in the summary.

    dropped: by the reason's name. migrated: tasks that were moved out of the edge's queue. p50_ms and p95_ms: latency from
    release to end of all finished runs, late ones included; 0 where nothing has run.
    """

    name: str
    generated: int
    on_time_edge: int
    on_time_cloud: int
    late: int
    dropped: Mapping[str, int]
    stolen: int
    migrated: int
    in_flight: int
    utility: float
    p50_ms: float
    p95_ms: float


class LatencyHistogram:
    """Percentiles in bounded memory: counts in logarithmic buckets, exact to two per cent."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, latency_ns: int) -> None:
        """Count one latency."""
        self._buckets[round(math.log(max(1, latency_ns)) * _BUCKETS_PER_E_FOLD)] += 1

    def percentile_ms(self, fraction: float) -> float:
        """The latency that `fraction` of all stay at or below, in milliseconds; 0 while there is none."""
        rank = math.ceil(fraction * self._buckets.total()) if self._buckets else 0
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return math.exp(bucket / _BUCKETS_PER_E_FOLD) / 1e6
        return 0.0


@dataclass(slots=True)
class _OpenTask:
    task: InferenceTask
    place: Place = Place.NONE
    start_ns: int = 0
    stolen: bool = False
    migrated: bool = False


class _Account:
    """The running sums of one model."""

    def __init__(self, profile: ModelProfile) -> None:
        self.profile = profile
        self.generated = 0
        self.on_time: Counter[Place] = Counter()
        self.late = 0
        self.dropped: Counter[DropReason] = Counter()
        self.stolen = 0
        self.migrated = 0
        self.utility = 0.0
        self.latency = LatencyHistogram()

    def counts(self) -> ModelCounts:
        ended = self.on_time.total() + self.late + self.dropped.total()
        return ModelCounts(
            name=self.profile.name,
            generated=self.generated,
            on_time_edge=self.on_time[Place.EDGE],
            on_time_cloud=self.on_time[Place.CLOUD],
            late=self.late,
            dropped={reason.value: count for reason, count in sorted(self.dropped.items())},
            stolen=self.stolen,
            migrated=self.migrated,
            in_flight=self.generated - ended,
            utility=self.utility,
            p50_ms=self.latency.percentile_ms(0.50),
            p95_ms=self.latency.percentile_ms(0.95),
        )


class Ledger:
    """Follows every task from its arrival to its one end."""

    def __init__(self, profiles: Mapping[str, ModelProfile]) -> None:
        self._accounts = {name: _Account(profile) for name, profile in profiles.items()}
        self._open: dict[int, _OpenTask] = {}

    def arrived(self, task: InferenceTask) -> None:
        """A task was made."""
        if task.task_id in self._open:
            raise LedgerError(f"task {task.task_id} arrived twice")
        self._open[task.task_id] = _OpenTask(task)
        self._accounts[task.model].generated += 1

    def started(self, task_id: int, place: Place, now_ns: int, *, stolen: bool = False) -> None:
        """It runs now. A task whose first place has failed may start a second time."""
        entry = self._entry(task_id)
        entry.place, entry.start_ns, entry.stolen = place, now_ns, stolen

    def migrated(self, task_id: int) -> None:
        """It had to leave the edge's queue."""
        entry = self._entry(task_id)
        if not entry.migrated:
            entry.migrated = True
            self._accounts[entry.task.model].migrated += 1

    def finished(self, task_id: int, now_ns: int) -> TaskOutcome:
        """It is done, in time or not."""
        entry = self._entry(task_id)
        if entry.place is Place.NONE:
            raise LedgerError(f"task {task_id} finished without having started")
        del self._open[task_id]
        account = self._accounts[entry.task.model]
        profile = account.profile
        on_time = now_ns <= entry.task.deadline_ns
        cost = profile.edge_cost if entry.place is Place.EDGE else profile.cloud_cost
        utility = profile.benefit - cost if on_time else -cost
        if on_time:
            account.on_time[entry.place] += 1
        else:
            account.late += 1
        account.stolen += entry.stolen
        account.utility += utility
        account.latency.add(now_ns - entry.task.release_ns)
        outcome = Outcome.ON_TIME if on_time else Outcome.LATE
        return TaskOutcome(
            entry.task, outcome, entry.place, entry.start_ns, now_ns, None, entry.stolen, entry.migrated, utility
        )

    def dropped(self, task_id: int, reason: DropReason) -> TaskOutcome:
        """It ends without a result."""
        entry = self._entry(task_id)
        del self._open[task_id]
        self._accounts[entry.task.model].dropped[reason] += 1
        return TaskOutcome(entry.task, Outcome.DROPPED, Place.NONE, 0, 0, reason, False, entry.migrated, 0.0)

    @property
    def open_tasks(self) -> Iterable[int]:
        """The tasks that have not ended."""
        return self._open.keys()

    def counts(self) -> dict[str, ModelCounts]:
        """Every model's line, by name."""
        return {name: account.counts() for name, account in self._accounts.items()}

    def _entry(self, task_id: int) -> _OpenTask:
        entry = self._open.get(task_id)
        if entry is None:
            raise LedgerError(f"task {task_id} is not open: it never arrived, or has ended already")
        return entry
