"""DEMS: deadlines, edge and cloud, with migration and stealing.

After Raj et al., "Adaptive heuristics for scheduling DNN inferencing on edge and cloud for personalized UAV fleets", FGCS
2025 (arXiv 2412.20860). A new task goes into the edge's queue, by absolute deadline, if it would be done there in time; if
others would then miss, it goes in only if it is worth more than all of those, which migrate. What the edge cannot take
waits in the cloud's queue until shortly before the last instant at which the cloud still makes the deadline, because until
then an edge that falls idle, or whose queue has slack, may steal it. Just before a task starts, at either place, its
deadline is looked at once more. A task on which the cloud would lose is kept for stealing only.

Where this differs from the published code, it is because that code has a defect there: order is by absolute and not by
relative deadline; every task behind an insertion is looked at, the first one too; a task that cannot meet its deadline
anyway is nobody's victim; and nothing vanishes, whatever fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from roost_inference.scheduling.estimates import Candidate, loss_off_edge, shortest_edge_time_ns, trigger_margin_ns
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
from roost_inference.scheduling.queues import CloudQueue, Deferred, EdgeQueue
from roost_inference.task import DropReason, InferenceTask, ModelProfile, Place


class Dems:
    """The policy. One edge that runs one task at a time, and `cloud_slots` calls at once in the cloud.

    profiles: every model that tasks may name. cloud_slots: 0 where there is no cloud. A task that finds all slots taken
    waits in the cloud's queue until it can no longer be in time.
    """

    def __init__(self, profiles: Mapping[str, ModelProfile], cloud_slots: int) -> None:
        self._profiles = dict(profiles)
        self._cloud_slots = cloud_slots
        self._shortest_ns = shortest_edge_time_ns(self._profiles)
        self._trigger_margin_ns = trigger_margin_ns(self._profiles)
        self._edge_queue = EdgeQueue()
        self._cloud_queue = CloudQueue()
        self._running: Candidate | None = None
        self._running_until_ns = 0
        self._in_cloud: dict[int, Candidate] = {}
        self._edge_healthy = True
        self._cloud_healthy = cloud_slots > 0
        self._closed = False
        self._arrivals = 0
        self._wake_ns: int | None = None
        self._decisions: list[Decision] = []

    def decide(self, event: Event) -> list[Decision]:
        """What follows from the event."""
        self._decisions = []
        now_ns = event.now_ns
        match event:
            case TaskArrived():
                self._place_arrival(event.task, now_ns)
            case EdgeFinished():
                self._running = None
            case EdgeFailed():
                self._place_after_edge_failure(event)
            case CloudFinished():
                del self._in_cloud[event.task_id]
            case CloudFailed():
                self._place_after_cloud_failure(event)
            case TimerFired():
                self._wake_ns = None
            case TargetHealthChanged():
                self._change_health(event)
            case ShutdownRequested():
                self._drop_everything()
        self._drop_expired(now_ns)
        self._occupy_edge(now_ns)
        self._send_due(now_ns)
        self._set_wake(now_ns)
        return self._decisions

    # Where a task goes.

    def _place_arrival(self, task: InferenceTask, now_ns: int) -> None:
        candidate = Candidate(task, self._profiles[task.model], self._arrivals)
        self._arrivals += 1
        if self._closed:
            self._drop(candidate, DropReason.SHUTDOWN)
        elif not self._insert_into_edge_queue(candidate, now_ns, with_victims=True):
            self._place_in_cloud_queue(candidate, now_ns)

    def _insert_into_edge_queue(self, candidate: Candidate, now_ns: int, *, with_victims: bool) -> bool:
        """Insertion with its checks; victims go the cloud's way. False where the edge cannot or should not take it."""
        if not self._edge_healthy or not candidate.edge_allowed or candidate.profile.edge_utility <= 0:
            return False
        insertion = self._edge_queue.plan_insertion(candidate, self._edge_free_ns(now_ns))
        if insertion is None:
            return False
        if insertion.victims:
            loss = sum(loss_off_edge(victim, now_ns, self._cloud_healthy) for victim in insertion.victims)
            if not with_victims or loss >= loss_off_edge(candidate, now_ns, self._cloud_healthy):
                return False
        self._edge_queue.insert(candidate, insertion)
        self._decisions.append(Queued(candidate.task.task_id, Place.EDGE, migrated=False))
        for leaver in (*insertion.victims, *insertion.hopeless):
            self._place_in_cloud_queue(replace(leaver, migrated=True), now_ns)
        return True

    def _place_in_cloud_queue(self, candidate: Candidate, now_ns: int, reason: DropReason | None = None) -> None:
        """Defer it, or drop it: with the given reason, or with the one that an arrival or a victim gets."""
        profile = candidate.profile
        if profile.cloud_utility > 0:
            fits = self._cloud_healthy and candidate.cloud_allowed and now_ns <= candidate.latest_cloud_start_ns
            reason = reason or DropReason.NO_TIME
        else:
            fits = candidate.edge_allowed and profile.edge_utility > 0 and now_ns <= candidate.latest_edge_start_ns
            reason = reason or DropReason.NO_VALUE
        if fits:
            self._cloud_queue.add(Deferred.of(candidate, self._trigger_margin_ns))
            self._decisions.append(Queued(candidate.task.task_id, Place.CLOUD, candidate.migrated))
        else:
            self._drop(candidate, reason)

    def _place_after_edge_failure(self, event: EdgeFailed) -> None:
        candidate, self._running = self._running, None
        if candidate is None:
            return
        if event.reason is DropReason.BAD_INPUT:
            self._drop(candidate, event.reason)
        else:
            self._place_in_cloud_queue(replace(candidate, edge_allowed=False), event.now_ns, event.reason)

    def _place_after_cloud_failure(self, event: CloudFailed) -> None:
        candidate = self._in_cloud.pop(event.task_id)
        if event.reason is DropReason.BAD_INPUT:
            self._drop(candidate, event.reason)
        else:
            self._fall_back_to_edge(replace(candidate, cloud_allowed=False), event.now_ns, event.reason)

    def _fall_back_to_edge(self, candidate: Candidate, now_ns: int, reason: DropReason) -> None:
        """The cloud cannot take it any more: the edge does where nobody has to leave for it, else it ends here."""
        if not self._insert_into_edge_queue(candidate, now_ns, with_victims=False):
            self._drop(candidate, reason)

    def _change_health(self, event: TargetHealthChanged) -> None:
        if event.place is Place.EDGE:
            self._edge_healthy = event.healthy
            if not event.healthy:
                for candidate in self._edge_queue.clear():
                    self._place_in_cloud_queue(candidate, event.now_ns, DropReason.ENGINE_ERROR)
        elif event.place is Place.CLOUD:
            self._cloud_healthy = event.healthy and self._cloud_slots > 0
            if not self._cloud_healthy:
                for entry in self._cloud_queue.pop_sendable():
                    self._fall_back_to_edge(entry.candidate, event.now_ns, DropReason.CLOUD_UNREACHABLE)

    # What happens by itself as time goes on.

    def _drop_expired(self, now_ns: int) -> None:
        for entry in self._cloud_queue.pop_expired(now_ns):
            if entry.steal_only:
                self._drop(entry.candidate, DropReason.NO_VALUE if self._edge_healthy else DropReason.ENGINE_ERROR)
            else:
                full = len(self._in_cloud) >= self._cloud_slots
                reason = DropReason.CLOUD_BUSY if full else DropReason.EXPIRED_ON_CLOUD
                self._fall_back_to_edge(entry.candidate, now_ns, reason)

    def _occupy_edge(self, now_ns: int) -> None:
        """Give an idle edge its next task: a stolen one where the queue has slack for it, else the queue's head."""
        while self._edge_healthy and self._running is None:
            slack_ns = self._edge_queue.slack_ns(now_ns)
            if slack_ns is None or slack_ns >= self._shortest_ns:
                entry = self._cloud_queue.best_to_steal(now_ns, slack_ns)
                if entry is not None:
                    self._cloud_queue.remove(entry)
                    self._start_on_edge(entry.candidate, now_ns, stolen=True)
                    return
            if not self._edge_queue:
                return
            head = self._edge_queue.pop()
            if now_ns <= head.latest_edge_start_ns:
                self._start_on_edge(head, now_ns, stolen=False)
            else:
                self._place_in_cloud_queue(head, now_ns, DropReason.EXPIRED_ON_EDGE)

    def _send_due(self, now_ns: int) -> None:
        while self._cloud_healthy and len(self._in_cloud) < self._cloud_slots:
            entry = self._cloud_queue.due(now_ns)
            if entry is None:
                return
            self._cloud_queue.remove(entry)
            self._in_cloud[entry.candidate.task.task_id] = entry.candidate
            self._decisions.append(SendToCloud(entry.candidate.task.task_id))

    def _set_wake(self, now_ns: int) -> None:
        wake_ns = self._cloud_queue.next_instant_ns(now_ns, len(self._in_cloud) < self._cloud_slots)
        if wake_ns is not None and wake_ns != self._wake_ns:
            self._decisions.append(WakeAt(wake_ns))
            self._wake_ns = wake_ns

    # Small steps.

    def _edge_free_ns(self, now_ns: int) -> int:
        return now_ns if self._running is None else max(now_ns, self._running_until_ns)

    def _start_on_edge(self, candidate: Candidate, now_ns: int, *, stolen: bool) -> None:
        self._running = candidate
        self._running_until_ns = now_ns + candidate.profile.edge_time_ns
        self._decisions.append(StartOnEdge(candidate.task.task_id, stolen))

    def _drop(self, candidate: Candidate, reason: DropReason) -> None:
        self._decisions.append(Drop(candidate.task.task_id, reason))

    def _drop_everything(self) -> None:
        waiting = [*self._edge_queue.clear(), *(entry.candidate for entry in self._cloud_queue.clear())]
        running = [] if self._running is None else [self._running]
        for candidate in (*running, *self._in_cloud.values(), *waiting):
            self._drop(candidate, DropReason.SHUTDOWN)
        self._running = None
        self._in_cloud.clear()
        self._closed = True
