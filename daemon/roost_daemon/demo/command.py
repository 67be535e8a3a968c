"""`roost demo`: starts the site and the daemons, has the story told, stops everything, sums up.

The demo touches nothing else on the machine: its own ROS domain on this host only, loopback end points, a run directory
below `./.roost/demo/`, and a janitor that cleans up even after `kill -9`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anyio

from roost.errors import ConfigurationError
from roost_daemon import assets
from roost_daemon.demo.configuration import DemoPlaces, OwnInputs
from roost_daemon.demo.run import PICTURE_FILE, DemoResult, DemoRun
from roost_daemon.demo.screen import screen_for
from roost_daemon.processes.environment import RUN_MARK, child_environment
from roost_daemon.processes.processors import plan_processors
from roost_daemon.processes.supervisor import python_module
from roost_inference.engines.describe import load_models

LEAST_SECONDS = 60
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says. clip, camera: instead of the packaged clip; models: a folder of manifests of the user's."""

    seconds: int
    headless: bool = False
    json_file: Path | None = None
    clip: Path | None = None
    camera: str | None = None
    models: Path | None = None


def play(options: DemoOptions, environment: Mapping[str, str], out: TextIO) -> int:
    """Play the demo; the process's exit code: 0 only if the whole story happened.

    Raises `RoostError` for options that cannot be followed and where something cannot start.
    """
    if options.seconds < LEAST_SECONDS:
        raise ConfigurationError(
            f"the story needs at least {LEAST_SECONDS} s, not {options.seconds}", remedy=f"say --seconds {LEAST_SECONDS}"
        )
    inputs = _inputs(options)
    processors = plan_processors(os.sched_getaffinity(0), pin=True)
    usable = frozenset(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors.others)
    with _places() as places, _janitor(places):
        screen = screen_for(out, headless=options.headless, environment=environment)
        screen.tell(f"everything of this run lies in {places.run}")
        run = DemoRun(places, inputs, options.seconds, usable, processors.others, screen)
        try:
            result = anyio.run(run.play)
        finally:
            screen.close()
        _write(result, options, places, out)
        if result.interrupted:
            return _INTERRUPTED
        return 0 if result.summary.ok else 1


def _inputs(options: DemoOptions) -> OwnInputs:
    if options.clip is not None and options.camera is not None:
        raise ConfigurationError("--video and --camera both replace the clip", remedy="give one of them")
    if options.clip is not None and not options.clip.is_file():
        raise ConfigurationError(f"there is no clip {options.clip}", remedy="name an existing file with --video")
    source = options.camera or str(options.clip.resolve() if options.clip else assets.clip_path())
    names = tuple(load_models(options.models)) if options.models is not None else ()
    return OwnInputs(source, clip_loops=options.camera is None, models_directory=options.models, models=names)


@contextmanager
def _places() -> Iterator[DemoPlaces]:
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    for attempt in range(100):
        run = Path(".roost", "demo", stamp if attempt == 0 else f"{stamp}.{attempt}").resolve()
        try:
            run.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    with tempfile.TemporaryDirectory(prefix="roost-", ignore_cleanup_errors=True) as runtime:
        yield DemoPlaces(run, Path(runtime))


@contextmanager
def _janitor(places: DemoPlaces) -> Iterator[None]:
    """Start the last one to leave; it goes when our end of its standard input closes, however that happens."""
    mark = places.run.name
    os.environ[RUN_MARK] = mark
    with subprocess.Popen(
        [*python_module("roost_daemon.demo.janitor"), "--mark", mark, "--runtime", str(places.runtime)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment({name: value for name, value in os.environ.items() if name != RUN_MARK}),
        start_new_session=True,
    ):
        yield


def _write(result: DemoResult, options: DemoOptions, places: DemoPlaces, out: TextIO) -> None:
    summary = json.dumps(result.summary.to_json(), indent=2, ensure_ascii=False)
    (places.run / "summary.json").write_text(summary + "\n", encoding="utf-8")
    if options.json_file is not None:
        try:
            options.json_file.write_text(summary + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {options.json_file}: {error.strerror}") from error
    for line in result.lines():
        out.write(line + "\n")
    picture = places.run / PICTURE_FILE
    if picture.exists():
        out.write(f"picture: {picture}\n")
    out.write(f"logs and summary: {places.run}\n")
    out.flush()
