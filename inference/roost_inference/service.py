"""The frame's road, live: cameras and requests in, placed and run as the scheduler decides, results out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import anyio

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline
from roost.errors import ConfigurationError, UnavailableError, UnknownNameError
from roost_inference.comparison import Comparer
from roost_inference.executor import Executor, Work
from roost_inference.ports import Camera, Frame, Inference, Region, Target
from roost_inference.results import InferenceReport, ResultHub, ResultStream
from roost_inference.scheduling.policy import Policy
from roost_inference.scheduling.scheduler import Scheduler
from roost_inference.scheduling.trace import DecisionTrace
from roost_inference.statistics import Statistics
from roost_inference.streams import Stream
from roost_inference.task import InferenceTask, ModelProfile, Outcome, TaskOutcome
from roost_inference.watching import CameraWatch


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Bounds of the service.

    kept_frames: by camera. result_queue: results that wait for one reader. trace_capacity: scheduler events that are kept.
    boxes_limit: detections of one run that a chained model looks at, best first. comparison_every: of so many results of a
    model on the edge, one is run in the cloud too, when that is idle; 0 for never. comparison_limit_ns: for such a run.
    """

    kept_frames: int = 32
    result_queue: int = 256
    trace_capacity: int = 4096
    boxes_limit: int = 4
    comparison_every: int = 50
    comparison_limit_ns: int = 2 * NANOSECONDS_PER_SECOND


