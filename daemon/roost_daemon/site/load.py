"""A site file: YAML with the section `site:`, read by the processes that need the map only."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from roost.errors import ConfigurationError
from roost_daemon.site.model import Site
from roost_daemon.site.parse import parse_site


def load_site(path: Path) -> Site:
    """The site in the section `site:` of a YAML file; other sections are not looked at.

    Raises `roost.errors.ConfigurationError` that names the file and what is wrong in it.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the site {path}: {error.strerror}", remedy="name an existing file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the site file {path} is not YAML: {error}", remedy="mend it") from error
    section = data.get("site") if isinstance(data, dict) else None
    if not isinstance(section, dict):
        raise ConfigurationError(f"the file {path} has no section 'site:'", remedy="describe areas and robots there")
    try:
        return parse_site(section)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in ("site", *detail["loc"]))
        raise ConfigurationError(f"{path}: {where}: {detail['msg']}", remedy="mend that value") from error
