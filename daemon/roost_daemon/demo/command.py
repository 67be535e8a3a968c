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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import anyio

from roost.errors import ConfigurationError, UnavailableError
from roost_daemon import assets
from roost_daemon.demo.configuration import DemoPlaces, OwnInputs
from roost_daemon.demo.janitor import IN_GOOD_ORDER
from roost_daemon.demo.result import DemoResult
from roost_daemon.demo.run import PICTURE_FILE, DemoRun
from roost_daemon.demo.screen import screen_for
from roost_daemon.processes.environment import RUN_MARK, child_environment
from roost_daemon.processes.processors import plan_processors
from roost_daemon.processes.supervisor import python_module
from roost_inference.cameras.source import VideoSource
from roost_inference.engines.describe import load_models

LEAST_SECONDS = 60
_INTERRUPTED = 130
_CLIP_READ_LIMIT_S = 5.0


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
    if options.json_file is not None and not options.json_file.absolute().parent.is_dir():
        raise ConfigurationError(
            f"there is no directory {options.json_file.parent} for {options.json_file.name}",
            remedy="name another file with --json",
        )
    inputs = _inputs(options)
    usable = frozenset(os.sched_getaffinity(0))
    try:
        processors = plan_processors(usable, pin=True)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, remedy="allow the demo at least two (taskset, cpuset)") from error
    os.sched_setaffinity(0, processors.others)
    screen = screen_for(out, headless=options.headless, environment=environment)
    with _places() as places, _janitor(places, out if screen.takes_terminal else None):
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
    if options.clip is not None:
        _check_clip(options.clip)
    source = options.camera or str(options.clip.resolve() if options.clip else assets.clip_path())
    names = tuple(load_models(options.models)) if options.models is not None else ()
    return OwnInputs(source, clip_loops=options.camera is None, models_directory=options.models, models=names)


def _check_clip(clip: Path) -> None:
    """Decode one picture of it."""
    if not clip.is_file():
        raise ConfigurationError(f"there is no clip {clip}", remedy="name an existing file with --video")
    try:
        with VideoSource("clip", str(clip), _CLIP_READ_LIMIT_S) as source:
            if next(source.pictures(), None) is None:
                raise ConfigurationError(f"no picture of {clip} can be decoded", remedy="name another file with --video")
    except UnavailableError as error:
        raise ConfigurationError(error.message, remedy="name another file with --video") from error


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
        except OSError as error:
            raise ConfigurationError(f"cannot make {run}: {error.strerror}", remedy="start the demo elsewhere") from error
    with tempfile.TemporaryDirectory(prefix="roost-", ignore_cleanup_errors=True) as runtime:
        yield DemoPlaces(run, Path(runtime))


@contextmanager
def _janitor(places: DemoPlaces, terminal: TextIO | None) -> Iterator[None]:
    """Start the last one to leave; it goes when our end of its standard input closes, however that happens.

    terminal: it gives this back if we cannot.
    """
    mark = str(places.run)
    os.environ[RUN_MARK] = mark
    with subprocess.Popen(
        [*python_module("roost_daemon.demo.janitor"), "--mark", mark, "--runtime", str(places.runtime)],
        stdin=subprocess.PIPE,
        stdout=terminal or subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment({name: value for name, value in os.environ.items() if name != RUN_MARK}),
        start_new_session=True,
        bufsize=0,
    ) as janitor:
        assert janitor.stdin is not None
        try:
            yield
        finally:
            with suppress(BrokenPipeError):  # it has been killed
                janitor.stdin.write(IN_GOOD_ORDER)


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
