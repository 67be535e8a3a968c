"""Judges the exported vest detector on pictures that it was not trained on, and writes its model card.

The file is judged as the demo runs it: by its manifest, with the same preparation, run and decoding.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mujoco
import numpy as np
import onnxruntime
import vest_pictures
from vest_pictures import Box, Picture

import roost_daemon.demo
from roost_inference.engines.runner import ModelRunner
from roost_inference.models.manifest import load_manifest

NAME = "vest_detector"
TEMPLATE = Path(__file__).with_name("vest_card_template.md")
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
OVERLAP = 0.3
"""Low, since a centre is only known to a cell of 8 pixels and a vest at 8 m is 14 pixels wide."""

TEST_SEED, EMPTY_SEED, STORY_SEED = 90_001, 90_002, 90_003
TIMED_RUNS = 100


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the card says of the training."""

    parameters: int
    pictures: int
    with_vest: int
    epochs: int
    seed: int
    rendered_s: float
    trained_s: float
    processor_s: float
    threads: int
    torch_version: str


@dataclass(slots=True)
class Score:
    """Counts over pictures: vests found, vests missed, boxes that are none, and pictures with such a box."""

    pictures: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0
    pictures_with_false: int = 0

    def add(self, picture: Picture, boxes: Sequence[Box]) -> None:
        """Count one picture. A box on a vest too small to be judged counts neither way."""
        left, false = list(picture.boxes), 0
        for box in boxes:
            best = max(left, key=lambda vest: overlap(box, vest), default=None)
            if best is not None and overlap(box, best) >= OVERLAP:
                left.remove(best)
                self.found += 1
            elif not any(overlap(box, vest) > 0.1 for vest in picture.unsure):
                false += 1
        self.pictures += 1
        self.missed += len(left)
        self.false += false
        self.pictures_with_false += false > 0

    def row(self, name: str, threshold: float) -> str:
        """A line of the card's table."""
        vests = self.found + self.missed
        precision = f"{self.found / (self.found + self.false):.3f}" if self.found else "-"
        recall = f"{self.found / vests:.3f}" if vests else "-"
        alarms = f"{self.pictures_with_false} ({self.pictures_with_false / self.pictures:.1%})"
        return f"| {name} | {threshold:.1f} | {self.pictures} | {vests} | {precision} | {recall} | {alarms} |"


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def judge(runner: ModelRunner, pictures: Iterable[Picture]) -> dict[float, Score]:
    """Scores by threshold."""
    scores = {threshold: Score() for threshold in THRESHOLDS}
    for picture in pictures:
        found = runner.run(NAME, picture.image).detections
        for threshold, score in scores.items():
            regions = [detection.region for detection in found if detection.score >= threshold]
            score.add(picture, [(region.left, region.top, region.right, region.bottom) for region in regions])
    return scores


def write_card(path: Path, facts: TrainingFacts) -> None:
    """Judge the file and write the card beside it."""
    (demo,) = roost_daemon.demo.__path__
    manifest = load_manifest(Path(demo) / "models" / f"{NAME}.yaml")
    threshold = manifest.decoder_parameters["threshold"]
    lenient = {**manifest.decoder_parameters, "threshold": min(THRESHOLDS)}
    runner = ModelRunner({NAME: replace(manifest, file=path, sha256="", decoder_parameters=lenient)})
    judged = {
        "varied": judge(runner, vest_pictures.random_pictures(1500, TEST_SEED)),
        "varied, no vest": judge(runner, vest_pictures.random_pictures(1000, EMPTY_SEED, vests=False)),
        "the demo's own scene": judge(runner, vest_pictures.story_pictures(1500, STORY_SEED)),
    }
    rows = [score.row(name, value) for name, scores in judged.items() for value, score in scores.items()]
    card = TEMPLATE.read_text(encoding="utf-8").format(
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        size_kb=path.stat().st_size / 1000,
        facts=facts,
        median_ms=_median_run_ms(runner),
        threshold=threshold,
        overlap=OVERLAP,
        least_pixels=vest_pictures.LEAST_PIXELS,
        least_side_px=vest_pictures.LEAST_SIDE_PX,
        rows="\n".join(rows),
        seeds=f"{TEST_SEED}, {EMPTY_SEED}, {STORY_SEED}",
        rendered_min=facts.rendered_s / 60,
        trained_min=facts.trained_s / 60,
        processor_min=facts.processor_s / 60,
        mujoco=mujoco.__version__,
        onnxruntime=onnxruntime.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
    )
    path.with_suffix(".md").write_text(card, encoding="utf-8")
    print(card)


def _median_run_ms(runner: ModelRunner) -> float:
    """Processor time of a whole run: preparation, net, decoding."""
    image = np.zeros((240, 320, 3), np.uint8)
    times_s = []
    for _ in range(TIMED_RUNS):
        begin_s = time.thread_time()
        runner.run(NAME, image)
        times_s.append(time.thread_time() - begin_s)
    return 1000 * float(np.median(times_s))
