"""What Roost needs of an MQTT 5 client beyond aiomqtt: a publish that knows whether the broker took it.

aiomqtt (2.5) drops the reason code of a PUBACK, so a publish that the broker's access list denies looks like a success.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 3.0
PUBLISH_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 5


def properties(packet: int, **values: object) -> Properties:
    """MQTT 5 properties of a packet (`paho.mqtt.packettypes.PacketTypes`), by their names in paho."""
    made = Properties(packet)  # type: ignore[no-untyped-call] # paho has no types here
    for name, value in values.items():
        setattr(made, name, value)
    return made


class ConfirmingClient(aiomqtt.Client):
    """An aiomqtt client with `publish_retained`."""

    def __init__(self, host: str, port: int, **options: Any) -> None:
        super().__init__(
            host, port, protocol=aiomqtt.ProtocolVersion.V5, timeout=ANSWER_TIMEOUT_S, keepalive=KEEP_ALIVE_S, **options
        )
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._confirmations: dict[int, asyncio.Future[ReasonCode]] = {}

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._disconnected.done()

    async def publish_retained(self, topic: str, payload: bytes, properties: Properties | None = None) -> ReasonCode:
        """Publish with QoS 1 as the topic's retained message; the broker's reason code, `is_failure` where it was refused.

        Raises `aiomqtt.MqttError` where no answer came.
        """
        sent = self._client.publish(topic, payload, 1, True, properties)
        if sent.rc != MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(sent.rc, "Could not publish message")
        confirmation: asyncio.Future[ReasonCode] = asyncio.get_running_loop().create_future()
        self._confirmations[sent.mid] = confirmation
        try:
            return await asyncio.wait_for(confirmation, PUBLISH_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise aiomqtt.MqttError(f"no confirmation within {PUBLISH_TIMEOUT_S:.0f} s") from None
        finally:
            self._confirmations.pop(sent.mid, None)

    def _on_publish(self, client: Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties) -> None:
        confirmation = self._confirmations.get(mid)
        if confirmation is not None and not confirmation.done():
            confirmation.set_result(reason_code)
        super()._on_publish(client, userdata, mid, reason_code, properties)
