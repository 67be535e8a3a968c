"""A process that lives no longer than the one that started it: engine workers, skill hosts, cloud functions, worlds."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent dies, however that happens.

    parent: the process that started this one, where that is known; else whoever is the parent now. For Linux the parent is
    the thread that started this process (prctl(2)): start it from one that stays.
    Raises `OSError` where the kernel refuses, `SystemExit` where the parent is gone already.
    """
    expected = os.getppid() if parent is None else parent
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != expected:
        raise SystemExit("the parent process ended before this one began")
