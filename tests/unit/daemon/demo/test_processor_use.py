"""Processor time from `/proc`: that of living processes and of their children that have ended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from roost_daemon.demo.processor_use import processor_seconds

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_it_is_what_the_kernel_says_of_this_process() -> None:
    assert processor_seconds([os.getpid()]) == pytest.approx(sum(os.times()[:4]), abs=0.1)


def test_children_that_have_ended_count_with_their_parent() -> None:
    before_s = processor_seconds([os.getpid()])
    subprocess.run([sys.executable, "-c", BUSY], check=True)

    assert processor_seconds([os.getpid()]) - before_s >= 0.28


def test_who_has_gone_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass

    assert processor_seconds([gone.pid]) == 0.0
