"""A mission as a state machine: events make its state, its state makes the next decision. Pure.

`apply` folds one event into the state and decides nothing. `decide` says what should happen next, or that nothing should
until something else happens. `advance` does both: it takes what was told and returns it with every decision that follows,
numbered and timed, ready for the journal. A mission that is replayed from its journal by `apply` alone is in the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from roost.contract import SkillContract
from roost_daemon.brain.tree import Group, TaskTree, at, done
from roost_daemon.missions.events import Happening, Kind, MissionEvent, Problem, plan_from_data, tree_from_data
from roost_daemon.planning.plan import Plan, PlannedStep
from roost_daemon.planning.repair import Failure, why_not_again

MOST_REPAIRS = 5


class MissionState(str, Enum):
    """Where a mission stands."""

    SUBMITTED = "submitted"
    REFUSED = "refused"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class StepState(str, Enum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REPAIRING = "repairing"


@dataclass(slots=True)
class StepStatus:
    """A step's state, how often it was begun, what it does or found, and why it failed."""

    state: StepState = StepState.WAITING
    attempts: int = 0
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    failed_passage: str = ""


@dataclass(slots=True)
class Rule:
    """A rule of the mission in plain words and as a formula, and what its monitor says."""

    words: str
    formula: str
    verdict: str = ""


class RuleMonitor(Protocol):
    """What follows one formula; see `roost_daemon.logic.monitor.Monitor`."""

    @property
    def verdict(self) -> Enum:
        """What is known so far."""
        ...

    def advance(self, letter: AbstractSet[str], /) -> object:
        """Read the next letter."""
        ...


_ENDED = {
    Kind.SUCCEEDED: MissionState.SUCCEEDED,
    Kind.FAILED: MissionState.FAILED,
    Kind.CANCELLED: MissionState.CANCELLED,
    Kind.INTERRUPTED: MissionState.INTERRUPTED,
    Kind.REFUSED: MissionState.REFUSED,
}
_VERDICT_WORDS = {
    "satisfied": "fulfilled",
    "violated": "broken",
    "currently_satisfied": "kept so far",
    "currently_violated": "still to come",
}


