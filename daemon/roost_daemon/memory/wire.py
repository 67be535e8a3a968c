"""A fact as the payload of a message: JSON with a version. The key is not in it; the topic says it."""

from __future__ import annotations

import json
from typing import TypeVar

from roost_daemon.memory.fact import Fact, FactError, JsonValue, Stamp

VERSION = 1
MAX_FACT_BYTES = 64 * 1024

_T = TypeVar("_T")


def encode_fact(fact: Fact) -> bytes:
    """The payload.

    Raises `FactError` where the value is no JSON or the fact is too large to be shared.
    """
    try:
        payload = json.dumps(
            {
                "version": VERSION,
                "value": fact.value,
                "source": fact.source,
                "time_utc_ns": fact.time_utc_ns,
                "expires_utc_ns": fact.expires_utc_ns,
                "confidence": fact.confidence,
                "frame": fact.frame,
                "stamp": [fact.stamp.wall_ns, fact.stamp.counter, fact.stamp.daemon],
            },
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FactError(f"the value of '{fact.key}' is no JSON: {error}") from error
    if len(payload) > MAX_FACT_BYTES:
        raise FactError(_too_large(fact.key, len(payload)), remedy="share a summary, or a name under which it can be fetched")
    return payload


def decode_fact(key: str, payload: bytes) -> Fact:
    """Read a payload that came under this key.

    Raises `FactError`.
    """
    if len(payload) > MAX_FACT_BYTES:
        raise FactError(_too_large(key, len(payload)))
    try:
        fields = json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FactError(f"the fact '{key}' is no JSON: {error}") from error
    if not isinstance(fields, dict) or fields.get("version") != VERSION:
        raise FactError(f"the fact '{key}' is not of version {VERSION}", remedy="run the same release on every daemon")
    stamp = fields.get("stamp")
    if not isinstance(stamp, list) or len(stamp) != 3:
        raise FactError(f"the fact '{key}' has no stamp of three parts")
    value: JsonValue = fields.get("value")
    return Fact(
        key,
        value,
        _checked(key, "source", fields.get("source"), str),
        _checked(key, "time_utc_ns", fields.get("time_utc_ns"), int),
        Stamp(
            _checked(key, "stamp[0]", stamp[0], int),
            _checked(key, "stamp[1]", stamp[1], int),
            _checked(key, "stamp[2]", stamp[2], str),
        ),
        None if fields.get("expires_utc_ns") is None else _checked(key, "expires_utc_ns", fields["expires_utc_ns"], int),
        float(_checked(key, "confidence", fields.get("confidence"), (int, float))),
        _checked(key, "frame", fields.get("frame"), str),
    )


def _too_large(key: str, size_bytes: int) -> str:
    return f"the fact '{key}' has {size_bytes} bytes, at most {MAX_FACT_BYTES} are shared"


def _no_number(constant: str) -> JsonValue:
    raise ValueError(f"{constant} is no number in JSON")


def _checked(key: str, name: str, value: object, kind: type[_T] | tuple[type[_T], ...]) -> _T:
    # JSON's true is an int to Python, and JSON's integers have no end.
    if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and not 0 <= value < 2**63):
        raise FactError(f"the fact '{key}' has a wrong {name}: {repr(value)[:40]}")
    return value
