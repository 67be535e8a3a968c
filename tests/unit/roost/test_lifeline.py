"""A simulated world does not outlive the one who started it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import os, time
from roost.lifeline import die_with_parent

die_with_parent()
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_it_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
        end_s = time.monotonic() + 10
        while alive(child) and time.monotonic() < end_s:
            time.sleep(0.02)
        assert not alive(child)
