"""The configurations of the demo's two daemons, as the YAML files that a user would write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from roost_daemon.demo.load import WISHES
from roost_inference.simulation.load import MAX_TILES

DEMO_DIRECTORY = Path(__file__).parent
SITE_FILE = DEMO_DIRECTORY / "site.yaml"
MODELS_DIRECTORY = DEMO_DIRECTORY / "models"

# The acts set the rates once the profiles are measured.
_FIRST_RATE_HZ = 1.0


@dataclass(frozen=True, slots=True)
class DemoPlaces:
    """Where a run's files lie. run: kept for the user; runtime: sockets, short path, removed at the end."""

    run: Path
    runtime: Path

    def socket(self, daemon: str) -> Path:
        """A daemon's API socket."""
        return self.runtime / daemon / "daemon.sock"

    def state(self, daemon: str) -> Path:
        """A daemon's state: journal, statistics."""
        return self.run / daemon

    def log(self, daemon: str) -> Path:
        """A daemon's log."""
        return self.run / f"{daemon}.log"

    def configuration(self, daemon: str) -> Path:
        """A daemon's configuration."""
        return self.run / f"{daemon}.yaml"


@dataclass(frozen=True, slots=True)
class OwnInputs:
    """What the user brought along: a clip or camera instead of the packaged clip, and more models."""

    clip: str
    clip_loops: bool
    models_directory: Path | None = None
    models: Sequence[str] = ()


def write_configurations(places: DemoPlaces, *, ros_domain_id: int, mqtt_port: int, inputs: OwnInputs) -> None:
    """Write the configuration of `hangar` (robots, cameras, models) and of `office` (memory only)."""
    site = yaml.safe_load(SITE_FILE.read_text(encoding="utf-8"))["site"]
    hangar = _common(places, "hangar") | {
        "models": {"directories": [str(MODELS_DIRECTORY), *_own(inputs)]},
        "cameras": {
            "drone1": {"source": "ros:drone1/camera/image"},
            "clip": {"source": inputs.clip, "loop": inputs.clip_loops},
        },
        "streams": [
            {"camera": camera, "model": model, "rate_hz": _FIRST_RATE_HZ, "max_tiles": tiles}
            for camera, model, tiles in (
                *((wish.camera, wish.model, MAX_TILES if wish.elastic_share else 1) for wish in WISHES),
                *(("clip", model, 1) for model in inputs.models),
            )
        ],
        "cloud": {
            "aws_lambda": {
                "embedded": True,
                "slots": 2,
                "concurrency": 2,
                "compare_every": 40,
            }
        },
        "ros": {"domain_id": ros_domain_id},
        "memory": {"host": "127.0.0.1", "port": mqtt_port, "embedded": True},
        "site": site,
    }
    office = _common(places, "office") | {
        "memory": {"host": "127.0.0.1", "port": mqtt_port},
        "site": {"name": site["name"], "areas": {}},
        "metrics": {"enabled": False},
    }
    for name, settings in (("hangar", hangar), ("office", office)):
        places.configuration(name).write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _common(places: DemoPlaces, name: str) -> dict[str, Any]:
    return {
        "daemon": {
            "name": name,
            "state_directory": str(places.state(name)),
            "runtime_directory": str(places.runtime / name),
        },
        "log": {"file": str(places.log(name))},
    }


def _own(inputs: OwnInputs) -> list[str]:
    return [str(inputs.models_directory.resolve())] if inputs.models_directory else []
