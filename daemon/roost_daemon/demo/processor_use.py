"""How much processor time the processes of a run have used, read from `/proc`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_UTIME, _CSTIME = 13, 16


def processor_seconds(process_ids: Iterable[int]) -> float:
    """Processor time of these processes so far, and of their children that have ended, in seconds."""
    ticks = 0
    for process_id in process_ids:
        try:
            text = Path(f"/proc/{process_id}/stat").read_text()
        except OSError:
            continue  # it has ended; its parent counts it from now on
        fields = text[text.rindex(")") + 2 :].split()
        # Fields are numbered from 1 and the first two stand before the last parenthesis (proc(5)).
        ticks += sum(int(value) for value in fields[_UTIME - 2 : _CSTIME - 1])
    return ticks / os.sysconf("SC_CLK_TCK")
