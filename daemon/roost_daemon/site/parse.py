"""The site from plain data, as a YAML file holds it (see `demo/site.yaml`): names, corners in metres, headings in degrees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from roost.robot import Pose
from roost_daemon.site.model import Area, Passage, Point, RobotDescription, Site, SiteObject, StandingRule

Metres2 = Annotated[tuple[float, float], Field(description="x east and y north, in metres")]
PoseDegrees = Annotated[tuple[float, float, float], Field(description="x and y in metres, heading in degrees from east")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AreaSettings(_Part):
    """A place."""

    corners: list[Metres2] = Field(min_length=3, title="Corners", description="A convex polygon, counter-clockwise.")
    stand: PoseDegrees = Field(title="Stand", description="The pose that a robot takes when it is sent there.")


class PassageSettings(_Part):
    """A straight way between two areas."""

    between: tuple[str, str] = Field(title="Between", description="The two areas.")
    ends: tuple[Metres2, Metres2] = Field(title="Ends", description="A point on the edge of each, in the same order.")
    width_m: float = Field(gt=0, title="Width", description="In metres.")


class ObjectSettings(_Part):
    """A thing that can be carried."""

    area: str = Field(title="Area", description="Where it starts.")
    at: Metres2 = Field(title="Position", description="Where in that area.")


class RobotSettings(_Part):
    """A robot of the site."""

    kind: Annotated[str, Field(pattern="^(drone|ground)$")] = Field(title="Kind", description="drone or ground.")
    namespace: str = Field("", title="Namespace", description="Its ROS namespace; its name if empty.")
    home: PoseDegrees = Field(title="Home", description="Where it starts.")
    skills: list[str] = Field(title="Skills", description="The skills that it has.")
    camera: str = Field("", title="Camera", description="The camera that it carries.")
    max_speed_mps: float = Field(gt=0, title="Speed bound", description="In metres a second.")
    leash_m: float = Field(2.0, gt=0, title="Leash", description="How far ahead its gateway commands it, in metres.")
    rest_time_s: float = Field(gt=0, title="Rest time", description="It rests this long after any loss, at the latest.")


class RuleSettings(_Part):
    """A keep-out that holds for every mission."""

    name: str = Field(title="Name", description="Said with every refusal.")
    robots: list[str] = Field(min_length=1, title="Robots", description="Those that it binds.")
    area: str = Field(title="Area", description="Where they never go.")
    reason: str = Field(title="Reason", description="Why.")


class SiteSettings(_Part):
    """The site's map, robots and standing rules."""

    name: str = Field(title="Name", description="The site's name; daemons of one site share memory.")
    areas: dict[str, AreaSettings] = Field(title="Areas", description="Places by name.")
    passages: dict[str, PassageSettings] = Field(default_factory=dict, title="Passages", description="Ways between areas.")
    objects: dict[str, ObjectSettings] = Field(default_factory=dict, title="Objects", description="Things to carry.")
    robots: dict[str, RobotSettings] = Field(default_factory=dict, title="Robots", description="Robots by name.")
    rules: list[RuleSettings] = Field(default_factory=list, title="Standing rules", description="Hold for every mission.")

    def to_site(self) -> Site:
        """The map in the house's own words.

        Raises `roost.errors.ConfigurationError` where the parts do not fit together.
        """
        return Site(
            name=self.name,
            areas={
                name: Area(name, tuple(Point(*corner) for corner in area.corners), _pose(area.stand))
                for name, area in self.areas.items()
            },
            passages={
                name: Passage(name, part.between, (Point(*part.ends[0]), Point(*part.ends[1])), part.width_m)
                for name, part in self.passages.items()
            },
            objects={name: SiteObject(name, part.area, Point(*part.at)) for name, part in self.objects.items()},
            robots={
                name: RobotDescription(
                    name=name,
                    kind=part.kind,
                    namespace=part.namespace or name,
                    home=_pose(part.home),
                    skills=tuple(part.skills),
                    camera=part.camera,
                    max_speed_mps=part.max_speed_mps,
                    leash_m=part.leash_m,
                    rest_time_s=part.rest_time_s,
                )
                for name, part in self.robots.items()
            },
            rules=tuple(StandingRule(part.name, tuple(part.robots), part.area, part.reason) for part in self.rules),
        )


def parse_site(data: Mapping[str, object]) -> Site:
    """The site from the content of a `site:` section.

    Raises `pydantic.ValidationError` and `roost.errors.ConfigurationError`.
    """
    return SiteSettings.model_validate(data).to_site()


def _pose(values: Sequence[float]) -> Pose:
    x_m, y_m, heading_deg = values
    return Pose(x_m, y_m, math.radians(heading_deg))
