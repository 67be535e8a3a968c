"""From what the story recorded to the picture at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roost.v1 import inference_pb2
from roost_daemon.demo.picture import Act, PictureRecord, Track, View, draw_story, mark_of_result
from roost_daemon.demo.story import KeptFrame, StoryRecord
from roost_daemon.site.model import Point, Site
from roost_inference.ports import Detection, Region

FORBIDDEN = {"yard": "never entered"}
_LONGEST_CAPTION = 110


def draw(record: StoryRecord, site: Site, closed: frozenset[str], seconds: float, path: Path) -> None:
    """Draw the picture into a PNG file."""
    ends = [begin_s for begin_s, _ in record.acts[1:]] + [seconds]
    picture = draw_story(
        PictureRecord(
            title="Roost: one story, told by the daemon itself",
            subtitle=f"{len(record.outcomes)} inferences, {len(record.tracks)} robots, {seconds:.0f} s",
            seconds=seconds,
            site=site,
            acts=tuple(Act(name, begin_s, end_s) for (begin_s, name), end_s in zip(record.acts, ends, strict=True)),
            outcomes=tuple(mark_of_result(result, finish_s) for finish_s, result in record.outcomes),
            tracks=tuple(
                Track(robot, tuple(Point(x_m, y_m) for x_m, y_m in points)) for robot, points in record.tracks.items()
            ),
            forbidden=FORBIDDEN,
            closed=closed,
            view=_view(record),
            captions=tuple(f"{at_s:.0f} s  {_cut(caption)}" for at_s, caption in record.captions),
        )
    )
    picture.save(path)


def _view(record: StoryRecord) -> View | None:
    """Of the frames that were kept, the one in which most was found."""
    views = [view for kept in record.frames for view in (_annotated(kept, record),)]
    return max(views, key=lambda view: len(view.detections), default=None)


def _annotated(kept: KeptFrame, record: StoryRecord) -> View:
    results = [result for _, result in record.outcomes if (result.camera, result.frame_id) == (kept.camera, kept.frame_id)]
    # The detector's box around a text says less than the recogniser's, which carries the text.
    read = any(result.model == "text_recogniser" and result.detections for result in results)
    found = [
        _detection(detection)
        for result in results
        if not (read and result.model == "text_detector")
        for detection in result.detections
    ]
    # A stream and a skill may have looked at the same frame.
    found = list(dict.fromkeys(found))
    texts = " ".join(dict.fromkeys(detection.text for detection in found if detection.text))
    caption = f"{kept.camera} at {kept.at_s:.0f} s" + (f", read: {texts}" if texts else "")
    image = np.frombuffer(kept.rgb, dtype=np.uint8).reshape(kept.height, kept.width, 3)
    return View(image, tuple(found), caption)


def _detection(found: inference_pb2.Detection) -> Detection:
    region = found.region
    return Detection(found.label, found.score, Region(region.left, region.top, region.right, region.bottom), found.text)


def _cut(caption: str) -> str:
    return caption if len(caption) <= _LONGEST_CAPTION else caption[: _LONGEST_CAPTION - 1] + "…"
