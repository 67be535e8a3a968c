"""Metrics are read from their owners when somebody asks."""

from __future__ import annotations

import urllib.request

import pytest

from roost.errors import UnavailableError
from roost_daemon.observe.metrics import MetricsServer, Reading


def test_readings_are_served_on_loopback() -> None:
    readings = [
        Reading("roost_inference_tasks", "Tasks", (("model", "vest"), ("outcome", "on_time")), 3, counter=True),
        Reading("roost_inference_tasks", "Tasks", (("model", "vest"), ("outcome", "late")), 1, counter=True),
        Reading("roost_robot_speed_mps", "Speed", (("robot", "drone1"),), 0.5),
    ]
    server = MetricsServer(lambda: readings, 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        assert 'roost_inference_tasks_total{model="vest",outcome="on_time"} 3.0' in text
        assert 'roost_inference_tasks_total{model="vest",outcome="late"} 1.0' in text
        assert 'roost_robot_speed_mps{robot="drone1"} 0.5' in text
        with pytest.raises(UnavailableError, match=f"cannot serve metrics on port {server.port}: Address already in use"):
            MetricsServer(lambda: readings, server.port)
    finally:
        server.close()
