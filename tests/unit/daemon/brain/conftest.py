from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import roost_daemon.demo
from roost_daemon.brain.providers import GroundingContext
from roost_daemon.site.model import Site
from roost_daemon.site.parse import parse_site
from roost_skills.registry import standard_skills


@pytest.fixture(scope="session")
def site() -> Site:
    """The site of the demo."""
    file = Path(roost_daemon.demo.__path__[0]) / "site.yaml"
    return parse_site(yaml.safe_load(file.read_text())["site"])


@pytest.fixture(scope="session")
def context(site: Site) -> GroundingContext:
    """The site of the demo and the skills that come with Roost."""
    return GroundingContext(site, standard_skills().contracts)
