"""The example configurations in the documentation can be used as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost_daemon.config_file import load_settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_it_loads_and_its_site_fits_together(path: Path) -> None:
    settings = load_settings(path, {})
    assert settings.site is not None
    assert settings.site.to_site().robots
    for directory in settings.models.directories:
        assert (ROOT / directory).is_dir()
