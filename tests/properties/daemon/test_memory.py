"""Memory converges: whatever is delivered, in any order and any number of times, all see the same."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from roost.clock import Clocks
from roost_daemon.memory.fact import Fact, HybridLogicalClock, Stamp, merge
from roost_daemon.memory.store import FactStore

NOW = 1_000
DAEMONS = ("base", "carrier", "relay")
# Few distinct stamps, so that ties and near ties are common; one stamp has one fact, as a clock never repeats itself.
STAMPS = st.builds(Stamp, st.integers(NOW - 3, NOW), st.integers(0, 2), st.sampled_from(DAEMONS))


def fact_of(key: str, stamp: Stamp) -> Fact:
    expires = NOW - 1 if (stamp.wall_ns + stamp.counter) % 3 == 0 else None
    return Fact(key, f"{stamp}", stamp.daemon, stamp.wall_ns, stamp, expires)


FACTS = st.builds(fact_of, st.just("gate"), STAMPS)


def seen(facts: list[Fact]) -> list[Fact]:
    store = FactStore("newcomer", Clocks(utc_ns=lambda: NOW))
    for fact in facts:
        store.apply(fact)
    return store.query()


@given(FACTS, FACTS)
def test_merging_does_not_depend_on_who_comes_first(one: Fact, other: Fact) -> None:
    assert merge(one, other) == merge(other, one)


@given(FACTS, FACTS, FACTS)
def test_merging_does_not_depend_on_grouping(one: Fact, two: Fact, three: Fact) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(FACTS)
def test_merging_a_fact_again_changes_nothing(fact: Fact) -> None:
    assert merge(fact, fact) is fact


@given(st.data())
def test_stores_that_got_the_same_facts_show_the_same(data: st.DataObject) -> None:
    facts = data.draw(st.lists(st.builds(fact_of, st.sampled_from(["gate", "dock"]), STAMPS), max_size=12))
    once = data.draw(st.permutations(facts))
    again = data.draw(st.permutations(facts + facts[:3]))
    assert seen(once) == seen(again)
    newest = reduce(merge, (fact for fact in facts if fact.key == "gate"), None)
    shown = [fact for fact in seen(once) if fact.key == "gate"]
    assert shown == ([newest] if newest is not None and not newest.expired(NOW) else [])


@given(st.lists(st.one_of(st.integers(0, 50), st.builds(Stamp, st.integers(0, 50), st.integers(0, 3), st.just("carrier")))))
def test_stamps_only_grow_whatever_the_wall_clock_and_the_others_say(events: list[int | Stamp]) -> None:
    clock = HybridLogicalClock("base")
    latest = Stamp(-1, 0, "")
    for event in events:
        if isinstance(event, Stamp):
            clock.observe(event)
            latest = max(latest, event)
        else:
            stamp = clock.tick(event)
            assert (stamp.wall_ns, stamp.counter) > (latest.wall_ns, latest.counter)
            latest = stamp


@given(
    st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 4), st.booleans()), max_size=30),
    st.tuples(st.integers(-500, 500), st.integers(-500, 500)),
)
def test_two_daemons_with_skewed_clocks_agree_once_all_is_delivered(
    steps: list[tuple[int, int, bool]], skews_ns: tuple[int, int]
) -> None:
    """Each step: a daemon writes; whether the other one hears of it at once or only at the end."""
    time = [NOW]
    stores = [
        FactStore(name, Clocks(utc_ns=lambda skew=skew: time[0] + skew))
        for name, skew in zip(DAEMONS, skews_ns, strict=False)
    ]
    delayed: list[tuple[int, Fact]] = []
    heard_all = True
    for writer, value, at_once in steps:
        time[0] += 1
        fact = stores[writer].put("gate", value, source="x")
        if at_once:
            stores[1 - writer].apply(fact)
        else:
            heard_all = False
            delayed.append((1 - writer, fact))
    for reader, fact in delayed:
        stores[reader].apply(fact)
    first, second = (store.query() for store in stores)
    assert first == second
    if steps and heard_all:
        assert first[0].value == steps[-1][1]
