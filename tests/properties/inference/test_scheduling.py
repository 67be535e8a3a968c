"""What holds for DEMS in every world: whatever arrives, however long runs take, whatever fails, and whenever it stops."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roost_inference.scheduling.dems import Dems
from roost_inference.scheduling.policy import (
    CloudFailed,
    CloudFinished,
    Decision,
    Drop,
    EdgeFailed,
    EdgeFinished,
    Event,
    Queued,
    SendToCloud,
    ShutdownRequested,
    StartOnEdge,
    TargetHealthChanged,
    TaskArrived,
    TimerFired,
    WakeAt,
)
from roost_inference.scheduling.scheduler import Scheduler, replay
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Outcome, Place, TaskOutcome

MS = 1_000_000
EDGE_FAILURES = (DropReason.ENGINE_ERROR, DropReason.BAD_INPUT)
CLOUD_FAILURES = (DropReason.CLOUD_BUSY, DropReason.CLOUD_UNREACHABLE, DropReason.CLOUD_ERROR, DropReason.BAD_INPUT)


@dataclass(frozen=True)
class Arrival:
    """A task, and what chance has in store for it: how its runs end, and after which part of the expected time."""

    at_ms: int
    model: int
    budget_ms: int
    edge_ratio: float
    edge_failure: DropReason | None
    cloud_ratio: float
    cloud_failure: DropReason | None


@dataclass(frozen=True)
class World:
    profiles: list[ModelProfile]
    cloud_slots: int
    arrivals: list[Arrival]
    health: list[tuple[int, Place, bool]]
    shutdown_ms: int | None


def profiles() -> st.SearchStrategy[list[ModelProfile]]:
    costs = st.sampled_from([0.0, 1.0, 20.0, 60.0, 130.0])
    one = st.builds(
        lambda benefit, edge, cloud, edge_ms, cloud_ms: ("", benefit, edge, cloud, edge_ms * MS, cloud_ms * MS, 300 * MS),
        st.sampled_from([10.0, 50.0, 100.0]),
        costs,
        costs,
        st.integers(1, 60),
        st.integers(5, 200),
    )
    return st.lists(one, min_size=1, max_size=4).map(
        lambda values: [ModelProfile(f"model{number}", *value[1:]) for number, value in enumerate(values)]
    )


def arrivals() -> st.SearchStrategy[list[Arrival]]:
    ratio = st.sampled_from([0.2, 0.6, 0.9, 1.0, 1.1, 2.0])
    one = st.builds(
        Arrival,
        at_ms=st.integers(0, 60) | st.integers(0, 600),
        model=st.integers(0, 3),
        budget_ms=st.integers(0, 400),
        edge_ratio=ratio,
        edge_failure=st.sampled_from([None, None, None, None, *EDGE_FAILURES]),
        cloud_ratio=ratio,
        cloud_failure=st.sampled_from([None, None, None, *CLOUD_FAILURES]),
    )
    return st.lists(one, min_size=1, max_size=40)


WORLDS = st.builds(
    World,
    profiles=profiles(),
    cloud_slots=st.integers(0, 3),
    arrivals=arrivals(),
    health=st.lists(st.tuples(st.integers(0, 700), st.sampled_from([Place.EDGE, Place.CLOUD]), st.booleans()), max_size=4),
    shutdown_ms=st.none() | st.integers(0, 700),
)


@dataclass
class Observer:
    """Follows the decisions and objects to every one that must not be."""

    profiles: dict[str, ModelProfile]
    cloud_slots: int
    tasks: dict[int, InferenceTask] = field(default_factory=dict)
    edge_queue: set[int] = field(default_factory=set)
    cloud_queue: set[int] = field(default_factory=set)
    running: int | None = None
    in_cloud: set[int] = field(default_factory=set)
    healthy: dict[Place, bool] = field(default_factory=lambda: {Place.EDGE: True, Place.CLOUD: True})

    def see(self, event: Event) -> None:
        if isinstance(event, TaskArrived):
            self.tasks[event.task.task_id] = event.task
        elif isinstance(event, EdgeFinished | EdgeFailed):
            assert self.running == event.task_id
            self.running = None
        elif isinstance(event, CloudFinished | CloudFailed):
            self.in_cloud.remove(event.task_id)
        elif isinstance(event, TargetHealthChanged):
            self.healthy[event.place] = event.healthy

    def judge(self, now_ns: int, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, WakeAt):
                assert decision.at_ns >= now_ns
                continue
            task = self.tasks[decision.task_id]
            profile = self.profiles[task.model]
            if isinstance(decision, StartOnEdge):
                assert self.running is None, "two at once on the edge"
                assert self.healthy[Place.EDGE]
                assert now_ns + profile.edge_time_ns <= task.deadline_ns, "started though it cannot be in time"
                if decision.stolen:
                    assert task.task_id in self.cloud_queue
                    self._queue_stays_in_time(now_ns + profile.edge_time_ns)
                else:
                    assert task.deadline_ns == min(self.tasks[waiting].deadline_ns for waiting in self.edge_queue)
                self._leave(task.task_id)
                self.running = task.task_id
            elif isinstance(decision, SendToCloud):
                assert task.task_id in self.cloud_queue
                assert len(self.in_cloud) < self.cloud_slots
                assert self.healthy[Place.CLOUD]
                assert profile.cloud_utility > 0
                assert now_ns + profile.cloud_time_ns <= task.deadline_ns
                self._leave(task.task_id)
                self.in_cloud.add(task.task_id)
            elif isinstance(decision, Queued):
                assert decision.migrated <= (task.task_id in self.edge_queue)
                self._leave(task.task_id)
                (self.edge_queue if decision.place is Place.EDGE else self.cloud_queue).add(task.task_id)
            elif isinstance(decision, Drop):
                self._leave(task.task_id)
                self.in_cloud.discard(task.task_id)
                if self.running == task.task_id:
                    assert decision.reason is DropReason.SHUTDOWN
                    self.running = None

    def _queue_stays_in_time(self, free_ns: int) -> None:
        for task in sorted((self.tasks[waiting] for waiting in self.edge_queue), key=lambda one: one.deadline_ns):
            free_ns += self.profiles[task.model].edge_time_ns
            assert free_ns <= task.deadline_ns, "a stolen task makes a queued one miss"

    def _leave(self, task_id: int) -> None:
        self.edge_queue.discard(task_id)
        self.cloud_queue.discard(task_id)


def play(world: World) -> tuple[Scheduler, list[TaskOutcome], dict[str, ModelProfile]]:
    """Run the world to its end, watched, and give back the books."""
    known = {profile.name: profile for profile in world.profiles}
    scheduler = Scheduler(Dems(known, world.cloud_slots), known, trace_capacity=100_000)
    observer = Observer(known, world.cloud_slots)
    heap: list[tuple[int, int, Event]] = []

    def push(event: Event) -> None:
        heapq.heappush(heap, (event.now_ns, len(pushed), event))
        pushed.append(event)

    pushed: list[Event] = []
    fates = dict(enumerate(world.arrivals))
    for task_id, arrival in fates.items():
        model = world.profiles[arrival.model % len(world.profiles)].name
        release_ns = arrival.at_ms * MS
        push(TaskArrived(release_ns, InferenceTask(task_id, model, release_ns, release_ns + arrival.budget_ms * MS)))
    for at_ms, place, healthy in world.health:
        push(TargetHealthChanged(at_ms * MS, place, healthy))
    if world.shutdown_ms is not None:
        push(ShutdownRequested(world.shutdown_ms * MS))
    outcomes: list[TaskOutcome] = []
    closed = False
    while heap:
        now_ns, _, event = heapq.heappop(heap)
        if closed and not isinstance(event, TaskArrived | TimerFired):
            continue  # a run that has been given up brings no news
        closed = closed or isinstance(event, ShutdownRequested)
        observer.see(event)
        step = scheduler.handle(event)
        observer.judge(now_ns, step.decisions)
        outcomes += step.outcomes
        for decision in step.decisions:
            if isinstance(decision, StartOnEdge):
                arrival = fates[decision.task_id]
                end_ns = now_ns + round(arrival.edge_ratio * known[observer.tasks[decision.task_id].model].edge_time_ns)
                failure = arrival.edge_failure
                push(EdgeFailed(end_ns, decision.task_id, failure) if failure else EdgeFinished(end_ns, decision.task_id))
            elif isinstance(decision, SendToCloud):
                arrival = fates[decision.task_id]
                end_ns = now_ns + round(arrival.cloud_ratio * known[observer.tasks[decision.task_id].model].cloud_time_ns)
                failure = arrival.cloud_failure
                push(CloudFailed(end_ns, decision.task_id, failure) if failure else CloudFinished(end_ns, decision.task_id))
            elif isinstance(decision, WakeAt):
                push(TimerFired(decision.at_ns))
    return scheduler, outcomes, known


EXTENSIVE = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EXTENSIVE
@given(WORLDS)
def test_every_task_has_exactly_one_outcome_and_the_counts_add_up(world: World) -> None:
    scheduler, outcomes, known = play(world)
    assert sorted(outcome.task.task_id for outcome in outcomes) == list(range(len(world.arrivals)))
    assert not list(scheduler.open_tasks)
    for name, counts in scheduler.counts().items():
        own = [outcome for outcome in outcomes if outcome.task.model == name]
        assert counts.generated == len(own)
        assert counts.generated == counts.on_time_edge + counts.on_time_cloud + counts.late + sum(counts.dropped.values())
        assert counts.in_flight == 0
        assert counts.stolen == sum(outcome.stolen for outcome in own)
        assert counts.utility == pytest.approx(sum(outcome.utility for outcome in own))
    for outcome in outcomes:
        profile = known[outcome.task.model]
        if outcome.outcome is Outcome.DROPPED:
            assert outcome.reason is not None
            assert (outcome.place, outcome.utility) == (Place.NONE, 0.0)
        else:
            assert outcome.reason is None
            assert outcome.place is not Place.NONE
            assert (outcome.outcome is Outcome.ON_TIME) == (outcome.finish_ns <= outcome.task.deadline_ns)
            cost = profile.edge_cost if outcome.place is Place.EDGE else profile.cloud_cost
            assert outcome.utility == pytest.approx((outcome.outcome is Outcome.ON_TIME) * profile.benefit - cost)
        assert not outcome.stolen or outcome.place is Place.EDGE


@EXTENSIVE
@given(WORLDS)
def test_equal_worlds_give_equal_decisions_and_a_recording_replays(world: World) -> None:
    first, second = play(world)[0], play(world)[0]
    assert first.trace.records() == second.trace.records()
    fresh = Dems({profile.name: profile for profile in world.profiles}, world.cloud_slots)
    recorded = first.trace.records()
    assert replay(fresh, [record.event for record in recorded]) == [list(record.decisions) for record in recorded]


def test_an_edge_that_is_always_as_fast_as_expected_is_never_late() -> None:
    profile = ModelProfile("model0", 100, 1, 26, 20 * MS, 100 * MS, 300 * MS)
    arrivals = [Arrival(7 * number, 0, 150, 1.0, None, 1.0, None) for number in range(80)]
    _, outcomes, _ = play(World([profile], 2, arrivals, [], None))
    places = {outcome.place for outcome in outcomes if outcome.outcome is Outcome.ON_TIME}
    assert places == {Place.EDGE, Place.CLOUD}
    assert not [outcome for outcome in outcomes if outcome.outcome is Outcome.LATE]
