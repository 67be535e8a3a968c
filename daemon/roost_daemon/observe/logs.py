"""Structured logs: one line an event, for people or as JSON, to a file or standard error.

Our own modules log through structlog; whatever a library says through the standard `logging` module takes the same way out.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import structlog

from roost.errors import ConfigurationError

Format = Literal["json", "text"]


@contextlib.contextmanager
def logging_to(path: Path | None, *, level: str, log_format: Format) -> Iterator[None]:
    """Send all logs to the file (appended), or to standard error, while the context lasts.

    Raises `ConfigurationError` where the file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        stream: IO[str] = sys.stderr
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                stream = stack.enter_context(path.open("a", encoding="utf-8", buffering=1))
            except OSError as error:
                raise ConfigurationError(
                    f"cannot write the log file {path}: {error.strerror}", remedy="choose another one under log.file"
                ) from error
        handler = logging.StreamHandler(stream)
        handler.setFormatter(_formatter(log_format))
        root = logging.getLogger()
        previous = root.handlers[:], root.level
        root.handlers, root.level = [handler], logging.getLevelName(level.upper())
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        try:
            yield
        finally:
            root.handlers, root.level = previous
            structlog.reset_defaults()


def _formatter(log_format: Format) -> logging.Formatter:
    foreign: list[structlog.types.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
