"""Memory shared over MQTT: what is written here goes out, what others wrote comes in, for as long as there is a broker.

Topics, all retained, QoS 1:

    roost/v1/<site>/facts/<key>              a fact (`wire`), which the broker drops when it expires
    roost/v1/<site>/daemons/<name>/status    {"state": "online"} or "offline"; the last will says the latter

A broker that is away costs nothing but its absence: the newest fact of each key waits in the outbox, and with every new
connection this daemon sends all its own facts again, since a broker may come back without what it had. Where the broker
brings a fact older than the one held here, the newer one is sent again, so that a newcomer does not learn the older.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import Awaitable, Callable

import aiomqtt
import anyio
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, ns_to_seconds
from roost.errors import ConfigurationError
from roost_daemon.memory.fact import Fact, FactError
from roost_daemon.memory.mqtt import ConfirmingClient, properties
from roost_daemon.memory.store import FactStore
from roost_daemon.memory.wire import decode_fact, encode_fact

FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 5.0
STOP_TIMEOUT_S = 1.0
PUBLISHED_AT_ONCE = 16
MAX_PACKET_BYTES = 1024 * 1024
MAX_COMPLAINTS = 100

# The reason code by which paho tells of a socket that was closed.
CONNECTION_BROKE = 128

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_log = logging.getLogger(__name__)


class Replicator:
    """Shares a store's facts with the other daemons of a site. One per daemon; `run` until cancelled.

    host, port: the broker. site, daemon: names without '/', '+' and '#'; the daemon's is unique in the site.
    Raises `ConfigurationError` for other names.
    """

    def __init__(
        self,
        store: FactStore,
        clocks: Clocks,
        *,
        site: str,
        host: str = "127.0.0.1",
        port: int = 1883,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        for what, name in (("site", site), ("daemon", store.daemon)):
            if not _NAME.fullmatch(name):
                raise ConfigurationError(
                    f"the {what}'s name '{name}' cannot be part of a topic", remedy="use letters, digits, '_', '.' and '-'"
                )
        self._store = store
        self._clocks = clocks
        self._host, self._port = host, port
        self._username, self._password = username, password
        self._broker = f"the MQTT broker at {host}:{port}"
        self._identifier = f"roost-{site}-{store.daemon}"
        self._prefix = f"roost/v1/{site}"
        self._status_topic = f"{self._prefix}/daemons/{store.daemon}/status"
        self._outbox: dict[str, Fact] = {}
        self._outbox_filled = anyio.Event()
        self._peers: dict[str, bool] = {}
        self._complained: set[str] = set()
        self._connected = False
        self._connected_ns = 0
        self._silent_since_start = True
        self._attempts = 0
        self._denied = 0
        self._ignored = 0

    @property
    def connected(self) -> bool:
        """Whether the broker answers."""
        return self._connected

    @property
    def attempts(self) -> int:
        """Connections tried so far."""
        return self._attempts

    @property
    def waiting(self) -> int:
        """Facts that the broker has not confirmed yet."""
        return len(self._outbox)

    @property
    def denied(self) -> int:
        """Facts that the broker refused to take."""
        return self._denied

    @property
    def ignored(self) -> int:
        """Messages that were no usable facts."""
        return self._ignored

    @property
    def peers(self) -> dict[str, bool]:
        """The other daemons of the site that the broker knows, and whether each is online."""
        return dict(self._peers)

    async def run(self) -> None:
        """Replicate until cancelled. A broker that is away, refuses or goes is logged, never raised."""
        retry_s = FIRST_RETRY_S
        try:
            with self._store.each_written(self._send_later):
                while True:
                    try:
                        await self._replicate()
                    except aiomqtt.MqttError as error:
                        if self._held_well():
                            retry_s = FIRST_RETRY_S
                        self._lost(error)
                    await anyio.sleep(retry_s * random.uniform(0.5, 1.0))  # not all daemons of a site at once
                    retry_s = min(LONGEST_RETRY_S, retry_s * 2)
        finally:
            self._connected = False

    async def _replicate(self) -> None:
        """One connection, from its start to its loss.

        Raises `aiomqtt.MqttError`.
        """
        self._attempts += 1
        client = ConfirmingClient(
            self._host,
            self._port,
            identifier=self._identifier,
            username=self._username,
            password=self._password,
            will=aiomqtt.Will(self._status_topic, _status("offline"), qos=1, retain=True),
            clean_start=True,  # the retained topics are the session
            properties=properties(PacketTypes.CONNECT, MaximumPacketSize=MAX_PACKET_BYTES),
            logger=_log.getChild("client"),
        )
        # Half a connection could not be cleaned up; the client's time-outs bound it.
        with anyio.CancelScope(shield=True):
            await client.__aenter__()
        try:
            await self._introduce(client)
            losses: list[aiomqtt.MqttError] = []
            async with anyio.create_task_group() as tasks:

                async def until_lost(part: Callable[[ConfirmingClient], Awaitable[None]]) -> None:
                    try:
                        await part(client)
                    except aiomqtt.MqttError as error:
                        losses.append(error)
                        tasks.cancel_scope.cancel()

                tasks.start_soon(until_lost, self._receive)
                tasks.start_soon(until_lost, self._send)
            raise losses[0]
        finally:
            await self._leave(client)

    async def _introduce(self, client: ConfirmingClient) -> None:
        """Say that we are there, ask for everything, and have all that is ours sent."""
        options = SubscribeOptions(qos=1, noLocal=True)
        for topic in (f"{self._prefix}/facts/#", f"{self._prefix}/daemons/+/status"):
            for reason in await client.subscribe(topic, options=options):
                if isinstance(reason, ReasonCode) and reason.is_failure:
                    _log.warning(
                        "%s denied reading '%s' (%s); facts of other daemons do not come in; allow '%s' to read it",
                        *(self._broker, topic, reason, self._identifier),
                    )
        self._note_denial(self._status_topic, await client.publish_retained(self._status_topic, _status("online")))
        self._complained.clear()
        for fact in self._store.own():
            self._outbox.setdefault(fact.key, fact)
        self._outbox_filled.set()
        self._connected, self._silent_since_start = True, False
        self._connected_ns = self._clocks.monotonic_ns()
        _log.info("connected to %s, %d facts to send", self._broker, len(self._outbox))

    async def _leave(self, client: ConfirmingClient) -> None:
        """Say good-bye where there is still somebody to say it to; otherwise the last will does."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(STOP_TIMEOUT_S):
            try:
                if self._connected and not client.lost:
                    await client.publish_retained(self._status_topic, _status("offline"))
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                pass  # it was lost while we said so

    async def _send(self, client: ConfirmingClient) -> None:
        """Publish what waits, the newest of each key, as long as the connection holds."""
        while True:
            while not self._outbox:
                self._outbox_filled = anyio.Event()
                await self._outbox_filled.wait()
            batch = list(self._outbox.values())[:PUBLISHED_AT_ONCE]
            for failure in await asyncio.gather(*(self._publish(client, fact) for fact in batch), return_exceptions=True):
                if failure is not None:
                    raise failure

    async def _publish(self, client: ConfirmingClient, fact: Fact) -> None:
        now_ns = self._clocks.utc_ns()
        if not fact.expired(now_ns):
            topic = f"{self._prefix}/facts/{fact.key}"
            try:
                payload = encode_fact(fact)
            except FactError as error:  # another daemon's, which a different JSON may have made smaller
                _log.warning("a fact of '%s' is not sent again: %s", fact.stamp.daemon, error)
            else:
                self._note_denial(topic, await client.publish_retained(topic, payload, _expiry(fact, now_ns)))
        if self._outbox.get(fact.key) is fact:  # a newer one may have come meanwhile
            del self._outbox[fact.key]

    async def _receive(self, client: ConfirmingClient) -> None:
        async for message in client.messages:
            topic = message.topic.value.removeprefix(f"{self._prefix}/")
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if topic.startswith("daemons/"):
                self._meet(topic.split("/")[1], payload)
            elif payload:  # an empty one only says that somebody took the retained message off the broker
                self._take(topic.removeprefix("facts/"), payload)

    def _take(self, key: str, payload: bytes) -> None:
        """Apply a fact that came in, or say why not."""
        try:
            fact = decode_fact(key, payload)
            self._store.apply(fact)
        except FactError as error:
            self._ignored += 1
            if key not in self._complained and len(self._complained) < MAX_COMPLAINTS:
                self._complained.add(key)
                _log.warning("ignored a message of %s: %s", self._broker, error)
            return
        held = self._store.held(key)
        if held is not None and held.stamp > fact.stamp:
            self._send_later(held)

    def _meet(self, daemon: str, payload: bytes) -> None:
        if daemon != self._store.daemon:
            self._peers[daemon] = payload == _status("online")

    def _send_later(self, fact: Fact) -> None:
        self._outbox.pop(fact.key, None)
        self._outbox[fact.key] = fact
        self._outbox_filled.set()

    def _note_denial(self, topic: str, reason: ReasonCode) -> None:
        if reason.is_failure:
            self._denied += 1
            _log.warning(
                "%s denied '%s' (%s); other daemons do not see it; allow '%s' to write it",
                *(self._broker, topic, reason, self._identifier),
            )

    def _held_well(self) -> bool:
        """Whether it held long enough to be worth a quick attempt; two daemons of one name throw each other out for ever."""
        return self._connected and ns_to_seconds(self._clocks.monotonic_ns() - self._connected_ns) > LONGEST_RETRY_S

    def _lost(self, error: aiomqtt.MqttError) -> None:
        """One line when the broker is first missed, one when it goes; none for each attempt after that."""
        cause = error.__cause__ or error
        broke = isinstance(cause, aiomqtt.MqttCodeError) and cause.rc == CONNECTION_BROKE
        why = "the connection broke" if broke else str(cause)
        if self._connected:
            _log.warning("lost %s (%s); facts are kept and sent when it is back", self._broker, why)
        elif self._silent_since_start:
            _log.warning("%s does not answer (%s); facts stay in this daemon until it does", self._broker, why)
        self._connected, self._silent_since_start = False, False
        self._peers.clear()


def _status(state: str) -> bytes:
    return json.dumps({"state": state}).encode()


def _expiry(fact: Fact, now_ns: int) -> Properties | None:
    """The broker drops a retained fact when it expires, rounded up to whole seconds."""
    if fact.expires_utc_ns is None:
        return None
    left_s = -(-(fact.expires_utc_ns - now_ns) // NANOSECONDS_PER_SECOND)
    return properties(PacketTypes.PUBLISH, MessageExpiryInterval=min(2**32 - 1, left_s))
