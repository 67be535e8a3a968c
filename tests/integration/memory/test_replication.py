"""Two daemons, one real broker, and all that can happen to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import anyio
import pytest
from tests.integration.memory.conftest import CLOCKS, Broker, Memory, sharing, stranger, until

from roost.clock import Clocks
from roost.errors import ConfigurationError
from roost_daemon.memory.fact import Fact, Stamp
from roost_daemon.memory.replication import Replicator
from roost_daemon.memory.store import FactStore
from roost_daemon.memory.wire import encode_fact

pytestmark = pytest.mark.anyio

S = 1_000_000_000


async def away(action: Callable[[], None]) -> None:
    """Do it outside the event loop."""
    await anyio.to_thread.run_sync(action)


def values(memory: Memory) -> dict[str, object]:
    return {fact.key: fact.value for fact in memory.store.query()}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "roost_daemon.memory.replication"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record.getMessage() for record in warned if record.name == "roost_daemon.memory.replication"]


async def test_two_daemons_share_what_they_know_and_a_newcomer_gets_it_all_at_once(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base:
        base.store.put("sign/depot", "DEPOT3", source="drone1", confidence=0.9, frame="map")
        async with sharing(broker.port, "carrier") as carrier:
            await until(lambda: len(carrier.store.query()) == 1)
            assert carrier.store.get("sign/depot") == base.store.get("sign/depot")
            carrier.store.put("robot/robot2/pose", [1.0, 2.0, 0.5], source="robot2", lifetime_ns=60 * S)
            await until(lambda: len(base.store.query()) == 2)
            assert values(base) == values(carrier)
            assert (base.store.replicated, carrier.store.replicated) == (1, 1)
            assert base.replicator.waiting == carrier.replicator.waiting == 0


async def test_the_newest_of_many_writes_arrives(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base, sharing(broker.port, "carrier") as carrier:
        await until(lambda: carrier.replicator.connected and base.replicator.connected)
        for step in range(200):
            base.store.put(f"robot/drone{step % 20}/pose", step, source="drone1")
        await until(lambda: values(carrier) == values(base))
        assert sorted(values(carrier).values(), key=str) == sorted(range(180, 200), key=str)


async def test_what_is_written_while_an_older_value_is_on_its_way_is_sent_too(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base, sharing(broker.port, "carrier") as carrier:
        await until(lambda: base.replicator.connected and carrier.replicator.connected)
        broker.pause()
        base.store.put("gate", "open", source="drone1")
        await anyio.wait_all_tasks_blocked()
        base.store.put("gate", "closed", source="drone1")
        broker.resume()
        await until(lambda: values(carrier) == {"gate": "closed"})


async def test_a_broker_that_is_down_at_the_start_costs_one_line_and_nothing_is_lost(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with sharing(broker.port, "base") as base:
        base.store.put("sign/depot", "DEPOT2", source="drone1")
        await until(lambda: len(lines(caplog)) > 0)
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        await until(lambda: base.replicator.attempts > 3)  # the first one only is told
        assert lines(caplog) == [
            f"the MQTT broker at 127.0.0.1:{broker.port} does not answer ([Errno 111] Connection refused); "
            "facts stay in this daemon until it does"
        ]
        assert values(base) == {"sign/depot": "DEPOT3"}
        assert not base.replicator.connected
        await away(broker.start)
        async with sharing(broker.port, "carrier") as carrier:
            await until(lambda: values(carrier) == {"sign/depot": "DEPOT3"})
        assert f"connected to the MQTT broker at 127.0.0.1:{broker.port}, 1 facts to send" in lines(caplog)


async def test_a_broker_that_is_killed_and_comes_back_empty_gets_everything_again(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base, sharing(broker.port, "carrier") as carrier:
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        carrier.store.put("robot/robot2/pose", 1, source="robot2")
        await until(lambda: values(base) == values(carrier) and len(values(base)) == 2)
        await away(broker.kill)
        await until(lambda: not base.replicator.connected and not carrier.replicator.connected)
        base.store.put("sign/dock", "DOCK1", source="drone1")
        for step in range(2, 50):
            carrier.store.put("robot/robot2/pose", step, source="robot2")
        await away(broker.start)
        await until(lambda: values(base) == values(carrier) and len(values(base)) == 3)
        assert values(base) == {"sign/depot": "DEPOT3", "sign/dock": "DOCK1", "robot/robot2/pose": 49}
        async with sharing(broker.port, "newcomer") as newcomer:
            await until(lambda: values(newcomer) == values(base))
    assert warnings(caplog) == 2 * [
        f"lost the MQTT broker at 127.0.0.1:{broker.port} (the connection broke); facts are kept and sent when it is back"
    ]


@pytest.mark.timeout(60)
async def test_a_broker_that_hangs_is_noticed(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base:
        await until(lambda: base.replicator.connected)
        broker.pause()
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        await until(lambda: not base.replicator.connected, 30)
        await away(broker.stop)
        await away(broker.start)
        async with sharing(broker.port, "carrier") as carrier:
            await until(lambda: values(carrier) == {"sign/depot": "DEPOT3"})


async def test_what_is_no_fact_is_told_once_and_ignored(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base, stranger(broker.port) as somebody:
        await until(lambda: base.replicator.connected)
        for _ in range(2):
            await somebody.publish("roost/v1/depot/facts/sign/depot", b"DEPOT3", qos=1)
        await somebody.publish("roost/v1/depot/facts/sign/dock", b"x" * 70_000, qos=1)
        await somebody.publish("roost/v1/depot/facts/sign dock", b"1", qos=1)
        await somebody.publish("roost/v1/depot/facts/gone", b"", qos=1, retain=True)
        future = Fact("gate", "open", "x", 0, Stamp(CLOCKS.utc_ns() + 86_400 * S, 0, "carrier"))
        await somebody.publish("roost/v1/depot/facts/gate", encode_fact(future), qos=1)
        await until(lambda: base.replicator.ignored == 5)
        assert values(base) == {}
        told = f"ignored a message of the MQTT broker at 127.0.0.1:{broker.port}: "
        assert warnings(caplog)[:2] == [
            f"{told}the fact 'sign/depot' is no JSON: Expecting value: line 1 column 1 (char 0)",
            f"{told}the fact 'sign/dock' has 70000 bytes, at most 65536 are shared",
        ]
        assert warnings(caplog)[2].startswith(f"{told}the fact 'sign dock' is not of version 1")
        assert warnings(caplog)[3].startswith(f"{told}the fact 'gate' was written by 'carrier' 86")
        assert len(warnings(caplog)) == 4
        async with sharing(broker.port, "carrier") as carrier:
            carrier.store.put("sign/depot", "DEPOT3", source="drone1")
            await until(lambda: values(base) == {"sign/depot": "DEPOT3"})


async def test_a_fact_that_expired_on_the_way_is_not_applied_and_the_broker_forgets_it(broker: Broker) -> None:
    await away(broker.start)
    ahead = Clocks(utc_ns=lambda: CLOCKS.utc_ns() + 30 * S)
    async with sharing(broker.port, "base") as base:
        base.store.put("gate", "open", source="drone1", lifetime_ns=20 * S)
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        async with sharing(broker.port, "carrier", ahead) as carrier:
            await until(lambda: len(values(carrier)) == 1)
            await until(lambda: carrier.store.held("gate") is not None)
            assert values(carrier) == {"sign/depot": "DEPOT3"}
            assert carrier.store.replicated == 1
        base.store.put("gate", "shut", source="drone1", lifetime_ns=S)
        await until(lambda: base.replicator.waiting == 0)
        await until(lambda: base.store.get("gate") is None)
        with anyio.fail_after(15):
            while await retained(broker) != ["sign/depot"]:
                await anyio.sleep(0.1)


async def retained(broker: Broker) -> list[str]:
    """The keys of the facts that the broker would give to a newcomer."""
    async with stranger(broker.port) as somebody:
        await somebody.subscribe([("roost/v1/depot/facts/#", 1), ("that/is/all", 1)])
        await somebody.publish("that/is/all", b"", qos=1)
        keys: list[str] = []
        async for message in somebody.messages:
            if str(message.topic) == "that/is/all":
                return keys
            keys.append(str(message.topic).removeprefix("roost/v1/depot/facts/"))
    raise AssertionError("the broker closed the connection")


async def test_daemons_with_skewed_clocks_agree_on_the_later_of_two_writes(broker: Broker) -> None:
    await away(broker.start)
    behind = Clocks(utc_ns=lambda: CLOCKS.utc_ns() - 120 * S)
    async with sharing(broker.port, "base", behind) as base, sharing(broker.port, "carrier") as carrier:
        carrier.store.put("gate", "open", source="robot2")
        await until(lambda: values(base) == {"gate": "open"})
        base.store.put("gate", "closed", source="drone1")
        await until(lambda: values(carrier) == {"gate": "closed"})
        assert values(base) == {"gate": "closed"}


async def test_a_daemon_that_was_away_does_not_hide_what_was_written_meanwhile(broker: Broker) -> None:
    """Its own older fact reaches the broker after the newer one; whoever holds the newer one sends it again."""
    await away(broker.start)
    now = CLOCKS.utc_ns()
    async with sharing(broker.port, "carrier") as carrier:
        newer = carrier.store.put("gate", "closed", source="robot2")
        await until(lambda: carrier.replicator.waiting == 0 and carrier.replicator.connected)
        async with stranger(broker.port) as late:
            older = Fact("gate", "open", "drone1", now - S, Stamp(now - S, 0, "base"))
            await late.publish("roost/v1/depot/facts/gate", encode_fact(older), qos=1, retain=True)
        async with sharing(broker.port, "newcomer") as newcomer:
            await until(lambda: newcomer.store.get("gate") == newer)
        assert carrier.store.get("gate") == newer


async def test_a_denied_publish_is_told(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    def start() -> None:
        access = broker.directory / "access"
        access.write_text("topic read roost/#\ntopic write roost/v1/depot/daemons/#\n")
        broker.start(f"acl_file {access}\n")

    await away(start)
    async with sharing(broker.port, "base") as base:
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        await until(lambda: base.replicator.denied == 1)
        assert warnings(caplog)[-1] == (
            f"the MQTT broker at 127.0.0.1:{broker.port} denied 'roost/v1/depot/facts/sign/depot' (Not authorized); "
            "other daemons do not see it; allow 'roost-depot-base' to write it"
        )
        await until(lambda: base.replicator.waiting == 0)
        assert values(base) == {"sign/depot": "DEPOT3"}


async def test_others_see_who_is_there_and_who_has_gone(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base:
        async with sharing(broker.port, "carrier"):
            await until(lambda: base.replicator.peers == {"carrier": True})
        await until(lambda: base.replicator.peers == {"carrier": False})
        async with stranger(broker.port) as somebody:
            await somebody.subscribe("roost/v1/depot/daemons/+/status")
            statuses = {}
            while len(statuses) < 2:
                message = await anext(aiter(somebody.messages))
                assert message.retain
                statuses[str(message.topic)] = json.loads(message.payload)  # type: ignore[arg-type] # bytes
        assert statuses == {
            "roost/v1/depot/daemons/base/status": {"state": "online"},
            "roost/v1/depot/daemons/carrier/status": {"state": "offline"},
        }


async def test_a_daemon_remembers_its_own_facts_after_a_restart(broker: Broker) -> None:
    await away(broker.start)
    async with sharing(broker.port, "base") as base:
        base.store.put("sign/depot", "DEPOT3", source="drone1")
        await until(lambda: base.replicator.connected and base.replicator.waiting == 0)
    async with sharing(broker.port, "base") as again:
        await until(lambda: values(again) == {"sign/depot": "DEPOT3"})
        assert again.store.replicated == 0


@pytest.mark.parametrize(("site", "daemon"), [("de/pot", "base"), ("depot", "ba+se"), ("", "base")])
def test_a_name_that_cannot_be_part_of_a_topic_is_refused(site: str, daemon: str) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be part of a topic; use letters, digits, '_', '\.' and '-'"):
        Replicator(FactStore(daemon, CLOCKS), CLOCKS, site=site)
