"""Does what the scheduler decides: calls targets, sets timers, and tells the scheduler how it went.

It adds no policy of its own. Everything that happens becomes an event; every decision becomes a deed. Whatever a target
does, each task ends exactly once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from anyio.abc import TaskGroup

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline, ns_to_seconds
from roost.errors import DeadlineExceededError, RoostError, UnavailableError
from roost_inference.comparison import Comparer
from roost_inference.health import TargetHealth
from roost_inference.ports import (
    BadInputError,
    CloudBusyError,
    CloudUnreachableError,
    EngineError,
    Frame,
    Inference,
    Region,
    Target,
)
from roost_inference.results import InferenceReport
from roost_inference.scheduling.policy import (
    CloudFailed,
    CloudFinished,
    EdgeFailed,
    EdgeFinished,
    Event,
    SendToCloud,
    ShutdownRequested,
    StartOnEdge,
    TargetHealthChanged,
    TaskArrived,
    TimerFired,
    WakeAt,
)
from roost_inference.scheduling.scheduler import Scheduler
from roost_inference.statistics import BusyWindow, TargetStatistics
from roost_inference.task import DropReason, InferenceTask, Place, TaskOutcome

_log = logging.getLogger(__name__)

_EDGE_FAILURES_IN_A_ROW = 2
_CLOUD_FAILURES_IN_A_ROW = 3
_SAID_AGAIN_AFTER_NS = 30 * NANOSECONDS_PER_SECOND


@dataclass(slots=True, eq=False)
class Work:
    """A task with what the scheduler does not need to know of it.

    then: the model that follows on each detection. waiter: somebody waits for this very task. inference: what was found,
    once it was. message: what went wrong last.
    """

    task: InferenceTask
    frame: Frame
    region: Region | None
    then: str | None = None
    waiter: asyncio.Future[InferenceReport] | None = None
    inference: Inference | None = None
    message: str = ""


class Executor:
    """The scheduler's hands.

    on_end: called once for each task, with its outcome; it may submit further tasks.
    """

    def __init__(
        self,
        clocks: Clocks,
        scheduler: Scheduler,
        edge: Target,
        cloud: Target | None,
        comparer: Comparer | None,
        on_end: Callable[[Work, TaskOutcome], None],
    ) -> None:
        self._clocks = clocks
        self._scheduler = scheduler
        self._edge = edge
        self._cloud = cloud
        self._comparer = comparer
        self._on_end = on_end
        self._health = {
            Place.EDGE: TargetHealth(_EDGE_FAILURES_IN_A_ROW),
            Place.CLOUD: TargetHealth(_CLOUD_FAILURES_IN_A_ROW),
        }
        self._in_flight = {Place.EDGE: 0, Place.CLOUD: 0}
        self._busy = BusyWindow()
        self._works: dict[int, Work] = {}
        self._events: deque[Event] = deque()
        self._handling = False
        self._tasks: TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._trials: dict[Place, asyncio.TimerHandle] = {}
        self._said_ns: dict[tuple[Place, str, DropReason], int] = {}

    def start(self, tasks: TaskGroup) -> None:
        """Begin; runs become tasks of this group."""
        self._tasks = tasks
        if self._cloud is None:
            self._handle(TargetHealthChanged(self._clocks.monotonic_ns(), Place.CLOUD, False))

    @property
    def running(self) -> bool:
        """Whether it takes work."""
        return self._tasks is not None

    def stop(self) -> None:
        """End every task that has not ended, as dropped, and take no more."""
        if self._tasks is None:
            return
        self._tasks = None
        for handle in (self._timer, *self._trials.values()):
            if handle is not None:
                handle.cancel()
        self._handle(ShutdownRequested(self._clocks.monotonic_ns()))

    def submit(self, work: Work) -> None:
        """A new task."""
        self._works[work.task.task_id] = work
        self._handle(TaskArrived(self._clocks.monotonic_ns(), work.task))

    def target_statistics(self) -> dict[Place, TargetStatistics]:
        """How each place does now."""
        now_ns = self._clocks.monotonic_ns()
        places = [Place.EDGE] if self._cloud is None else [Place.EDGE, Place.CLOUD]
        return {
            place: TargetStatistics(
                place,
                self._health[place].healthy,
                self._health[place].message,
                self._busy.share(now_ns) if place is Place.EDGE else 0.0,
                self._in_flight[place],
            )
            for place in places
        }

    # Events to decisions to deeds.

    def _handle(self, event: Event) -> None:
        """Hand an event to the scheduler. One that comes up meanwhile (a chained task) waits for its turn."""
        self._events.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._events:
                self._step(self._events.popleft())
        finally:
            self._handling = False

    def _step(self, event: Event) -> None:
        step = self._scheduler.handle(event)
        tasks = self._tasks
        for decision in step.decisions:
            if isinstance(decision, StartOnEdge) and tasks is not None:
                tasks.start_soon(self._run, self._works[decision.task_id], Place.EDGE, self._edge)
            elif isinstance(decision, SendToCloud) and tasks is not None and self._cloud is not None:
                tasks.start_soon(self._run, self._works[decision.task_id], Place.CLOUD, self._cloud)
            elif isinstance(decision, WakeAt) and tasks is not None:
                self._set_timer(decision.at_ns)
        for outcome in step.outcomes:
            self._on_end(self._works.pop(outcome.task.task_id), outcome)

    def _set_timer(self, at_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = ns_to_seconds(max(0, at_ns - self._clocks.monotonic_ns()))
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        self._handle(TimerFired(self._clocks.monotonic_ns()))

    # Runs.

    async def _run(self, work: Work, place: Place, target: Target) -> None:
        """One run at one place, and its end as an event."""
        task = work.task
        self._in_flight[place] += 1
        if place is Place.EDGE:
            self._busy.begin(self._clocks.monotonic_ns())
        failure: RoostError | None = None
        try:
            work.inference = await target.infer(task.model, work.frame, work.region, Deadline(task.deadline_ns))
        except RoostError as error:
            failure = error
        finally:
            self._in_flight[place] -= 1
            if place is Place.EDGE:
                self._busy.end(self._clocks.monotonic_ns())
        if task.task_id not in self._works:
            return  # it ended with the service
        if failure is None:
            self._worked(place)
            now_ns = self._clocks.monotonic_ns()
            self._handle(EdgeFinished(now_ns, task.task_id) if place is Place.EDGE else CloudFinished(now_ns, task.task_id))
            self._compare(work, place)
        else:
            work.message = str(failure)
            reason = _drop_reason(failure, place)
            if reason not in (DropReason.EXPIRED_ON_EDGE, DropReason.EXPIRED_ON_CLOUD):
                self._say(place, work, reason)
            if isinstance(failure, EngineError | UnavailableError | CloudUnreachableError):
                # Before the task's own end, so that nothing else is started there.
                self._did_not_work(place, work.message)
            now_ns = self._clocks.monotonic_ns()
            self._handle(
                EdgeFailed(now_ns, task.task_id, reason) if place is Place.EDGE else CloudFailed(now_ns, task.task_id, reason)
            )

    def _compare(self, work: Work, place: Place) -> None:
        if self._comparer is None or self._tasks is None or place is not Place.EDGE or work.inference is None:
            return
        idle = self._health[Place.CLOUD].healthy and self._in_flight[Place.CLOUD] == 0
        if self._comparer.wants(work.task.model, cloud_idle=idle):
            self._tasks.start_soon(self._comparer.compare, work.task.model, work.frame, work.region, work.inference)

    # Health.

    def _worked(self, place: Place) -> None:
        was_healthy = self._health[place].healthy
        if self._health[place].succeeded():
            _log.info("%s: works again", place.value)
        trial = self._trials.pop(place, None)
        if trial is not None:
            trial.cancel()
        if not was_healthy:
            self._handle(TargetHealthChanged(self._clocks.monotonic_ns(), place, True))

    def _did_not_work(self, place: Place, message: str) -> None:
        back_off_ns = self._health[place].failed(message)
        if back_off_ns is None:
            return
        _log.warning("%s: takes no work for %.2g s: %s", place.value, ns_to_seconds(back_off_ns), message)
        self._handle(TargetHealthChanged(self._clocks.monotonic_ns(), place, False))
        if self._tasks is not None:
            loop = asyncio.get_running_loop()
            self._trials[place] = loop.call_later(ns_to_seconds(back_off_ns), self._try_again, place)

    def _try_again(self, place: Place) -> None:
        del self._trials[place]
        self._health[place].on_trial()
        self._handle(TargetHealthChanged(self._clocks.monotonic_ns(), place, True))

    def _say(self, place: Place, work: Work, reason: DropReason) -> None:
        """One line for a model that fails so at a place, and no other for a while; the counts tell the rest."""
        now_ns = self._clocks.monotonic_ns()
        model = work.task.model
        said_ns = self._said_ns.get((place, model, reason))
        if said_ns is None or now_ns - said_ns > _SAID_AGAIN_AFTER_NS:
            self._said_ns[place, model, reason] = now_ns
            _log.warning(
                "%s on frame %d of %s, %s: %s", model, work.frame.frame_id, work.frame.camera, place.value, work.message
            )


def _drop_reason(failure: RoostError, place: Place) -> DropReason:
    """The reason under which a task counts that fails with this error."""
    if isinstance(failure, BadInputError):
        return DropReason.BAD_INPUT
    if isinstance(failure, DeadlineExceededError):
        return DropReason.EXPIRED_ON_EDGE if place is Place.EDGE else DropReason.EXPIRED_ON_CLOUD
    if place is Place.EDGE:
        return DropReason.ENGINE_ERROR
    if isinstance(failure, CloudBusyError):
        return DropReason.CLOUD_BUSY
    if isinstance(failure, CloudUnreachableError):
        return DropReason.CLOUD_UNREACHABLE
    return DropReason.CLOUD_ERROR
