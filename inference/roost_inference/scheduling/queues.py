"""Where tasks wait: the edge's queue by absolute deadline, the cloud's queue by trigger time.

Both only hold and answer; who goes where is the policy's business. They are short (what fits before the deadlines), so
plain sorted lists serve best.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass

from roost_inference.scheduling.estimates import Candidate, steal_rank


@dataclass(frozen=True, slots=True)
class Insertion:
    """A place in the edge's queue, and what taking it would do to those behind.

    victims: tasks that would be done in time without the newcomer and would miss with it. hopeless: tasks behind that
    miss with or without it.
    """

    index: int
    victims: tuple[Candidate, ...]
    hopeless: tuple[Candidate, ...]


class EdgeQueue:
    """Tasks that wait for the edge: earliest absolute deadline first, in order of arrival among equals."""

    def __init__(self) -> None:
        self._candidates: list[Candidate] = []
        self._deadlines_ns: list[int] = []

    def __len__(self) -> int:
        return len(self._candidates)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._candidates)

    def plan_insertion(self, newcomer: Candidate, free_ns: int) -> Insertion | None:
        """Where the newcomer would go and who would miss for it; None where it would itself miss its deadline.

        free_ns: the instant at which the edge is expected to be free.
        """
        deadline_ns = newcomer.task.deadline_ns
        index = bisect_right(self._deadlines_ns, deadline_ns)
        for ahead in self._candidates[:index]:
            free_ns += ahead.profile.edge_time_ns
        without_ns = free_ns
        with_ns = free_ns + newcomer.profile.edge_time_ns
        if with_ns > deadline_ns:
            return None
        victims: list[Candidate] = []
        hopeless: list[Candidate] = []
        for behind in self._candidates[index:]:
            edge_time_ns = behind.profile.edge_time_ns
            behind_deadline_ns = behind.task.deadline_ns
            if with_ns + edge_time_ns <= behind_deadline_ns:
                with_ns += edge_time_ns
                without_ns += edge_time_ns
            elif without_ns + edge_time_ns <= behind_deadline_ns:
                victims.append(behind)
                without_ns += edge_time_ns
            else:
                hopeless.append(behind)
        return Insertion(index, tuple(victims), tuple(hopeless))

    def insert(self, newcomer: Candidate, insertion: Insertion) -> None:
        """Put the newcomer in, and take out those that would miss."""
        self._candidates.insert(insertion.index, newcomer)
        self._deadlines_ns.insert(insertion.index, newcomer.task.deadline_ns)
        for leaver in (*insertion.victims, *insertion.hopeless):
            place = self._candidates.index(leaver)
            del self._candidates[place], self._deadlines_ns[place]

    def pop(self) -> Candidate:
        """Take the head."""
        del self._deadlines_ns[0]
        return self._candidates.pop(0)

    def clear(self) -> list[Candidate]:
        """Take all, in order."""
        taken, self._candidates, self._deadlines_ns = self._candidates, [], []
        return taken

    def slack_ns(self, free_ns: int) -> int | None:
        """By how much the whole queue may be delayed before its first task misses; None for an empty queue."""
        slack_ns: int | None = None
        for candidate in self._candidates:
            free_ns += candidate.profile.edge_time_ns
            own_ns = candidate.task.deadline_ns - free_ns
            if slack_ns is None or own_ns < slack_ns:
                slack_ns = own_ns
        return slack_ns


@dataclass(frozen=True, slots=True, eq=False)
class Deferred:
    """A task in the cloud's queue. Equal only to itself.

    trigger_ns: when to send it. expiry_ns: the last instant at which it can be sent. A task on which the cloud would only
    lose (`steal_only`) is never sent; it waits to be stolen, and both are the last instant at which the edge could start it.
    """

    candidate: Candidate
    trigger_ns: int
    expiry_ns: int
    steal_only: bool
    rank: tuple[bool, float]

    @classmethod
    def of(cls, candidate: Candidate, trigger_margin_ns: int) -> Deferred:
        """The entry of a task, by its profile; it is sent `trigger_margin_ns` before the last instant.

        One that has more time than its model's own deadline may be of a model that is too slow for that one: it is sent
        by half its own expected time before, since at the last instant itself it would always be too late.
        """
        rank = steal_rank(candidate.profile)
        if candidate.cloud_pays:
            expiry_ns = candidate.latest_cloud_start_ns
            margin_ns = max(trigger_margin_ns, candidate.profile.cloud_time_ns // 2)
            return cls(candidate, expiry_ns - margin_ns, expiry_ns, False, rank)
        expiry_ns = candidate.latest_edge_start_ns
        return cls(candidate, expiry_ns, expiry_ns, True, rank)


class CloudQueue:
    """Tasks that wait for their trigger, for a free slot in the cloud, or for an edge that steals them."""

    def __init__(self) -> None:
        self._entries: list[Deferred] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Deferred]:
        return iter(self._entries)

    def add(self, entry: Deferred) -> None:
        """Put a task in, by trigger time and order of arrival."""
        insort(self._entries, entry, key=lambda held: (held.trigger_ns, held.candidate.sequence))

    def remove(self, entry: Deferred) -> None:
        """Take one out."""
        self._entries.remove(entry)

    def clear(self) -> list[Deferred]:
        """Take all, in order."""
        taken, self._entries = self._entries, []
        return taken

    def pop_expired(self, now_ns: int) -> list[Deferred]:
        """Take those that can no longer be sent (or, if never sent, started on the edge) in time."""
        expired = [entry for entry in self._entries if entry.expiry_ns < now_ns]
        if expired:
            self._entries = [entry for entry in self._entries if entry.expiry_ns >= now_ns]
        return expired

    def pop_sendable(self) -> list[Deferred]:
        """Take all that the cloud is worth asking for."""
        taken = [entry for entry in self._entries if not entry.steal_only]
        self._entries = [entry for entry in self._entries if entry.steal_only]
        return taken

    def due(self, now_ns: int) -> Deferred | None:
        """The first task whose trigger has come, if any; it stays in the queue."""
        for entry in self._entries:
            if entry.trigger_ns > now_ns:
                return None
            if not entry.steal_only:
                return entry
        return None

    def best_to_steal(self, now_ns: int, slack_ns: int | None) -> Deferred | None:
        """The task that an idle edge gains most by: it fits its own deadline and, if given, the queue's slack."""
        best: Deferred | None = None
        for entry in self._entries:
            candidate = entry.candidate
            if slack_ns is not None and candidate.profile.edge_time_ns > slack_ns:
                continue
            if not candidate.edge_allowed or candidate.latest_edge_start_ns < now_ns or candidate.profile.edge_utility <= 0:
                continue
            if best is None or entry.rank > best.rank:
                best = entry
        return best

    def next_instant_ns(self, now_ns: int, slot_free: bool) -> int | None:
        """When something happens here next without an event from outside: a trigger (if a slot is free) or an expiry."""
        instants_ns = [
            entry.expiry_ns + 1 if entry.steal_only or not slot_free else max(entry.trigger_ns, now_ns)
            for entry in self._entries
        ]
        return min(instants_ns, default=None)
