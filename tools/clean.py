"""Removes what can be made again: caches of tools, runs of the demo, and Roost's part of the user's cache. Says how much."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from setup import CACHE
from steps import ROOT, VENV

IN_THE_CLONE = (
    ".coverage",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".roost",
    ".ruff_cache",
    ".venv310",
    "build",
    "dist",
)


def candidates() -> Iterator[Path]:
    """What is to be removed, whether it is there or not."""
    yield CACHE
    yield from (ROOT / name for name in IN_THE_CLONE)
    for path in ROOT.iterdir():
        if path.is_dir() and not path.name.startswith("."):
            yield from path.rglob("__pycache__")


def size_bytes(path: Path) -> int:
    """How much a file or a directory holds."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink())


def main() -> None:
    """Remove, and print the sum."""
    total = 0
    for path in list(candidates()):
        if path.exists():
            total += size_bytes(path)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    print(f"Removed {total / 1e6:.0f} MB of caches and runs.")
    if VENV.exists():
        print(f"The virtual environment stays ({size_bytes(VENV) / 1e6:.0f} MB); to remove it as well: rm -r .venv")


if __name__ == "__main__":
    main()
