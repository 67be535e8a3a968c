"""What came out of a run: the summary, the record, and both in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from roost_daemon.demo.story import StoryRecord
from roost_daemon.demo.summary import Summary


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came out."""

    summary: Summary
    record: StoryRecord
    interrupted: bool = False

    def lines(self) -> Iterator[str]:
        """The summary for people."""
        summary = self.summary
        yield ""
        if self.record.captions:
            yield from self._numbers()
        yield "the whole story happened" if summary.ok else "the story is not complete:"
        yield from (f"  {problem}" for problem in summary.problems)

    def _numbers(self) -> Iterator[str]:
        summary = self.summary
        yield f"{'model':<18}{'tasks':>7}{'edge':>7}{'cloud':>7}{'late':>6}{'dropped':>9}{'stolen':>8}{'p95 ms':>8}"
        for model in summary.models:
            dropped = sum(model.dropped.values())
            yield (
                f"{model.name:<18}{model.generated:>7}{model.on_time_edge:>7}{model.on_time_cloud:>7}{model.late:>6}"
                f"{dropped:>9}{model.stolen:>8}{model.p95_ms:>8.0f}"
            )
        for mission in summary.missions:
            how = ", repaired itself" if mission.repaired else ""
            yield f"mission {mission.outcome}{how}: {mission.goal}"
            if mission.refused_reason:
                yield f"  because {mission.refused_reason}"
        for monitor in summary.monitors:
            yield f"rule {monitor.verdict.replace('_', ' ')}: {monitor.rule}"
        yield f"{summary.facts_replicated} facts reached the second daemon"
        yield f"edge and cloud agreed on {summary.compared - summary.disagreed} of {summary.compared} compared frames"
        if summary.shared_core_share:
            yield f"all processes but the engine used {summary.shared_core_share:.0%} of the second core"
