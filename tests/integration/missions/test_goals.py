"""The goal's road from words to the end of the mission, over a real journal, with robots and skills that fail on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from roost.clock import Clocks, Deadline, seconds_to_ns
from roost.errors import UnavailableError, UnknownNameError
from roost_daemon.missions.journal import JournalError
from roost_daemon.missions.mission import MissionState
from roost_daemon.site.model import Point

pytestmark = pytest.mark.anyio
Open = Callable[[], Any]

GOAL = "drone1, inspect the depot and then the dock, but never enter the yard; meanwhile robot2 brings the crate to the gate"


async def test_the_demo_goal_is_done_by_another_way_when_the_lane_closes(house: Open) -> None:
    async with house() as parts:
        parts.hosts.shut.add("lane_west")
        mission = await parts.goals.submit(GOAL)
        events = await parts.ended(mission.mission_id)
        mission = await parts.goals.get(mission.mission_id)
        assert mission.state is MissionState.SUCCEEDED
        assert mission.repairs == 1
        assert events.index("step_failed 1.1.2") < events.index("repaired 1.1.2")
        assert events[-1] == "succeeded"
        assert [rule.verdict for rule in mission.rules] == [
            "satisfied",
            "satisfied",
            "currently_satisfied",
            "currently_satisfied",
        ]
        assert parts.hosts.orders[-1].closed == {"lane_west"} or parts.hosts.orders[-2].closed == {"lane_west"}
        assert parts.runner.surroundings.object_areas == {"crate": "gate"}


async def test_a_preview_says_all_and_moves_nothing(house: Open) -> None:
    async with house() as parts:
        preview = await parts.goals.preview(GOAL)
        assert preview.state is MissionState.SUBMITTED
        assert "drone1 never enters the yard" in preview.explanation
        assert preview.explanation[-1] == "the plan takes about 17 s"
        assert preview.tree is not None
        assert parts.hosts.orders == []
        assert await parts.goals.list() == ()


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ("robot2, go to the dock", "RULE_FORBIDS"),
        ("drone1, inspect the moon", "UNKNOWN_NAME"),
        ("colourless green ideas sleep furiously", "NOT_UNDERSTOOD"),
    ],
)
async def test_a_refused_goal_is_a_mission_with_the_reason(house: Open, goal: str, reason: str) -> None:
    async with house() as parts:
        mission = await parts.goals.submit(goal)
        assert mission.state is MissionState.REFUSED
        assert mission.problem is not None
        assert mission.problem.reason == reason
        assert await parts.ended(mission.mission_id) == ["submitted", "refused"]
        assert parts.hosts.orders == []


async def test_the_same_key_is_the_same_mission_also_after_a_restart(house: Open) -> None:
    async with house() as parts:
        first = await parts.goals.submit("drone1, go to the depot", "key")
        await parts.ended(first.mission_id)
        assert (await parts.goals.submit("drone1, go to the depot", "key")).mission_id == first.mission_id
    async with house() as parts:
        again = await parts.goals.submit("drone1, go to the depot", "key")
        assert (again.mission_id, again.state) == (first.mission_id, MissionState.SUCCEEDED)
        assert parts.hosts.orders == []


async def test_a_cancelled_mission_ends_when_its_skills_have(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit(GOAL)
        await parts.until(mission.mission_id, "step_progress")
        cancelled = await parts.goals.cancel(mission.mission_id)
        assert cancelled.state is MissionState.CANCELLED
        assert cancelled.problem is not None
        assert cancelled.problem.message == "cancelled by request"
        assert set(parts.hosts.cancelled) <= {"1.1.1", "1.2"}
        assert parts.runner.live == ()
        assert (await parts.goals.cancel(mission.mission_id)).state is MissionState.CANCELLED


async def test_stop_all_stops_every_robot_and_names_those_that_do_not_answer(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit("drone1, go to the depot")
        parts.fleet.lose("robot2")
        stopped = await parts.goals.stop_all()
        assert stopped.missions == (mission.mission_id,)
        assert (stopped.robots, stopped.unreachable) == (("drone1",), ("robot2",))
        assert (await parts.goals.get(mission.mission_id)).state is MissionState.CANCELLED


async def test_the_goals_deadline_ends_the_mission_and_is_handed_to_every_skill(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        deadline = Deadline.after(Clocks(), seconds_to_ns(5.0))
        mission = await parts.goals.submit("drone1, go to the depot", deadline=deadline)
        assert (await parts.ended(mission.mission_id))[-2:] == ["step_cancelled 1", "failed"]
        assert [order.deadline for order in parts.hosts.orders] == [deadline]
        ended = await parts.goals.get(mission.mission_id)
        assert ended.problem is not None
        assert ended.problem.message == "the goal's deadline passed before it was done"


async def test_a_deadline_that_no_plan_can_meet_is_refused(house: Open) -> None:
    async with house() as parts:
        mission = await parts.goals.submit(GOAL, deadline=Deadline.after(Clocks(), seconds_to_ns(4.2)))
        assert mission.state is MissionState.REFUSED
        assert mission.problem is not None
        assert str(mission.problem) == ("the plan takes at least 17 s, but the goal's deadline is in 4 s; give it more time")


async def test_a_robot_that_enters_a_forbidden_place_fails_the_mission(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit(GOAL)
        parts.fleet.put("drone1", Point(6.0, 6.0))
        await parts.ended(mission.mission_id)
        ended = await parts.goals.get(mission.mission_id)
        assert ended.state is MissionState.FAILED
        assert ended.problem is not None
        assert ended.problem.message == "a rule was broken: drone1 never enters the yard"
        assert ("violated", "drone1 never enters the yard") in [(rule.verdict, rule.words) for rule in ended.rules]


async def test_a_skill_process_that_dies_once_is_tried_again(house: Open) -> None:
    async with house() as parts:
        parts.hosts.fail["navigate"] = [UnavailableError("the skill process of drone1 ended while navigate ran")]
        mission = await parts.goals.submit("drone1, go to the depot")
        assert [event for event in await parts.ended(mission.mission_id) if event.startswith(("step_", "repaired"))] == [
            "step_started 1",
            "step_progress 1",
            "step_failed 1",
            "repaired 1",
            "step_started 1",
            "step_progress 1",
            "step_done 1",
        ]


async def test_a_robot_that_does_not_come_back_fails_its_step_and_the_others_go_on(house: Open) -> None:
    async with house() as parts:
        parts.hosts.fail["carry"] = [UnavailableError("the gateway of robot2 does not answer")]
        mission = await parts.goals.submit(GOAL)
        parts.fleet.lose("robot2")
        events = await parts.ended(mission.mission_id)
        assert "step_done 1.1.2" in events
        assert events[-2:] == ["given_up 1.2", "failed"]
        ended = await parts.goals.get(mission.mission_id)
        assert ended.problem is not None
        assert ended.problem.message == (
            "robot2: bring the crate to the gate: the gateway of robot2 does not answer "
            "(robot2 did not come back within 1.5 s)"
        )


async def test_no_way_left_is_said_with_its_causes(house: Open) -> None:
    async with house() as parts:
        parts.hosts.shut |= {"lane_west", "gate_dock"}
        mission = await parts.goals.submit("drone1, inspect the dock, but never enter the yard")
        await parts.ended(mission.mission_id)
        ended = await parts.goals.get(mission.mission_id)
        assert ended.state is MissionState.FAILED
        assert ended.problem is not None
        assert ended.repairs == 1
        assert ended.problem.message == (
            "drone1: inspect the dock: drone1 cannot pass lane_west (1 (inspect the dock) is impossible for drone1, because "
            "there is no way from lane_west to dock: yard is forbidden, gate_dock is closed, lane_west is closed)"
        )


async def test_two_missions_share_a_robot_one_after_the_other(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        first = await parts.goals.submit("drone1, go to the depot")
        second = await parts.goals.submit("drone1, go to the store")
        await parts.until(first.mission_id, "step_progress")
        assert [order.mission_id for order in parts.hosts.orders] == [first.mission_id]
        parts.hosts.hold = False
        await parts.goals.cancel(first.mission_id)
        assert (await parts.ended(second.mission_id))[-1] == "succeeded"


async def test_a_watch_goes_on_where_it_was_left(house: Open) -> None:
    async with house() as parts:
        mission = await parts.goals.submit("drone1, go to the depot")
        await parts.ended(mission.mission_id)
        whole = [update async for update in parts.goals.watch(mission.mission_id)]
        rest = [update async for update in parts.goals.watch(mission.mission_id, resume_after=3)]
        assert rest == whole[3:]
        assert [update.event.sequence for update in whole] == list(range(1, len(whole) + 1))
        with pytest.raises(UnknownNameError, match="there is no mission 'nothing'; `roost watch` lists them all"):
            await parts.goals.get("nothing")
        with pytest.raises(UnknownNameError):
            [update async for update in parts.goals.watch("nothing")]


async def test_many_watchers_all_see_the_end(house: Open) -> None:
    async with house() as parts:
        mission = await parts.goals.submit(GOAL)
        seen: list[str] = []

        async def watch() -> None:
            seen.append((await parts.ended(mission.mission_id))[-1])

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(watch)
        assert seen == ["succeeded"] * 10


async def test_what_an_ended_daemon_left_behind_is_interrupted(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit(GOAL)
        await parts.until(mission.mission_id, "step_progress")
    async with house() as parts:
        assert await parts.goals.recover() == (mission.mission_id,)
        assert (await parts.goals.get(mission.mission_id)).state is MissionState.INTERRUPTED
        assert (await parts.ended(mission.mission_id))[-1] == "interrupted"
        assert await parts.goals.recover() == ()


async def test_what_was_carried_is_looked_for_where_it_was_put_also_after_a_restart(house: Open) -> None:
    async with house() as parts:
        mission = await parts.goals.submit("robot2, bring the crate to the gate")
        await parts.ended(mission.mission_id)
    async with house() as parts:
        await parts.goals.recover()
        assert parts.runner.surroundings.object_areas == {"crate": "gate"}
        mission = await parts.goals.submit("robot2, bring the crate to the store")
        await parts.ended(mission.mission_id)
        assert parts.hosts.orders[0].step.arguments["source"] == "gate"


async def test_without_its_journal_a_mission_stops_at_once(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit(GOAL)
        await parts.until(mission.mission_id, "step_progress")
        await parts.journal.close()
        parts.fleet.put("drone1", Point(2.0, 6.0))
        with anyio.fail_after(10):
            while parts.runner.live:
                await anyio.sleep(0.01)
        assert set(parts.hosts.cancelled) == {"1.1.1", "1.2"}
        with pytest.raises(JournalError, match="is closed"):
            await parts.goals.submit("drone1, go to the depot")
        assert len(parts.hosts.orders) == 2


async def test_a_clean_end_interrupts_what_runs(house: Open) -> None:
    async with house() as parts:
        parts.hosts.hold = True
        mission = await parts.goals.submit(GOAL)
        await parts.until(mission.mission_id, "step_progress")
        await parts.runner.interrupt_all()
        assert (await parts.goals.get(mission.mission_id)).state is MissionState.INTERRUPTED
        assert parts.hosts.cancelled