class InferenceService:
    """The live service. Make it, `run` it as a long-lived task, ask it, and `shutdown`.

    policy: knows the same models as `profiles`, and is used by nobody else. cloud: None where there is none. cameras: by
    name. streams: what looks at cameras without being asked; one at most for each camera and model. A comparison is a call
    in the cloud beside those that the policy makes, so a cloud target's own limit is best one above the policy's.

    Raises `ConfigurationError` where a stream names a camera or model that is not there, or is there twice.
    """

    def __init__(
        self,
        clocks: Clocks,
        policy: Policy,
        profiles: Mapping[str, ModelProfile],
        edge: Target,
        cloud: Target | None,
        cameras: Mapping[str, Camera],
        streams: Sequence[Stream],
        options: ServiceOptions | None = None,
    ) -> None:
        self._options = options = options or ServiceOptions()
        self._clocks = clocks
        self._profiles = dict(profiles)
        self._check(streams, cameras)
        self._scheduler = Scheduler(policy, profiles, options.trace_capacity)
        self._comparer: Comparer | None = None
        if cloud is not None and options.comparison_every > 0:
            self._comparer = Comparer(cloud, clocks, options.comparison_every, options.comparison_limit_ns)
        self._executor = Executor(clocks, self._scheduler, edge, cloud, self._comparer, self._end)
        self._hub = ResultHub()
        self._watches = {
            name: CameraWatch(
                camera,
                [stream for stream in streams if stream.camera == name],
                clocks,
                options.kept_frames,
                self._submit_for_stream,
            )
            for name, camera in cameras.items()
        }
        self._tasks_made = 0
        self._stop = anyio.Event()
        self._ended = anyio.Event()

    async def run(self) -> None:
        """Run until `shutdown`, or until cancelled. Once only. What waits or runs then is dropped as `shutdown`."""
        try:
            async with anyio.create_task_group() as tasks:
                self._executor.start(tasks)
                for watch in self._watches.values():
                    tasks.start_soon(watch.run)
                await self._stop.wait()
                self._executor.stop()
                tasks.cancel_scope.cancel()
        finally:
            self._stop.set()
            self._executor.stop()
            self._hub.close()
            self._ended.set()

    async def shutdown(self) -> None:
        """Stop, and wait for the end of `run`."""
        was_running = self._executor.running
        self._stop.set()
        if was_running:
            await self._ended.wait()

    async def infer(
        self,
        model: str,
        camera: str,
        frame_id: int = 0,
        region: Region | None = None,
        deadline: Deadline | None = None,
    ) -> InferenceReport:
        """Run one model on a camera's newest frame (0) or on one that is still kept, and say what became of it.

        Without a deadline the model's own holds, from now on. Raises `UnknownNameError`, and `UnavailableError` where there
        is no such frame or the service does not run; a task that is dropped is a report, not an error.
        """
        profile = self._profile(model)
        watch = self._watch(camera)
        if not self._executor.running:
            raise UnavailableError("the inference service is not running", remedy="ask again once it has started")
        frame = watch.frame(frame_id)
        now_ns = self._clocks.monotonic_ns()
        deadline_ns = now_ns + profile.deadline_ns if deadline is None else deadline.monotonic_ns
        waiter: asyncio.Future[InferenceReport] = asyncio.get_running_loop().create_future()
        self._executor.submit(Work(self._task(model, now_ns, deadline_ns), frame, region, waiter=waiter))
        return await waiter

    def frame(self, camera: str, frame_id: int = 0) -> Frame:
        """A camera's newest frame (0), or one that is still kept.

        Raises `UnknownNameError`, and `UnavailableError` where there is no such frame.
        """
        return self._watch(camera).frame(frame_id)

    def results(self, models: Iterable[str] = ()) -> ResultStream:
        """A reader of every result of these models from now on; none means all. Needs a running event loop.

        Raises `UnknownNameError`.
        """
        wanted = frozenset(models)
        for model in sorted(wanted):
            self._profile(model)
        return self._hub.subscribe(wanted, self._options.result_queue)

    def set_rate(self, camera: str, model: str, rate_hz: float) -> None:
        """Change a stream's runs a second, from its next frame on; 0 pauses it.

        Raises `UnknownNameError` where there is no such stream, `ConfigurationError` for a rate that is none.
        """
        watch = self._watches.get(camera)
        pace = watch.paces.get(model) if watch is not None else None
        if pace is None:
            known = _names(f"{looking} on {name}" for name, other in self._watches.items() for looking in other.paces)
            raise UnknownNameError(f"no stream of model '{model}' on camera '{camera}'", remedy=f"known: {known}")
        pace.set_rate(rate_hz)

    def _watch(self, camera: str) -> CameraWatch:
        if camera not in self._watches:
            raise UnknownNameError(f"unknown camera '{camera}'", remedy=f"known: {_names(self._watches)}")
        return self._watches[camera]

    def statistics(self) -> Statistics:
        """Counts, health and use, as they stand."""
        compared = self._comparer.counts if self._comparer is not None else None
        return Statistics(
            models=self._scheduler.counts(),
            profiles=self._profiles,
            targets=self._executor.target_statistics(),
            cameras={name: watch.statistics() for name, watch in self._watches.items()},
            compared=compared.compared if compared is not None else 0,
            disagreed=compared.disagreed if compared is not None else 0,
            trace_lost=self._scheduler.trace.lost,
        )

    @property
    def trace(self) -> DecisionTrace:
        """The last events with what was decided on them."""
        return self._scheduler.trace

    def _submit_for_stream(self, stream: Stream, frame: Frame, region: Region | None) -> None:
        if not self._executor.running:
            return
        deadline_ns = frame.received_ns + self._profiles[stream.model].deadline_ns
        task = self._task(stream.model, frame.received_ns, deadline_ns)
        self._executor.submit(Work(task, frame, region, then=stream.then))

    def _task(self, model: str, release_ns: int, deadline_ns: int) -> InferenceTask:
        self._tasks_made += 1
        return InferenceTask(self._tasks_made, model, release_ns, deadline_ns)

    def _end(self, work: Work, outcome: TaskOutcome) -> None:
        """A task has ended: tell everybody, and let the next model look at what was found in time."""
        dropped = outcome.outcome is Outcome.DROPPED
        found = Inference(()) if dropped or work.inference is None else work.inference
        end_ns = self._clocks.monotonic_ns() if dropped else outcome.finish_ns
        report = InferenceReport(
            task_outcome=outcome,
            camera=work.frame.camera,
            frame_id=work.frame.frame_id,
            frame_taken_utc_ns=work.frame.taken_utc_ns,
            region=work.region,
            latency_ns=end_ns - outcome.task.release_ns,
            detections=found.detections,
            outputs=found.outputs,
            message=work.message if dropped else "",
        )
        self._hub.publish(report)
        if work.waiter is not None and not work.waiter.done():
            work.waiter.set_result(report)
        if work.then is not None and outcome.outcome is Outcome.ON_TIME and self._executor.running:
            best = sorted(found.detections, key=lambda detection: -detection.score)[: self._options.boxes_limit]
            for detection in best:
                task = self._task(work.then, outcome.task.release_ns, outcome.task.deadline_ns)
                self._executor.submit(Work(task, work.frame, detection.region))

    def _profile(self, model: str) -> ModelProfile:
        profile = self._profiles.get(model)
        if profile is None:
            raise UnknownNameError(f"unknown model '{model}'", remedy=f"known: {_names(self._profiles)}")
        return profile

    def _check(self, streams: Sequence[Stream], cameras: Mapping[str, Camera]) -> None:
        seen: set[tuple[str, str]] = set()
        for stream in streams:
            if stream.camera not in cameras:
                raise ConfigurationError(f"a stream names the camera '{stream.camera}'", remedy=f"known: {_names(cameras)}")
            for model in (stream.model, *([stream.then] if stream.then is not None else [])):
                if model not in self._profiles:
                    raise ConfigurationError(f"a stream names the model '{model}'", remedy=f"known: {_names(self._profiles)}")
            if (stream.camera, stream.model) in seen:
                raise ConfigurationError(
                    f"two streams of model '{stream.model}' on camera '{stream.camera}'",
                    remedy="give one of them, with the sum",
                )
            seen.add((stream.camera, stream.model))


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
