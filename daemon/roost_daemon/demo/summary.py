"""What came out of a demo, as numbers, and whether the whole story happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

MOST_OF_THE_SHARED_CORE = 0.7


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model's tasks. generated = on_time_edge + on_time_cloud + late + all dropped; stolen is a part of edge runs."""

    name: str
    generated: int
    on_time_edge: int
    on_time_cloud: int
    late: int
    dropped: Mapping[str, int]
    stolen: int
    utility: float
    p50_ms: float
    p95_ms: float

    @property
    def adds_up(self) -> bool:
        """Whether every task has exactly one outcome."""
        return self.generated == self.on_time_edge + self.on_time_cloud + self.late + sum(self.dropped.values())


@dataclass(frozen=True, slots=True)
class MissionSummary:
    """One goal: `succeeded`, `refused`, `failed`, …; whether its plan was repaired; why it was refused."""

    goal: str
    outcome: str
    repaired: bool
    refused_reason: str = ""


@dataclass(frozen=True, slots=True)
class MonitorSummary:
    """One rule and what its monitor said at the end."""

    rule: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A demo's numbers.

    shared_core_share: of the second core, what all processes but the engine used while the story ran. problems: what of
    the story did not happen, in words; empty if all of it did.
    """

    models: tuple[ModelSummary, ...] = ()
    missions: tuple[MissionSummary, ...] = ()
    monitors: tuple[MonitorSummary, ...] = ()
    facts_replicated: int = 0
    compared: int = 0
    disagreed: int = 0
    shared_core_share: float = 0.0
    problems: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether the whole story happened."""
        return not self.problems

    def to_json(self) -> dict[str, object]:
        """The form of `roost demo --json`."""
        return {
            "models": [asdict(model) for model in self.models],
            "missions": [asdict(mission) for mission in self.missions],
            "monitors": [asdict(monitor) for monitor in self.monitors],
            "facts_replicated": self.facts_replicated,
            "compared": self.compared,
            "disagreed": self.disagreed,
            "shared_core_share": round(self.shared_core_share, 3),
            "problems": list(self.problems),
            "ok": self.ok,
        }


def missing_from_the_story(summary: Summary) -> Iterator[str]:
    """What of the story did not happen, a line each."""
    models = summary.models
    if len(models) < 3:
        yield f"only {len(models)} models ran, not three or more"
    for model in models:
        if not model.adds_up:
            yield f"the counts of {model.name} do not add up"
        if model.generated == 0:
            yield f"{model.name} was never asked"
    for what, count in (
        ("on time on the edge", sum(model.on_time_edge for model in models)),
        ("on time in the cloud", sum(model.on_time_cloud for model in models)),
        ("stolen back by the edge", sum(model.stolen for model in models)),
        ("dropped", sum(sum(model.dropped.values()) for model in models)),
    ):
        if count == 0:
            yield f"no inference was {what}"
    if summary.compared == 0:
        yield "no frame was compared between edge and cloud"
    if summary.disagreed:
        yield f"edge and cloud disagreed on {summary.disagreed} of {summary.compared} compared frames"
    if summary.shared_core_share > MOST_OF_THE_SHARED_CORE:
        yield (
            f"all processes but the engine used {summary.shared_core_share:.0%} of the second core, "
            f"more than {MOST_OF_THE_SHARED_CORE:.0%}"
        )
    outcomes = [mission.outcome for mission in summary.missions]
    if outcomes != ["succeeded", "refused"]:
        yield f"the missions ended {', '.join(outcomes) or 'never'}; the story wants one succeeded and one refused"
    if not any(mission.repaired for mission in summary.missions):
        yield "no mission repaired itself"
    if not any(mission.refused_reason for mission in summary.missions):
        yield "no goal was refused with a reason"
    if not summary.monitors:
        yield "no monitor followed the mission"
    for monitor in summary.monitors:
        if "violated" in monitor.verdict:
            yield f"the rule '{monitor.rule}' was {monitor.verdict.replace('_', ' ')}"
    if summary.facts_replicated == 0:
        yield "no fact reached the second daemon"
