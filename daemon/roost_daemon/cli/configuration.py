"""`roost config`: check a file, show what it comes to, print the schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from roost_daemon.cli.output import print_line

config = typer.Typer(no_args_is_help=True, help="Check, show and explain the configuration.")

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.", show_default=True)]


@config.command()
def check(path: ConfigFile = Path("roost.yaml")) -> None:
    """Check a configuration. Prints every mistake with its line; exit code 3 if there is one."""
    from roost_daemon.config_file import load_settings

    settings = load_settings(path, os.environ)
    if settings.site is not None:
        settings.site.to_site()
    print_line(f"{path}: good")


@config.command()
def show(path: ConfigFile = Path("roost.yaml")) -> None:
    """Print all settings that a file comes to: defaults and ROOST__… variables included, secrets hidden."""
    from roost_daemon.config_file import effective_yaml, load_settings

    print_line(effective_yaml(load_settings(path, os.environ)).rstrip())


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from roost_daemon.config import RoostSettings

    print_line(json.dumps(RoostSettings.model_json_schema(), indent=2))
