"""A fact as a message: what is sent comes out again, and what is no fact is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost_daemon.memory.fact import Fact, FactError, Stamp
from roost_daemon.memory.wire import MAX_FACT_BYTES, decode_fact, encode_fact

SIGN = Fact("sign/depot", "DEPOT3", "drone1", 100, Stamp(100, 0, "base"), 900, 0.9, "map")
INSTANTS = st.integers(0, 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(TEXTS, parts, max_size=3),
    max_leaves=5,
)
FACTS = st.builds(
    Fact,
    st.just("sign/depot"),
    VALUES,
    TEXTS,
    INSTANTS,
    st.builds(Stamp, INSTANTS, INSTANTS, TEXTS),
    st.none() | INSTANTS,
    st.floats(0, 1),
    TEXTS,
)


@given(FACTS)
def test_a_fact_arrives_as_it_was_sent(fact: Fact) -> None:
    assert decode_fact(fact.key, encode_fact(fact)) == fact


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode_fact(SIGN)), **changes}).encode()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"DEPOT3", "the fact 'sign/depot' is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "the fact 'sign/depot' is no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b'{"version": 1, "value": NaN}', "the fact 'sign/depot' is no JSON: NaN is no number in JSON"),
        (b"[" * 60_000, None),
        (b"[]", "the fact 'sign/depot' is not of version 1; run the same release on every daemon"),
        (changed(version=2), "the fact 'sign/depot' is not of version 1; run the same release on every daemon"),
        (changed(stamp=[1, 2]), "the fact 'sign/depot' has no stamp of three parts"),
        (changed(stamp=[1, True, "base"]), "the fact 'sign/depot' has a wrong stamp[1]: True"),
        (changed(stamp=[2**63, 0, "base"]), "the fact 'sign/depot' has a wrong stamp[0]: 9223372036854775808"),
        (changed(source=None), "the fact 'sign/depot' has a wrong source: None"),
        (changed(time_utc_ns=1.5), "the fact 'sign/depot' has a wrong time_utc_ns: 1.5"),
        (changed(expires_utc_ns="soon"), "the fact 'sign/depot' has a wrong expires_utc_ns: 'soon'"),
        (changed(confidence=7), "the confidence of 'sign/depot' is 7.0; give a number from 0 to 1"),
        (changed(frame=[]), "the fact 'sign/depot' has a wrong frame: []"),
        (b" " * 65_537, "the fact 'sign/depot' has 65537 bytes, at most 65536 are shared"),
    ],
)
def test_what_is_no_fact_is_refused_with_what_is_wrong(payload: bytes, message: str | None) -> None:
    with pytest.raises(FactError) as refused:
        decode_fact("sign/depot", payload)
    assert message is None or str(refused.value) == message


def test_a_value_that_is_no_json_or_too_large_is_not_written() -> None:
    for value in (float("inf"), {1, 2}, "\ud800"):
        with pytest.raises(FactError, match="the value of 'sign/depot' is no JSON: "):
            encode_fact(Fact("sign/depot", value, "drone1", 1, Stamp(1, 0, "base")))  # type: ignore[arg-type] # on purpose
    with pytest.raises(FactError, match="at most 65536 are shared; share a summary, or a name under which it can be fetched"):
        encode_fact(Fact("sign/depot", "x" * MAX_FACT_BYTES, "drone1", 1, Stamp(1, 0, "base")))
