"""`roost.v1.MemoryService` over the daemon's facts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from google.protobuf import json_format

from roost.errors import UnknownNameError
from roost.v1 import memory_pb2, memory_pb2_grpc
from roost.wire import problems_reported, timestamp_to_proto
from roost_daemon.api.context import Context
from roost_daemon.memory.fact import Fact
from roost_daemon.memory.store import FactStore


class MemoryApi(memory_pb2_grpc.MemoryServiceServicer):
    """Converts and passes on."""

    def __init__(self, store: FactStore) -> None:
        self._store = store

    async def GetFact(self, request: memory_pb2.GetFactRequest, context: Context) -> memory_pb2.GetFactResponse:
        """Read one fact."""
        async with problems_reported(context):
            fact = self._store.get(request.key)
            if fact is None:
                raise UnknownNameError(f"there is no fact '{request.key}'", remedy="`roost memory` lists all")
            return memory_pb2.GetFactResponse(fact=fact_to_proto(fact))

    async def QueryFacts(self, request: memory_pb2.QueryFactsRequest, context: Context) -> memory_pb2.QueryFactsResponse:
        """Read the facts under a prefix."""
        return memory_pb2.QueryFactsResponse(facts=[fact_to_proto(fact) for fact in self._store.query(request.prefix)])

    async def WatchFacts(
        self, request: memory_pb2.WatchFactsRequest, context: Context
    ) -> AsyncIterator[memory_pb2.WatchFactsResponse]:
        """Stream the facts under a prefix: those that there are, then each as it changes."""
        with self._store.watch(request.prefix) as changes:
            for fact in self._store.query(request.prefix):
                yield memory_pb2.WatchFactsResponse(fact=fact_to_proto(fact))
            async for fact in changes:
                yield memory_pb2.WatchFactsResponse(fact=fact_to_proto(fact))


def fact_to_proto(fact: Fact) -> memory_pb2.Fact:
    """A fact for the wire."""
    message = memory_pb2.Fact(
        key=fact.key,
        source=fact.source,
        time=timestamp_to_proto(fact.time_utc_ns),
        expires=None if fact.expires_utc_ns is None else timestamp_to_proto(fact.expires_utc_ns),
        confidence=fact.confidence,
        frame=fact.frame,
    )
    # The published stub knows objects only; a Value takes any JSON value.
    json_format.ParseDict(cast("dict[str, Any]", fact.value), message.value)
    return message
