"""Generates `proto/roost/v1/*_pb2*.py` from the contracts; `--check` compares instead of writing.

Generated code is committed: it refuses an older grpcio than its generator's, so both are pinned together.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"


def generate(out: Path) -> list[Path]:
    """Write the generated modules below `out`; returns their paths relative to it."""
    from grpc_tools import protoc

    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "roost" / "v1").glob("*.proto"))
    include = Path(protoc.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"-I{PROTO}",
        f"-I{include}",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet:{out}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        sys.exit("protoc failed; its message is above")
    (out / "roost" / "v1").mkdir(parents=True, exist_ok=True)
    (out / "roost" / "v1" / "__init__.py").write_text(
        '"""The gRPC contract, generated from the `.proto` files beside it. Do not edit."""\n'
    )
    return sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())


def main() -> None:
    """Generate, or with `--check` exit 1 where the committed code differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed code, write nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        names = generate(fresh)
        stale = [
            name
            for name in names
            if not (PROTO / name).exists() or not filecmp.cmp(fresh / name, PROTO / name, shallow=False)
        ]
        if arguments.check:
            if stale:
                sys.exit("generated code is stale: " + ", ".join(map(str, stale)) + "; run tools/generate_protos.py")
            return
        for name in stale:
            shutil.copy(fresh / name, PROTO / name)
            print("wrote", Path("proto") / name)


if __name__ == "__main__":
    main()
