"""What the demo knows at a moment: the view draws it, the story fills it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from roost.v1 import inference_pb2, mission_pb2, system_pb2


@dataclass(slots=True)
class StoryState:
    """The present moment of the story. Messages are those of the daemon's API, as last read."""

    seconds: float
    elapsed_s: float = 0.0
    act: str = "start"
    caption: str = "starting"
    models: tuple[inference_pb2.ModelStats, ...] = ()
    cameras: tuple[inference_pb2.CameraStats, ...] = ()
    targets: tuple[inference_pb2.TargetStats, ...] = ()
    mission: mission_pb2.Mission | None = None
    robots: tuple[system_pb2.RobotStatus, ...] = ()
    facts_replicated: int = 0
    events: deque[str] = field(default_factory=lambda: deque(maxlen=50))
