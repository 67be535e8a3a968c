"""What Fast DDS leaves in /dev/shm when its processes are killed, and how to sweep it.

Each participant has a segment, each port a segment, a lock file and a semaphore. A process that ends in good order removes
its own; a killed one cannot. Files form families (`fastdds_port7411`, `fastdds_port7411_el`, `sem.fastdds_port7411_mutex`); a
family is swept only when no living process maps or has open any file of it. The trace library that rclpy links leaves files
of its own.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_FAMILY = re.compile(r"^(?:sem\.)?(fastdds_[0-9a-z]+|fast_datasharing_\w+|lttng-ust-wait-\d+)(?:_el|_mutex|-\d+)?$")


def remove_abandoned(directory: Path = SHARED_MEMORY, processes: Path = Path("/proc")) -> list[Path]:
    """Remove this user's Fast DDS files that no living process uses; what was removed.

    A process that cannot be looked into belongs to another user, and so do the files that it uses.
    """
    families: defaultdict[str, list[Path]] = defaultdict(list)
    for path in directory.iterdir():
        family = _FAMILY.match(path.name)
        if family is not None and _is_ours(path):
            families[family.group(1)].append(path)
    used = _used_families(directory, processes)
    removed = []
    for name, paths in families.items():
        if name in used:
            continue
        for path in paths:
            path.unlink(missing_ok=True)
            removed.append(path)
    return sorted(removed)


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def _used_families(directory: Path, processes: Path) -> set[str]:
    used = set()
    for process in processes.iterdir():
        if not process.name.isdigit():
            continue
        for name in _used_names(process, directory):
            family = _FAMILY.match(name)
            if family is not None:
                used.add(family.group(1))
    return used


def _used_names(process: Path, directory: Path) -> set[str]:
    prefix = f"{directory}/"
    names = set()
    try:
        for line in (process / "maps").read_text().splitlines():
            path = line.split(maxsplit=5)[5:]
            if path and path[0].startswith(prefix):
                names.add(path[0].removeprefix(prefix).removesuffix(" (deleted)"))
        for handle in (process / "fd").iterdir():
            target = str(handle.readlink())
            if target.startswith(prefix):
                names.add(target.removeprefix(prefix).removesuffix(" (deleted)"))
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        pass  # it is another user's, or it has just ended
    return names
