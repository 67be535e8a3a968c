"""What `/metrics` shows: the numbers of the parts that own them, under names in base units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from roost_daemon.missions.ports import RobotReport
from roost_daemon.observe.metrics import Reading
from roost_inference.statistics import Statistics

_MS_PER_S = 1000.0
_TASKS = "Inference tasks by model, place and outcome"
_LATENCY = "Latency from frame to result, by quantile"


def readings(
    statistics: Statistics | None, robots: Mapping[str, RobotReport | None], facts_replicated: int
) -> Iterator[Reading]:
    """All readings, now."""
    if statistics is not None:
        yield from _inference(statistics)
    for robot, report in robots.items():
        labels = (("robot", robot),)
        healthy = report is not None and report.accepting
        yield Reading("roost_robot_accepting", "Whether the robot accepts commands", labels, float(healthy))
        if report is not None:
            yield Reading("roost_robot_speed_mps", "The robot's speed by odometry", labels, report.state.speed_mps)
    yield Reading("roost_facts_replicated", "Facts that came from other daemons", (), facts_replicated, counter=True)


def _inference(statistics: Statistics) -> Iterator[Reading]:
    for name, counts in statistics.models.items():
        outcomes = [
            ("edge", "on_time", counts.on_time_edge),
            ("cloud", "on_time", counts.on_time_cloud),
            ("any", "late", counts.late),
            *(("none", f"dropped_{reason}", number) for reason, number in counts.dropped.items()),
        ]
        for place, outcome, number in outcomes:
            labels = (("model", name), ("target", place), ("outcome", outcome))
            yield Reading("roost_inference_tasks", _TASKS, labels, number, counter=True)
        yield Reading(
            "roost_inference_stolen", "Runs taken back by an idle edge", (("model", name),), counts.stolen, counter=True
        )
        for quantile, latency_ms in (("0.5", counts.p50_ms), ("0.95", counts.p95_ms)):
            yield Reading(
                "roost_inference_latency_seconds",
                _LATENCY,
                (("model", name), ("quantile", quantile)),
                latency_ms / _MS_PER_S,
            )
    for place, target in statistics.targets.items():
        where = (("target", place.value),)
        yield Reading("roost_target_healthy", "Whether the place takes work", where, float(target.healthy))
        yield Reading("roost_target_utilisation_ratio", "Busy share of the last seconds", where, target.utilisation)
    for name, camera in statistics.cameras.items():
        yield Reading("roost_camera_frames", "Frames that arrived", (("camera", name),), camera.frames, counter=True)
        yield Reading("roost_camera_healthy", "Whether frames come", (("camera", name),), float(camera.healthy))
    yield Reading("roost_trace_lost", "Scheduler decisions lost by the trace", (), statistics.trace_lost, counter=True)
