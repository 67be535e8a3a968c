"""The verbs of `roost`, in the order in which a newcomer meets them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from roost_daemon.cli.configuration import ConfigFile, config
from roost_daemon.cli.control import control
from roost_daemon.cli.exit_codes import ExitCode, table
from roost_daemon.cli.output import Output, print_json, print_line, print_table

_EPILOG = "Exit codes:\n\n" + table()

roost = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_EPILOG,
    help="Roost, the edge daemon for robots and drones: frames and goals in, actions out, each before its deadline.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from roost import __version__

        print_line(f"roost {__version__}")
        raise typer.Exit


@roost.callback()
def _roost(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


@roost.command()
def demo(
    seconds: Annotated[int, typer.Option(help="How long the story lasts once everything is ready.")] = 90,
    headless: Annotated[bool, typer.Option("--headless", help="One line an event instead of the live view.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file too.")] = None,
    video: Annotated[Path | None, typer.Option(help="Your own clip instead of the packaged one.")] = None,
    camera: Annotated[str | None, typer.Option(help="Your own camera (rtsp:// or http:// URL) instead of the clip.")] = None,
    models: Annotated[Path | None, typer.Option(help="A folder of your own models; they look at the clip too.")] = None,
) -> None:
    """Play the whole story: two robots, two cameras, a goal, an overload, a closed passage, a refusal."""
    from roost_daemon.demo.command import DemoOptions, play

    options = DemoOptions(seconds, headless, json_file, video, camera, models)
    raise typer.Exit(play(options, os.environ, sys.stdout))


@roost.command()
def up(path: ConfigFile = Path("roost.yaml")) -> None:
    """Run the daemon in the foreground until Ctrl-C or SIGTERM. It says READY when goals are accepted."""
    from roost_daemon.app import run_daemon
    from roost_daemon.config_file import load_settings

    run_daemon(load_settings(path, os.environ), path)


@roost.command()
def doctor(output: Annotated[Output, typer.Option("--output", "-o", help="Format.")] = Output.TABLE) -> None:
    """Look at what this machine has of what Roost can use. Exit code 1 if something needed is missing."""
    from roost_daemon.cli.doctor import examine

    findings = list(examine())
    if output is Output.JSON:
        print_json([{"what": f.what, "good": f.good, "found": f.found, "remedy": f.remedy} for f in findings])
    else:
        rows = [("ok" if f.good else "--", f.what, f.found, "" if f.good else f.remedy) for f in findings]
        print_table(("", "what", "found", "what to do"), rows)
    if any(finding.needed and not finding.good for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


roost.add_typer(config, name="config")
roost.registered_commands.extend(control.registered_commands)
