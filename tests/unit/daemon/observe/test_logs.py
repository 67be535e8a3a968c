"""Logs: a line an event, ours and the libraries' alike."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import structlog

from roost.errors import ConfigurationError
from roost_daemon.observe.logs import logging_to


def test_json_lines_hold_event_level_and_fields(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "roost.log"
    with logging_to(path, level="info", log_format="json"):
        structlog.get_logger("missions").info("step started", node="1.2")
        structlog.get_logger("missions").debug("not kept")
        logging.getLogger("library").warning("beware of %s", "dogs")
    ours, theirs = (json.loads(line) for line in path.read_text().splitlines())
    assert (ours["event"], ours["level"], ours["logger"], ours["node"]) == ("step started", "info", "missions", "1.2")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("beware of dogs", "warning", "library")


def test_text_is_one_line_an_event(tmp_path: Path) -> None:
    path = tmp_path / "roost.log"
    with logging_to(path, level="info", log_format="text"):
        structlog.get_logger("start").info("journal done", took_s=0.1)
    (line,) = path.read_text().splitlines()
    assert "journal done" in line and "took_s=0.1" in line and "\x1b" not in line


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigurationError, match=r"cannot write the log file .*file/roost.log: "),
        logging_to(tmp_path / "file" / "roost.log", level="info", log_format="text"),
    ):
        pass