@dataclass
class Mission:
    """One mission.

    contracts: what the skills declare; none where it is only replayed. monitor_for: makes a monitor of a formula's text;
    None where it is only replayed, since the verdicts are events too.
    """

    mission_id: str
    contracts: Mapping[str, SkillContract] = field(default_factory=dict, compare=False)
    monitor_for: Callable[[str], RuleMonitor] | None = field(default=None, compare=False)
    state: MissionState = MissionState.SUBMITTED
    goal: str = ""
    submitted_utc_ns: int = 0
    deadline_utc_ns: int = 0
    tree: TaskTree | None = None
    plan: Plan | None = None
    explanation: tuple[str, ...] = ()
    rules: list[Rule] = field(default_factory=list)
    steps: dict[str, StepStatus] = field(default_factory=dict)
    planned: dict[str, PlannedStep] = field(default_factory=dict)
    areas: dict[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    repairs: int = 0
    problem: Problem | None = None
    stopping: Kind | None = None
    """How it will end as soon as nothing runs any more: `CANCELLED` or `FAILED`, `problem` says why."""
    sequence: int = 0
    _monitors: list[RuleMonitor] = field(default_factory=list, compare=False, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state not in (MissionState.SUBMITTED, MissionState.RUNNING)

    def in_state(self, state: StepState) -> list[PlannedStep]:
        """The planned steps that stand so."""
        return [step for node, step in self.planned.items() if self.steps[node].state is state]

    @property
    def done(self) -> frozenset[str]:
        """The nodes of the steps that are done."""
        return frozenset(node for node, status in self.steps.items() if status.state is StepState.DONE)

    @property
    def abandoned(self) -> frozenset[str]:
        """The nodes of the steps that failed for good, and of those that wait for one of them."""
        lost = {node for node, status in self.steps.items() if status.state is StepState.FAILED}
        for node, step in self.planned.items():  # in an order in which they may be done
            if lost.intersection(step.after):
                lost.add(node)
        return frozenset(lost)

    def failure(self, node: str) -> Failure:
        """How a step failed, for its repair."""
        status = self.steps[node]
        problem = status.problem or Problem("FAILED", "it failed")
        return Failure(self.planned[node], problem.message, status.failed_passage, problem.reason)

    # What is told, and what follows.

    def advance(self, told: Happening | None, now_utc_ns: int, busy: Collection[str] = ()) -> list[MissionEvent]:
        """Take what was told (None: only time or other missions went on) and return it with every decision that follows.

        busy: robots that other missions move now.
        """
        events: list[MissionEvent] = []
        happening = told
        while happening is not None or not events:
            if happening is not None:
                event = MissionEvent(
                    self.sequence + 1, now_utc_ns, happening.kind, happening.message, happening.node, happening.data
                )
                self.apply(event)
                events.append(event)
            happening = self.decide(busy)
            if happening is None:
                break
        return events

    def decide(self, busy: Collection[str] = ()) -> Happening | None:
        """The next decision; None: nothing is to be decided until something happens."""
        if self.state is not MissionState.RUNNING:
            return None
        for rule, monitor in zip(self.rules, self._monitors, strict=False):
            if rule.verdict != monitor.verdict.value:
                return _verdict(rule, monitor.verdict.value)
        if self.stopping is not None:
            return None if self.in_state(StepState.RUNNING) else self._end()
        for step in self.in_state(StepState.REPAIRING):
            why = why_not_again(self.failure(step.node), self.contracts, self.repairs, MOST_REPAIRS)
            if why:
                return self.give_up(step.node, why)
        ready = [step for step in self.in_state(StepState.WAITING) if self._may_start(step)]
        for step in ready:
            if step.robot not in busy:
                return self._start(step)
        if ready or self.in_state(StepState.RUNNING) or self.in_state(StepState.REPAIRING):
            return None
        return self._end()

    def give_up(self, node: str, why: str) -> Happening:
        """The decision that a failed step is not tried again; its own problem is kept as the reason."""
        step, problem = self.planned[node], self.steps[node].problem
        cause = problem.message if problem else "it failed"
        given = Problem(problem.reason if problem else "FAILED", f"{step.robot}: {step.label}: {cause} ({why})")
        return Happening(Kind.GIVEN_UP, f"given up: {given.message}", node, {"problem": given.to_data()})

    def _may_start(self, step: PlannedStep) -> bool:
        return all(self.steps[node].state is StepState.DONE for node in step.after if node in self.steps)

    def _start(self, step: PlannedStep) -> Happening:
        again = "begins" if self.steps[step.node].attempts == 0 else "tries again"
        return Happening(Kind.STEP_STARTED, f"{step.robot} {again}: {step.label}", step.node, {"robot": step.robot})

    def _end(self) -> Happening:
        """How it ends, now that nothing runs and nothing can start."""
        if self.stopping is Kind.CANCELLED:
            return Happening(Kind.CANCELLED, self.problem.message if self.problem else "cancelled")
        problem = self.problem or self._why_failed()
        if problem is None:
            return Happening(Kind.SUCCEEDED, "every step is done and every rule was kept")
        return Happening(Kind.FAILED, str(problem), data={"problem": problem.to_data()})

    def _why_failed(self) -> Problem | None:
        failed = [status.problem for status in self.steps.values() if status.state is StepState.FAILED]
        if failed:
            return failed[0] or Problem("FAILED", "a step failed")
        broken = [rule for rule in self.rules if rule.verdict.endswith("violated")]
        return Problem("RULE_BROKEN", f"the mission ended, but not so that {broken[0].words}") if broken else None

    # How events make the state.

    def apply(self, event: MissionEvent) -> None:
        """Fold one event into the state. Decides nothing."""
        self.sequence = event.sequence
        kind, data = event.kind, event.data
        status = self.steps.get(event.node)
        if kind is Kind.SUBMITTED:
            self.goal, self.submitted_utc_ns = data["goal"], event.time_utc_ns
            self.deadline_utc_ns = data.get("deadline_utc_ns", 0)
        elif kind is Kind.PLANNED:
            self._take_tree(data)
            self._take_plan(plan_from_data(data["plan"]))
            self.steps = {step.node: StepStatus() for step in self.planned.values()}
            self.areas = dict(data["areas"])
            if self.monitor_for is not None:
                self._monitors = [self.monitor_for(rule.formula) for rule in self.rules]
            self.state = MissionState.RUNNING
            self._read_letter()
        elif kind is Kind.MOVED:
            self.areas[data["robot"]] = data["area"]
            self._read_letter()
        elif kind is Kind.VERDICT:
            self._take_verdict(data["formula"], data["verdict"])
        elif kind is Kind.CANCEL_REQUESTED:
            self.stopping, self.problem = Kind.CANCELLED, Problem("CANCELLED", event.message)
        elif kind is Kind.DEADLINE_PASSED:
            self.stopping, self.problem = Kind.FAILED, Problem("DEADLINE_EXCEEDED", event.message)
        elif kind is Kind.REPAIRED:
            self._take_plan(plan_from_data(data["plan"]))
            self.repairs += 1
            self.steps[event.node].state = StepState.WAITING
        elif kind in _ENDED:
            if kind is Kind.REFUSED:
                self._take_tree(data)
            self.problem = Problem(**data["problem"]) if "problem" in data else self.problem
            self.state = _ENDED[kind]
        elif status is not None:
            self._apply_to_step(event, status)

    def _apply_to_step(self, event: MissionEvent, status: StepStatus) -> None:
        kind, data = event.kind, event.data
        status.message = event.message
        if kind is Kind.STEP_STARTED:
            status.state, status.problem, status.failed_passage = StepState.RUNNING, None, ""
            status.attempts += 1
        elif kind is Kind.STEP_DONE:
            before = self._completed()
            status.state, status.result = StepState.DONE, data.get("result", {})
            self._read_letter(done(node) for node in self._completed() - before)
        elif kind is Kind.STEP_FAILED:
            status.state, status.problem = StepState.REPAIRING, Problem(**data["problem"])
            status.failed_passage = data.get("failed_passage", "")
        elif kind is Kind.STEP_CANCELLED:
            status.state = StepState.WAITING
        elif kind is Kind.GIVEN_UP:
            status.state, status.problem = StepState.FAILED, Problem(**data["problem"])

    def _take_tree(self, data: Mapping[str, Any]) -> None:
        if "tree" in data:
            self.tree = tree_from_data(data["tree"])
        self.rules = [Rule(rule["words"], rule["formula"]) for rule in data.get("rules", ())]
        self.explanation = tuple(data.get("explanation", ()))

    def _take_plan(self, plan: Plan) -> None:
        self.plan, self.closed = plan, plan.closed
        self.planned = self.planned | {step.node: step for step in plan.steps}

    def _take_verdict(self, formula: str, verdict: str) -> None:
        for rule in self.rules:
            if rule.formula == formula:
                rule.verdict = verdict
                if verdict == "violated" and self.stopping is None:
                    self.stopping, self.problem = Kind.FAILED, Problem("RULE_BROKEN", f"a rule was broken: {rule.words}")

    def _read_letter(self, propositions: Iterable[str] = ()) -> None:
        """Tell the monitors what is true now: where the robots are, and what completes at this moment."""
        letter = {at(robot, area) for robot, area in self.areas.items() if area} | set(propositions)
        for monitor in self._monitors:
            monitor.advance(letter)

    def _completed(self) -> set[str]:
        """The nodes that are complete, groups included."""
        return set() if self.tree is None else set(_complete(self.tree, self.done))


def replay(mission_id: str, events: Sequence[MissionEvent]) -> Mission:
    """The mission that these events make."""
    mission = Mission(mission_id)
    for event in events:
        mission.apply(event)
    return mission


def _complete(tree: TaskTree, finished: frozenset[str]) -> Iterator[str]:
    complete = set(finished)
    for node in reversed(list(tree.nodes())):
        if isinstance(node, Group) and all(child.node in complete for child in node.children):
            complete.add(node.node)
    yield from complete


def _verdict(rule: Rule, verdict: str) -> Happening:
    return Happening(
        Kind.VERDICT, f"{_VERDICT_WORDS[verdict]}: {rule.words}", data={"formula": rule.formula, "verdict": verdict}
    )
