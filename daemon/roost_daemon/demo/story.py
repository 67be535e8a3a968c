"""The story: three acts of load, two goals, told on a running daemon through its API.

It decides nothing about the robots or the inferences; it asks as any client would, and watches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio

from roost.client import RoostClient
from roost.clock import Clocks, ns_to_seconds, seconds_to_ns
from roost.errors import UnavailableError
from roost.v1 import inference_pb2, mission_pb2
from roost_daemon.concurrency import while_running
from roost_daemon.demo.state import StoryState
from roost_inference.simulation.load import Act, LoadPlan

GOAL = "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"
FORBIDDEN_GOAL = "robot2, go to the dock"
_CAPTIONS = {
    0: "calm: the edge keeps up on its own",
    1: "overload begins: the edge alone cannot keep up",
    2: "calm again: the queues drain, the edge keeps up",
}
_REFRESH_S = 0.25
_GOAL_AFTER_S = 1.0
_FORBIDDEN_GOAL_AFTER_S = 12.0
_WELL_READ = 0.9
_FRAME_PERIOD_S = 2.0
# These say what the goal and its explanation have said already.
_TOLD_BEFORE = ("submitted", "planned")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame of the scene in which something was read, for the picture. rgb: a byte a colour, row by row."""

    at_s: float
    camera: str
    frame_id: int
    width: int
    height: int
    rgb: bytes


@dataclass(slots=True)
class StoryRecord:
    """What happened, for the picture and the summary. Times are seconds since the story began."""

    acts: tuple[tuple[float, str], ...] = ()
    outcomes: list[tuple[float, inference_pb2.InferenceResult]] = field(default_factory=list)
    tracks: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    captions: list[tuple[float, str]] = field(default_factory=list)
    missions: dict[str, mission_pb2.Mission] = field(default_factory=dict)
    frames: list[KeptFrame] = field(default_factory=list)
    results_lost: int = 0


class Story:
    """Tells the story once. `tell` gets one line an event; `state` is always the present moment."""

    def __init__(
        self, hangar: RoostClient, office: RoostClient, plan: LoadPlan, state: StoryState, tell: Tell, clocks: Clocks
    ) -> None:
        self._hangar = hangar
        self._office = office
        self._plan = plan
        self._state = state
        self._tell = tell
        self._clocks = clocks
        self._begun_ns = 0
        self.record = StoryRecord()

    async def run(self) -> None:
        """Play all acts; returns at the end of the last one."""
        self._begun_ns = self._clocks.monotonic_ns()
        await while_running(
            self._play_acts,
            self._collect_results,
            self._refresh,
            partial(self._pursue, GOAL, "demo-goal", _GOAL_AFTER_S),
            partial(self._pursue, FORBIDDEN_GOAL, "demo-forbidden-goal", _FORBIDDEN_GOAL_AFTER_S),
        )
        await self._read()

    async def _play_acts(self) -> None:
        acts, at_s = [], 0.0
        for number, act in enumerate(self._plan.acts):
            await self._sleep_until(at_s)
            self._state.act, self._state.caption = act.name, _CAPTIONS[number]
            self.record.captions.append((self._now_s(), _CAPTIONS[number]))
            acts.append((self._now_s(), act.name))
            self._tell(f"act {number + 1}: {_CAPTIONS[number]} (asking for {act.edge_load:.0%} of the edge)")
            await self._set_rates(act)
            at_s += act.seconds
        await self._sleep_until(at_s)
        self.record.acts = tuple(acts)

    async def _set_rates(self, act: Act) -> None:
        for stream in act.streams:
            await self._hangar.set_stream_rate(stream.camera, stream.model, stream.runs_hz)

    async def _pursue(self, goal: str, key: str, after_s: float) -> None:
        await self._sleep_until(after_s)
        self._tell(f"goal: {goal}")
        mission = await self._hangar.submit(goal, idempotency_key=key)
        self.record.missions[goal] = mission
        if mission.state == mission_pb2.MISSION_STATE_REFUSED:
            self._tell(f"refused: {mission.problem.message}")
            return
        for line in mission.explanation:
            self._tell(f"  {line}")
        self._state.mission = mission
        async for update in self._hangar.watch(mission.id):
            self.record.missions[goal] = self._state.mission = update.mission
            if update.event.kind in ("step_failed", "repaired", "succeeded", "failed"):
                self.record.captions.append((self._now_s(), update.event.message))
                self._state.caption = update.event.message
            if update.event.kind not in _TOLD_BEFORE:
                self._tell(f"{update.event.kind.replace('_', ' ')}: {update.event.message}")

    async def _collect_results(self) -> None:
        async for response in self._hangar.results():
            self.record.results_lost = response.lost
            self.record.outcomes.append((self._now_s(), response.result))
            await self._keep_frame(response.result)

    async def _keep_frame(self, result: inference_pb2.InferenceResult) -> None:
        """Keep a frame in which a text was read well, now and then."""
        frames = self.record.frames
        read_well = any(found.text and found.score >= _WELL_READ for found in result.detections)
        if not read_well or (frames and self._now_s() - frames[-1].at_s < _FRAME_PERIOD_S):
            return
        try:
            frame = await self._hangar.frame(result.camera, result.frame_id)
        except UnavailableError:
            return  # it is no longer kept; another one will come
        frames.append(KeptFrame(self._now_s(), result.camera, frame.frame_id, frame.width, frame.height, bytes(frame.rgb)))

    async def _refresh(self) -> None:
        while True:
            await self._read()
            await anyio.sleep(_REFRESH_S)

    async def _read(self) -> None:
        stats = await self._hangar.stats()
        status = await self._hangar.status()
        self._state.elapsed_s = self._now_s()
        self._state.models = tuple(stats.models)
        self._state.cameras = tuple(stats.cameras)
        self._state.targets = tuple(stats.targets)
        self._state.robots = tuple(status.robots)
        try:
            self._state.facts_replicated = (await self._office.status()).facts_replicated
        except UnavailableError as error:
            self._tell(f"the second daemon does not answer: {error.message}")
        for robot in status.robots:
            self.record.tracks.setdefault(robot.name, []).append((robot.pose.x_m, robot.pose.y_m))

    async def _sleep_until(self, at_s: float) -> None:
        left_ns = self._begun_ns + seconds_to_ns(at_s) - self._clocks.monotonic_ns()
        await anyio.sleep(max(0.0, ns_to_seconds(left_ns)))

    def _now_s(self) -> float:
        return ns_to_seconds(self._clocks.monotonic_ns() - self._begun_ns)
