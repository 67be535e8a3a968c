"""The goal's road on a whole daemon with a simulated robot: what is refused, what moves, what stops, what is remembered.

The robot's camera shows noise, and every look for text goes to the cloud, through a relay that keeps what it saw.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline
from roost.v1 import mission_pb2
from roost_cloud.aws_lambda.local.specification import DUMMY_ACCESS_KEY_ID, DUMMY_SECRET_ACCESS_KEY
from roost_daemon import assets
from roost_daemon.cli.exit_codes import ExitCode

pytestmark = [pytest.mark.system, pytest.mark.ros, pytest.mark.anyio, pytest.mark.timeout(240)]

LOOK_BUDGET_NS = 2 * NANOSECONDS_PER_SECOND
"""A look of the skill `inspect` is worth nothing later than this."""


@dataclass
class Relay:
    """Hands bytes on between a client and the end point behind it, and keeps what the client sent."""

    port: int
    behind: int
    sent: list[bytearray] = field(default_factory=list)

    def serve(self) -> None:
        server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        with server:
            while True:
                client, _ = server.accept()
                self.sent.append(bytearray())
                threading.Thread(target=self._relay, args=(client, self.sent[-1]), daemon=True).start()

    def _relay(self, client: socket.socket, kept: bytearray) -> None:
        with client, socket.create_connection(("127.0.0.1", self.behind)) as there:
            back = threading.Thread(target=self._hand_on, args=(there, client, None), daemon=True)
            back.start()
            self._hand_on(client, there, kept)
            back.join()

    def _hand_on(self, source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if kept is not None:
                    kept.extend(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def requests(self, model: str) -> list[dict[str, int]]:
        """The deadlines of the requests for a model, as they were on the wire."""
        pattern = re.compile(rb'"model": "' + model.encode() + rb'".*?"deadline": (\{[^}]*\})', re.DOTALL)
        return [json.loads(found) for kept in self.sent for found in pattern.findall(bytes(kept))]


@pytest.fixture(scope="module")
def models(site: Any) -> dict[str, Any]:
    """The text detector, which is never worth a run on the edge here, and the vest detector."""
    text = site.demo_manifest("text_detector")
    del text["asset"]
    text["file"] = str(assets.text_detector_path())
    text["schedule"] = text["schedule"] | {"edge_cost": 200}
    models: dict[str, Any] = site.models("models", text_detector=text)
    return models


@pytest.fixture(scope="module")
def relay(site: Any, models: dict[str, Any]) -> Relay:
    """A real function behind a relay."""
    endpoint = site.start("endpoint", "roost_cloud.aws_lambda.local", "--models", models["directories"][0])
    endpoint.wait_ready()
    relay = Relay(site.free_port(), int(endpoint.ready["url"].rsplit(":", 1)[1]))
    relay.serve()
    return relay


@pytest.fixture(scope="module")
def robots(site: Any) -> dict[str, Any]:
    """The simulated robots; a test that kills one puts another in its place."""
    return {"drone1": site.robot("drone1")}


@pytest.fixture(scope="module")
def office(site: Any) -> Any:
    """A daemon with a memory only. The broker that it needs belongs to the other daemon, which starts later."""
    return site.daemon("office", memory={"port": site.free_port()}, site={"name": "harbour", "areas": {}})


@pytest.fixture(scope="module")
def daemon(site: Any, models: dict[str, Any], relay: Relay, robots: Any, office: Any) -> Any:
    """A daemon with one robot, one camera, a cloud behind the relay, and the broker."""
    return site.daemon(
        "hangar",
        models=models,
        cameras={"eye": site.camera()},
        cloud={
            "aws_lambda": {
                "endpoint_url": f"http://127.0.0.1:{relay.port}",
                "access_key_id": DUMMY_ACCESS_KEY_ID,
                "secret_access_key": DUMMY_SECRET_ACCESS_KEY,
                "profile_calls": 1,
            }
        },
        memory={"port": office.sections["memory"]["port"], "embedded": True},
        site=site.one_robot(),
    )


async def submit(daemon: Any, text: str, **options: Any) -> mission_pb2.Mission:
    async with daemon.client() as roost:
        mission: mission_pb2.Mission = await roost.submit(text, **options)
    return mission


async def moving(daemon: Any, until: Any) -> None:
    async def moves() -> bool:
        return bool((await daemon.robot("drone1")).speed_mps > 0.5)

    await until(moves, "drone1 moves")


async def rests(daemon: Any) -> None:
    """The robot rests, and the rest goes on."""
    assert (await daemon.robot("drone1")).speed_mps < 0.02
    await goes_on(daemon)


async def goes_on(daemon: Any) -> None:
    await daemon.looks_on_time("vest_detector", "edge")
    await daemon.counts_add_up()


# What is refused.


async def test_gibberish_is_refused_and_says_how_to_say_it(daemon: Any) -> None:
    answer = await daemon.roost("goal", "colourless green ideas sleep furiously")
    assert answer.returncode == ExitCode.REFUSED
    assert (
        "the goal is not understood at 'colourless' (word 1); expected a task such as 'inspect the depot'; "
        "say it like this, in names of this site: drone1, inspect the depot and then the dock"
    ) in answer.stdout
    await rests(daemon)


async def test_a_goal_with_an_unknown_place_is_refused_and_the_known_are_named(daemon: Any) -> None:
    answer = await daemon.roost("goal", "drone1, inspect the attic")
    assert answer.returncode == ExitCode.REFUSED
    assert "there is no place 'attic' here; known are base, depot, dock, gate, lane, store, yard" in answer.stdout
    await rests(daemon)


async def test_a_preview_says_all_and_moves_nothing(daemon: Any) -> None:
    before = await daemon.robot("drone1")
    async with daemon.client() as roost:
        missions = await roost.missions()
    answer = await daemon.roost("preview", "drone1, go to the depot")
    assert answer.returncode == ExitCode.OK
    assert "the plan takes about" in answer.stdout
    async with daemon.client() as roost:
        assert await roost.missions() == missions
    after = await daemon.robot("drone1")
    assert (after.pose, after.place, after.activity) == (before.pose, before.place, before.activity)


# What moves, and stops.


async def test_the_same_key_is_the_same_mission(daemon: Any) -> None:
    first = await submit(daemon, "drone1, go to the depot", idempotency_key="once")
    again = await submit(daemon, "drone1, go to the depot", idempotency_key="once")
    assert again.id == first.id
    assert (await daemon.ended_mission(first.id)).state == mission_pb2.MISSION_STATE_SUCCEEDED
    assert (await daemon.robot("drone1")).place == "depot"
    async with daemon.client() as roost:
        assert [mission.id for mission in await roost.missions()].count(first.id) == 1


async def test_a_goals_deadline_reaches_the_request_on_the_wire_to_lambda(daemon: Any, relay: Relay, until: Any) -> None:
    """The goal's deadline cuts the skill's look, and the look's deadline is what AWS Lambda is told."""
    clocks = Clocks()
    await at_depot(daemon)

    # Without a deadline of the goal's, a look has its own budget.
    seen, began_utc_ns = len(relay.requests("text_detector")), clocks.utc_ns()
    mission = await submit(daemon, "drone1, inspect the depot")
    await until(lambda: len(relay.requests("text_detector")) > seen, "a look without a deadline is on the wire")
    async with daemon.client() as roost:
        await roost.cancel(mission.id)
    own = relay.requests("text_detector")[seen]
    assert own["utc_ns"] >= began_utc_ns + LOOK_BUDGET_NS - own["clock_error_ns"]

    # With one, no look outlives the goal. Each hop may take the clocks' error bounds on top, no more.
    goal_ns, hops = 3 * LOOK_BUDGET_NS // 4, 3
    requests: list[dict[str, int]] = []
    for _ in range(10):  # a busy machine may come to no look in so short a time
        seen = len(relay.requests("text_detector"))
        goal_utc_ns = clocks.utc_ns() + goal_ns
        mission = await submit(daemon, "drone1, inspect the depot", deadline=Deadline.after(clocks, goal_ns))
        ended = await daemon.ended_mission(mission.id)
        assert ended.problem.reason == "DEADLINE_EXCEEDED", ended
        assert ended.problem.message == "the goal's deadline passed before it was done"
        requests = relay.requests("text_detector")[seen:]
        if requests:
            break
    assert requests
    for request in requests:
        assert request["clock_error_ns"] == clocks.utc_error_ns
        assert (
            request["utc_ns"]
            <= goal_utc_ns + hops * 2 * clocks.utc_error_ns
            < own["utc_ns"] - began_utc_ns + goal_utc_ns - goal_ns
        )
        assert 0 < request["remaining_ns"] <= goal_ns
    await daemon.counts_add_up()


