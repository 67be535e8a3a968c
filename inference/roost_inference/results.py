"""Results on their way to those who want them: one report for every task, bounded queues, losses counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from roost_inference.ports import Detection, Region
from roost_inference.task import DropReason, Outcome, Place, TaskOutcome


@dataclass(frozen=True, slots=True)
class InferenceReport:
    """One task and what became of it.

    region: the part of the frame that was looked at, None for all of it. latency_ns: from the task's release (a stream's
    frame's arrival) to its end, dropped ones included. detections, outputs: empty where the task was dropped. message: what
    went wrong, where something did.
    """

    task_outcome: TaskOutcome
    camera: str
    frame_id: int
    frame_taken_utc_ns: int
    region: Region | None
    latency_ns: int
    detections: tuple[Detection, ...]
    outputs: Mapping[str, tuple[int, ...]]
    message: str = ""

    @property
    def task_id(self) -> int:
        """The task's number."""
        return self.task_outcome.task.task_id

    @property
    def model(self) -> str:
        """The model."""
        return self.task_outcome.task.model

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.task_outcome.outcome

    @property
    def place(self) -> Place:
        """Where it ran."""
        return self.task_outcome.place

    @property
    def stolen(self) -> bool:
        """Whether an idle edge took it out of the cloud's queue."""
        return self.task_outcome.stolen

    @property
    def drop_reason(self) -> DropReason | None:
        """Why it was dropped, if it was."""
        return self.task_outcome.reason


class ResultStream:
    """One reader's results, in order of their ends. A slow reader loses the oldest; `lost` says how many.

    Use it in a `with` block, and `async for` inside. It ends when the service ends.
    """

    def __init__(self, hub: ResultHub, models: frozenset[str], capacity: int) -> None:
        self._hub = hub
        self._models = models
        self._waiting: deque[InferenceReport] = deque(maxlen=capacity)
        self._news = asyncio.Event()
        self._closed = False
        self.lost = 0

    def offer(self, report: InferenceReport) -> None:
        """Put a result in, if it is of a wanted model."""
        if self._models and report.model not in self._models:
            return
        self.lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(report)
        self._news.set()

    def close(self) -> None:
        """No more results; those that wait are still read."""
        self._closed = True
        self._hub.remove(self)
        self._news.set()

    def __enter__(self) -> ResultStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __aiter__(self) -> ResultStream:
        return self

    async def __anext__(self) -> InferenceReport:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class ResultHub:
    """All readers."""

    def __init__(self) -> None:
        self._streams: list[ResultStream] = []

    def subscribe(self, models: frozenset[str], capacity: int) -> ResultStream:
        """A new reader of some models' results; none means all."""
        stream = ResultStream(self, models, capacity)
        self._streams.append(stream)
        return stream

    def remove(self, stream: ResultStream) -> None:
        """A reader has gone."""
        if stream in self._streams:
            self._streams.remove(stream)

    def publish(self, report: InferenceReport) -> None:
        """Offer a result to every reader."""
        for stream in self._streams:
            stream.offer(report)

    def close(self) -> None:
        """End every reader's stream."""
        for stream in tuple(self._streams):
            stream.close()
