"""Prometheus metrics at `/metrics`, on loopback only.

Nothing is counted twice: the numbers are read from the parts that own them when somebody asks. Labels are bounded (model,
target, outcome, robot); a goal's name is never one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from roost.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Reading:
    """One number: metric name (base units, without the `_total` of a counter), what it is, its labels and its value."""

    name: str
    help: str
    labels: tuple[tuple[str, str], ...]
    value: float
    counter: bool = False


class _Readings(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for reading in self._read():
            family = families.get(reading.name)
            if family is None:
                kind = CounterMetricFamily if reading.counter else GaugeMetricFamily
                names = [name for name, _ in reading.labels]
                family = families[reading.name] = kind(reading.name, reading.help, labels=names)
            family.add_metric([value for _, value in reading.labels], reading.value)
        return families.values()


class MetricsServer:
    """Serves the readings until it is closed. `port` is the one that it listens on."""

    def __init__(self, read: Callable[[], Iterable[Reading]], port: int) -> None:
        """Listen.

        Raises `UnavailableError` where the port is taken.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Readings(read))
        try:
            self._server, self._thread = start_http_server(port, addr="127.0.0.1", registry=registry)
        except OSError as error:
            raise UnavailableError(
                f"cannot serve metrics on port {port}: {error.strerror}", remedy="choose another metrics.port, or 0"
            ) from error
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
