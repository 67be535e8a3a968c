"""The memory of one daemon."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import pytest

from roost.clock import Clocks
from roost_daemon.memory.fact import Fact, FactError, Stamp
from roost_daemon.memory.store import FORGET_AFTER_NS, FactStore

S = 1_000_000_000
NOW = 1_764_000_000 * S


@dataclass
class Time:
    utc_ns: int = NOW

    def clocks(self) -> Clocks:
        return Clocks(utc_ns=lambda: self.utc_ns)


def elsewhere(key: str, value: str, wall_ns: int = NOW, expires_utc_ns: int | None = None) -> Fact:
    return Fact(key, value, "robot2", wall_ns, Stamp(wall_ns, 0, "carrier"), expires_utc_ns)


def test_what_is_written_is_known_with_where_it_comes_from() -> None:
    store = FactStore("base", Time().clocks())
    fact = store.put("sign/depot", "DEPOT3", source="drone1", lifetime_ns=5 * S, confidence=0.9, frame="map")
    assert fact == Fact("sign/depot", "DEPOT3", "drone1", NOW, Stamp(NOW, 0, "base"), NOW + 5 * S, 0.9, "map")
    assert store.get("sign/depot") is fact
    assert store.get("sign/dock") is None


def test_a_fact_can_be_older_than_its_writing_and_its_life_counts_from_when_it_was_so() -> None:
    store = FactStore("base", Time().clocks())
    fact = store.put("sign/depot", "DEPOT3", source="drone1", time_utc_ns=NOW - 2 * S, lifetime_ns=5 * S)
    assert (fact.time_utc_ns, fact.expires_utc_ns, fact.stamp.wall_ns) == (NOW - 2 * S, NOW + 3 * S, NOW)


def test_a_prefix_ends_where_a_word_ends() -> None:
    store = FactStore("base", Time().clocks())
    for key in ("robot/drone10/pose", "robot/drone1/pose", "robot/drone1", "sign/depot"):
        store.put(key, 1, source="x")
    assert [fact.key for fact in store.query("robot/drone1")] == ["robot/drone1", "robot/drone1/pose"]
    assert [fact.key for fact in store.query("robot/")] == ["robot/drone1", "robot/drone1/pose", "robot/drone10/pose"]
    assert len(store.query()) == 4


def test_only_what_other_daemons_wrote_and_what_is_news_counts_as_replicated() -> None:
    store = FactStore("base", Time().clocks())
    mine = store.put("sign/depot", "DEPOT3", source="drone1")
    theirs = elsewhere("sign/dock", "DOCK1")
    assert not store.apply(mine)
    assert store.apply(theirs)
    assert not store.apply(theirs)
    assert not store.apply(elsewhere("sign/dock", "DOCK0", NOW - S))
    assert store.replicated == 1
    assert [fact.value for fact in store.query("sign")] == ["DEPOT3", "DOCK1"]


def test_what_was_known_before_a_restart_comes_back_and_is_not_counted() -> None:
    store = FactStore("base", Time().clocks())
    assert store.apply(Fact("sign/depot", "DEPOT3", "drone1", NOW - S, Stamp(NOW - S, 0, "base")))
    assert store.replicated == 0
    assert [fact.key for fact in store.own()] == ["sign/depot"]


def test_an_expired_fact_is_not_seen_not_told_and_not_counted_and_no_older_one_takes_its_place() -> None:
    time = Time()
    store = FactStore("base", time.clocks())
    with store.watch() as watch:
        assert not store.apply(elsewhere("gate", "open", NOW - 9 * S, NOW - S))
        assert not store.apply(elsewhere("gate", "closed", NOW - 10 * S))
        assert watch.waiting == 0
    assert store.get("gate") is None
    assert store.query() == []
    assert store.replicated == 0


def test_a_fact_goes_when_its_time_comes() -> None:
    time = Time()
    store = FactStore("base", time.clocks())
    store.put("robot/drone1/pose", [1.0, 2.0], source="drone1", lifetime_ns=S)
    time.utc_ns += S - 1
    assert store.get("robot/drone1/pose") is not None
    time.utc_ns += 1
    assert store.get("robot/drone1/pose") is None
    assert store.query() == store.own() == []


def test_a_daemon_whose_clock_is_behind_still_corrects_what_it_has_seen() -> None:
    behind = Time(NOW - 60 * S)
    store = FactStore("base", behind.clocks())
    store.apply(elsewhere("gate", "open"))
    corrected = store.put("gate", "closed", source="drone1")
    other = FactStore("carrier", Time().clocks())
    other.apply(elsewhere("gate", "open"))
    assert other.apply(corrected)
    assert other.query()[0].value == store.query()[0].value == "closed"


def test_a_clock_that_is_plainly_wrong_is_not_followed() -> None:
    store = FactStore("base", Time().clocks())
    with pytest.raises(FactError) as refused:
        store.apply(elsewhere("gate", "open", NOW + 86_400 * S))
    assert str(refused.value) == (
        "the fact 'gate' was written by 'carrier' 86400 s in the future; set the clocks of both daemons"
    )
    assert store.put("gate", "closed", source="drone1").stamp == Stamp(NOW, 0, "base")


def test_memory_is_bounded_and_what_is_long_expired_makes_room() -> None:
    time = Time()
    store = FactStore("base", time.clocks(), capacity=2)
    store.put("a", 1, source="x", lifetime_ns=S)
    store.put("b", 1, source="x")
    store.put("b", 2, source="x")
    with pytest.raises(FactError) as refused:
        store.put("c", 1, source="x")
    assert str(refused.value) == "memory is full: there is no room for 'c' beside 2 facts; give facts a lifetime"
    time.utc_ns += S + FORGET_AFTER_NS
    store.put("c", 1, source="x")
    assert [fact.key for fact in store.query()] == ["b", "c"]


@pytest.mark.anyio
async def test_a_watch_tells_changes_under_its_prefix_and_the_newest_of_each_key_to_a_slow_reader() -> None:
    store = FactStore("base", Time().clocks())
    store.put("robot/drone1/pose", 0, source="drone1")
    with store.watch("robot") as watch:
        store.put("sign/depot", "DEPOT3", source="drone1")
        for value in (1, 2):
            store.put("robot/drone1/pose", value, source="drone1")
        store.apply(elsewhere("robot/robot2/pose", "there"))
        told = [await anext(aiter(watch)) for _ in range(2)]
        assert [(fact.key, fact.value) for fact in told] == [("robot/drone1/pose", 2), ("robot/robot2/pose", "there")]
        later: list[Fact] = []
        async with anyio.create_task_group() as tasks:

            async def read() -> None:
                later.append(await anext(aiter(watch)))

            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            assert later == []
            store.put("robot/drone1/pose", 3, source="drone1")
        assert later[0].value == 3
    store.put("robot/drone1/pose", 4, source="drone1")
    assert watch.waiting == 0


def test_who_asked_for_it_hears_of_each_fact_written_here_and_of_no_other() -> None:
    store = FactStore("base", Time().clocks())
    written: list[Fact] = []
    with store.each_written(written.append):
        mine = store.put("a", 1, source="x")
        store.apply(elsewhere("b", "2"))
    store.put("c", 1, source="x")
    assert written == [mine]
