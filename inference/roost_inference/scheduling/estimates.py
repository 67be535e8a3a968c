"""What a policy expects of a task: times, the thresholds that follow from them, and what a place is worth.

All thresholds come from the profiles of the registered models. Where the paper has constants of its own machine (132 ms
as the least execution time, 742 ms as the greatest, 10 ms as the margin before a trigger), the same quantities are computed
here from the models that are really there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from roost_inference.task import InferenceTask, ModelProfile


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A task that has no place yet, with what is expected of it. Equal only to itself.

    sequence: order of arrival, which breaks ties. edge_allowed, cloud_allowed: a place that has failed on the task once
    does not get it again. migrated: it was moved out of the edge's queue.
    """

    task: InferenceTask
    profile: ModelProfile
    sequence: int
    edge_allowed: bool = True
    cloud_allowed: bool = True
    migrated: bool = False

    @property
    def latest_edge_start_ns(self) -> int:
        """The last instant at which the edge, by its expected time, still makes the deadline."""
        return self.task.deadline_ns - self.profile.edge_time_ns

    @property
    def latest_cloud_start_ns(self) -> int:
        """The last instant at which the cloud, by its expected time, still makes the deadline."""
        return self.task.deadline_ns - self.profile.cloud_time_ns

    @property
    def cloud_pays(self) -> bool:
        """Whether a run in time in the cloud earns anything, and the cloud may still be asked."""
        return self.cloud_allowed and self.profile.cloud_utility > 0


def trigger_margin_ns(profiles: Mapping[str, ModelProfile]) -> int:
    """How long before the last possible instant a deferred task is sent to the cloud.

    Half the longest expected time of the models that are sent there at all. The expected time is about the 95th percentile
    of a long-tailed (log-normal) latency; for the ratio that we measured between median and 95th percentile (60 to 130 ms,
    sigma 0.47) one and a half times that is the 99.5th. Waiting until the 95th would turn one deferred task in twenty into
    a late one, which costs more than stealing it back would earn. The longest, not each model's own: the tail comes from
    the way and from the neighbours there, which a short model shares with a long one.
    """
    sent = [
        profile.cloud_time_ns
        for profile in profiles.values()
        if profile.cloud_utility > 0 and profile.cloud_time_ns <= profile.deadline_ns
    ]
    return max(sent, default=0) // 2


def shortest_edge_time_ns(profiles: Mapping[str, ModelProfile]) -> int:
    """The least slack that makes looking for a task to steal worth while: no model runs in less."""
    return min((profile.edge_time_ns for profile in profiles.values()), default=0)


def steal_rank(profile: ModelProfile) -> tuple[bool, float]:
    """The order in which an idle edge takes tasks out of the cloud's queue, highest first.

    First what the cloud would only lose on, then by utility gained for each nanosecond of edge time.
    """
    gain = profile.edge_utility - max(0.0, profile.cloud_utility)
    return profile.cloud_utility <= 0, gain / max(1, profile.edge_time_ns)


def loss_off_edge(candidate: Candidate, now_ns: int, cloud_healthy: bool) -> float:
    """The utility that is lost if the task does not run on the edge: the score by which victims are weighed.

    The premium over the cloud where the cloud can still make the deadline and earns something, else all of it.
    """
    profile = candidate.profile
    if cloud_healthy and candidate.cloud_pays and now_ns <= candidate.latest_cloud_start_ns:
        return max(0.0, profile.edge_utility - profile.cloud_utility)
    return max(0.0, profile.edge_utility)
