"""What a function of the embedded endpoint is, the limits of AWS Lambda, and its words for a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAX_SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 * 1024
MAX_EVENT_PAYLOAD_BYTES = 1024 * 1024
LOG_TAIL_BYTES = 4096

REGION = "us-east-1"
DUMMY_ACCESS_KEY_ID = "ROOSTLOCAL"
DUMMY_SECRET_ACCESS_KEY = "opens-nothing"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function: its handler (`package.module.name`), limits, environment variables, and where its code lies.

    concurrency: reserved concurrency, so many calls at once and no more. start_timeout_s is longer than AWS's ten seconds,
    since a loaded edge is slower. code: a directory that goes on the import path; None for code that is installed.
    """

    name: str
    handler: str
    concurrency: int = 4
    timeout_s: float = 3.0
    start_timeout_s: float = 60.0
    memory_mb: int = 1769
    variables: Mapping[str, str] = field(default_factory=dict)
    code: Path | None = None

    @property
    def arn(self) -> str:
        """Its Amazon resource name."""
        return f"arn:aws:lambda:{REGION}:000000000000:function:{self.name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to. failed: the body is a report of the function's failure. log: the tail of what it wrote."""

    body: bytes
    failed: bool
    log: bytes = b""


def failure_report(error_type: str, message: str) -> bytes:
    """A failure as AWS Lambda words it."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