async def at_depot(daemon: Any) -> None:
    mission = await submit(daemon, "drone1, go to the depot")
    assert (await daemon.ended_mission(mission.id)).state == mission_pb2.MISSION_STATE_SUCCEEDED


async def at_base(daemon: Any) -> None:
    mission = await submit(daemon, "drone1, go to the base")
    assert (await daemon.ended_mission(mission.id)).state == mission_pb2.MISSION_STATE_SUCCEEDED


async def test_roost_stop_stops_a_moving_robot(daemon: Any, until: Any) -> None:
    await at_base(daemon)
    mission = await submit(daemon, "drone1, go to the depot")
    await moving(daemon, until)
    answer = await daemon.roost("stop")
    assert answer.returncode == ExitCode.OK
    assert answer.stdout == f"stopped: drone1; cancelled: {mission.id}\n"
    await rests(daemon)
    assert (await daemon.ended_mission(mission.id)).state == mission_pb2.MISSION_STATE_CANCELLED


# What is lost.


async def test_a_killed_broker_costs_nothing_that_is_remembered(daemon: Any, office: Any, until: Any) -> None:
    assert office.lines("does not answer", "facts stay in this daemon until it does"), "there was no broker at its start"
    killed = await daemon.kill_part("broker")
    await daemon.said("broker ended with signal SIGKILL", "starting it again")
    await daemon.said("lost the MQTT broker", "facts are kept and sent when it is back")
    await daemon.part_is_back("broker", but=killed)
    now = Clocks().utc_ns()

    async def arrives() -> bool:
        async with office.client() as roost:
            facts = await roost.facts("robot/drone1/pose")
        return any(fact.time.ToNanoseconds() > now for fact in facts)

    await until(arrives, "what was seen after the loss is known to the other daemon")


