"""The engine's worker: a process with a core of its own that loads the models and runs them, one at a time.

Started by `local.LocalEngine` and by nobody else; it ends when its parent does. A crash in native code costs this process,
never the daemon.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from roost.lifeline import die_with_parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, warm up, say that we are ready, answer until the parent closes the socket."""
    options = _parser().parse_args(arguments)
    die_with_parent()
    if options.cpu is not None:
        # Before any library makes a thread, so that all of them stay on this core.
        os.sched_setaffinity(0, {options.cpu})
    signal.signal(signal.SIGTERM, _stop)
    # The libraries come after the pinning, since they make their thread pools while they are imported.
    from roost_inference.engines.serving import serve

    with socket.socket(fileno=options.socket_fd) as channel:
        return serve(
            channel,
            options.frames_fd,
            options.models,
            threads=options.threads,
            provider=options.provider,
            allow_fallback=options.allow_fallback,
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m roost_inference.engines.worker",
        description="Runs models on frames for the daemon that started it. Prints one line of JSON when it is ready.",
    )
    parser.add_argument("--models", type=Path, required=True, help="directory with manifests (*.yaml)")
    parser.add_argument("--socket-fd", type=int, required=True, help="inherited socket for requests and replies")
    parser.add_argument("--frames-fd", type=int, required=True, help="inherited memory in which the frames lie")
    parser.add_argument("--cpu", type=int, help="the core to stay on; default: any")
    parser.add_argument("--threads", type=int, default=1, help="threads of one run (default: 1)")
    parser.add_argument("--provider", default="cpu", help="cpu, cuda or tensorrt (default: cpu)")
    parser.add_argument("--allow-fallback", action="store_true", help="run on the CPU where the provider cannot")
    return parser


def _stop(signal_number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
