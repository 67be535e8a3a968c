"""The event loop of the simulator: a heap of instants, one edge, a cloud, and the policy in between."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from roost.clock import seconds_to_ns
from roost_inference.scheduling.ledger import ModelCounts
from roost_inference.scheduling.policy import (
    CloudFailed,
    CloudFinished,
    EdgeFinished,
    Event,
    Policy,
    SendToCloud,
    StartOnEdge,
    TaskArrived,
    TimerFired,
    WakeAt,
)
from roost_inference.scheduling.scheduler import Scheduler
from roost_inference.simulation.environment import MAX_BOXES, Draws, Environment, boxes_of, draw
from roost_inference.simulation.load import LoadPlan
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Outcome, TaskOutcome

_PHASE_JITTER = 0.2
"""By how much of its period a frame may come early or late."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a run came to.

    outcomes: in order of their ends. edge_busy_ns, cloud_calls: over the whole run. scheduler: with its trace.
    """

    outcomes: tuple[TaskOutcome, ...]
    counts: Mapping[str, ModelCounts]
    edge_busy_ns: int
    cloud_calls: int
    scheduler: Scheduler


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a task comes from: its draws and its number among them; what follows on its detections."""

    draws: Draws
    number: int
    then: str | None = None
    boxes: float = 0.0
    chained: Draws | None = None


def simulate(
    policy: Policy, profiles: Mapping[str, ModelProfile], plan: LoadPlan, environment: Environment, seed: int
) -> SimulationResult:
    """Play the plan against the policy until every task has ended."""
    return _Run(policy, profiles, environment).play(plan, seed)


class _Run:
    def __init__(self, policy: Policy, profiles: Mapping[str, ModelProfile], environment: Environment) -> None:
        self._profiles = profiles
        self._environment = environment
        self._scheduler = Scheduler(policy, profiles)
        self._heap: list[tuple[int, int, Event]] = []
        self._pushed = 0
        self._tasks: dict[int, tuple[InferenceTask, _Origin]] = {}
        self._made = 0
        self._wake_ns = -1
        self._edge_busy_ns = 0
        self._cloud_calls = 0

    def play(self, plan: LoadPlan, seed: int) -> SimulationResult:
        self._plan_arrivals(plan, seed)
        outcomes: list[TaskOutcome] = []
        while self._heap:
            now_ns, _, event = heapq.heappop(self._heap)
            if isinstance(event, TimerFired) and now_ns != self._wake_ns:
                continue  # replaced by a later request
            step = self._scheduler.handle(event)
            for decision in step.decisions:
                if isinstance(decision, StartOnEdge):
                    self._run_on_edge(now_ns, decision.task_id)
                elif isinstance(decision, SendToCloud):
                    self._call_cloud(now_ns, decision.task_id)
                elif isinstance(decision, WakeAt):
                    self._wake_ns = max(now_ns, decision.at_ns)
                    self._push(TimerFired(self._wake_ns))
            for outcome in step.outcomes:
                outcomes.append(outcome)
                self._follow(now_ns, outcome)
        return SimulationResult(
            tuple(outcomes), self._scheduler.counts(), self._edge_busy_ns, self._cloud_calls, self._scheduler
        )

    def _plan_arrivals(self, plan: LoadPlan, seed: int) -> None:
        for index in range(len(plan.acts[0].streams)):
            rates = [act.streams[index] for act in plan.acts]
            frames = sum(int(act.seconds * rate.frames_hz) + 2 for act, rate in zip(plan.acts, rates, strict=True))
            tasks = frames * max(rate.tiles for rate in rates)
            draws = draw(self._environment, seed, 2 * index, tasks)
            chained = draw(self._environment, seed, 2 * index + 1, tasks * MAX_BOXES) if rates[0].then else None
            number = 0
            start_s = 0.0
            for act, rate in zip(plan.acts, rates, strict=True):
                period_s = 1.0 / rate.frames_hz if rate.frames_hz > 0 else float("inf")
                due_s = start_s + (0.5 + draws.jitter[number]) * period_s
                while due_s < start_s + act.seconds:
                    release_ns = seconds_to_ns(due_s + _PHASE_JITTER * draws.jitter[number] * period_s)
                    for _ in range(rate.tiles):
                        origin = _Origin(draws, number, rate.then, rate.boxes, chained)
                        deadline_ns = release_ns + self._profiles[rate.model].deadline_ns
                        self._arrive(release_ns, rate.model, release_ns, deadline_ns, origin)
                        number += 1
                    due_s += period_s
                start_s += act.seconds

    def _arrive(self, now_ns: int, model: str, release_ns: int, deadline_ns: int, origin: _Origin) -> None:
        task = InferenceTask(self._made, model, release_ns, deadline_ns)
        self._tasks[self._made] = (task, origin)
        self._made += 1
        self._push(TaskArrived(now_ns, task))

    def _run_on_edge(self, now_ns: int, task_id: int) -> None:
        task, origin = self._tasks[task_id]
        took_ns = round(self._profiles[task.model].edge_time_ns * origin.draws.edge[origin.number])
        self._edge_busy_ns += took_ns
        self._push(EdgeFinished(now_ns + took_ns, task_id))

    def _call_cloud(self, now_ns: int, task_id: int) -> None:
        task, origin = self._tasks[task_id]
        expected_ns = self._profiles[task.model].cloud_time_ns
        self._cloud_calls += 1
        if origin.draws.busy[origin.number]:
            refused_ns = now_ns + round(expected_ns * self._environment.busy_after)
            self._push(CloudFailed(refused_ns, task_id, DropReason.CLOUD_BUSY))
        else:
            self._push(CloudFinished(now_ns + round(expected_ns * origin.draws.cloud[origin.number]), task_id))

    def _follow(self, now_ns: int, outcome: TaskOutcome) -> None:
        """Tasks that a finished one leads to: the next model on each of its detections."""
        _, origin = self._tasks.pop(outcome.task.task_id)
        if origin.then is None or origin.chained is None or outcome.outcome is not Outcome.ON_TIME:
            return
        for box in range(boxes_of(origin.draws.boxes[origin.number], origin.boxes)):
            chained = _Origin(origin.chained, origin.number * MAX_BOXES + box)
            self._arrive(now_ns, origin.then, outcome.task.release_ns, outcome.task.deadline_ns, chained)

    def _push(self, event: Event) -> None:
        heapq.heappush(self._heap, (event.now_ns, self._pushed, event))
        self._pushed += 1