async def test_a_killed_skill_process_is_started_again_and_the_step_done(daemon: Any, until: Any) -> None:
    await at_base(daemon)
    mission = await submit(daemon, "drone1, go to the depot")
    await moving(daemon, until)
    await daemon.kill_part("skills/drone1")
    ended = await daemon.ended_mission(mission.id)
    assert (ended.state, ended.repairs) == (mission_pb2.MISSION_STATE_SUCCEEDED, 1), ended
    await goes_on(daemon)
    await daemon.said("drone1 failed: go to the depot: the skill process of drone1 ended while navigate ran")
    await daemon.said("skills/drone1 ended with signal SIGKILL", "starting it again")


async def test_a_killed_gateway_is_started_again_and_the_step_done(daemon: Any, until: Any) -> None:
    await at_base(daemon)
    mission = await submit(daemon, "drone1, go to the depot")
    await moving(daemon, until)
    await daemon.kill_part("gateway/drone1")
    ended = await daemon.ended_mission(mission.id)
    assert (ended.state, ended.repairs) == (mission_pb2.MISSION_STATE_SUCCEEDED, 1), ended
    await goes_on(daemon)
    await daemon.said("drone1 failed: go to the depot: the gateway of drone1 does not answer")
    assert len(daemon.lines("the gateway of drone1 does not answer; is it running? its log says why not")) == 1
    await daemon.said("gateway/drone1 ended with signal SIGKILL", "starting it again")


async def test_a_killed_robot_fails_its_command_and_goes_on_when_it_is_back(
    site: Any, daemon: Any, robots: Any, until: Any
) -> None:
    await at_base(daemon)
    mission = await submit(daemon, "drone1, go to the depot")
    await moving(daemon, until)
    robots["drone1"].end(signal.SIGKILL)
    await daemon.said("drone1 failed: go to the depot: robot drone1 does not answer: no odometry for")
    robots["drone1"] = site.robot("drone1")
    ended = await daemon.ended_mission(mission.id)
    assert (ended.state, ended.repairs) == (mission_pb2.MISSION_STATE_SUCCEEDED, 1), ended
    await goes_on(daemon)


async def test_a_killed_daemon_knows_its_missions_again_and_says_that_they_were_interrupted(daemon: Any, until: Any) -> None:
    await at_base(daemon)
    mission = await submit(daemon, "drone1, go to the depot")
    await moving(daemon, until)
    daemon.end(signal.SIGKILL)
    daemon.start()
    answer = await daemon.roost("watch", mission.id)
    assert answer.returncode == ExitCode.OK
    first, *_, last = answer.stdout.splitlines()
    assert "goal received: drone1, go to the depot" in first
    assert last.endswith("the daemon ended while it ran")
    await daemon.said(f"{mission.id} was interrupted by the end of the last daemon")
    listed = (await daemon.roost("watch")).stdout
    (line,) = [line for line in listed.splitlines() if line.startswith(mission.id)]
    assert "interrupted" in line
    await rests(daemon)
    await at_depot(daemon)
