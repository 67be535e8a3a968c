"""The one picture at the end of the demo: what the scheduler did, where the robots went, and what one of them saw.

`record` holds what must be known of a run, `canvas` the house's colours, type and smooth drawing, `timeline`, `site_map` and
`view` draw a panel each, `compose` puts them on one sheet. Pillow only; the same record gives the same picture.
"""

from roost_daemon.demo.picture.compose import SHEET_SIZE_PX, draw_story
from roost_daemon.demo.picture.record import Act, MarkKind, OutcomeMark, PictureRecord, Track, View, mark_of_result

__all__ = [
    "SHEET_SIZE_PX",
    "Act",
    "MarkKind",
    "OutcomeMark",
    "PictureRecord",
    "Track",
    "View",
    "draw_story",
    "mark_of_result",
]
