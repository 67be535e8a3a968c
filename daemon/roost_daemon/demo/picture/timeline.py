"""The scheduler's time line: a lane for each model, in it a stack of bars for how the tasks of each moment ended."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from roost_daemon.demo.picture.canvas import CARD, INK, MARK_COLOURS, RULE, SOFT_INK, Canvas, Colour, Frame
from roost_daemon.demo.picture.record import MarkKind, OutcomeMark, PictureRecord

_LABELS_PX = 190.0
_SHARES_PX = 96.0
_ACTS_PX = 26.0
_AXIS_PX = 22.0
_LANE_GAP_PX = 8.0
_MOST_BINS = 150
_BIN_STEPS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_TICK_STEPS_S = (1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_ON_TIME = (MarkKind.EDGE, MarkKind.STOLEN, MarkKind.CLOUD)
_ACT_PAPERS: tuple[Colour, ...] = ((238, 243, 248), (253, 242, 228))


def draw_timeline(canvas: Canvas, card: Frame, record: PictureRecord) -> None:
    """Draw the panel on its card."""
    room = canvas.card(card, "What became of every inference")
    _draw_legend(canvas, card)
    plot = room.inset(_LABELS_PX, _ACTS_PX, _SHARES_PX, _AXIS_PX)
    _draw_acts(canvas, plot, record)
    models = sorted({mark.model for mark in record.outcomes})
    if not models:
        canvas.text(
            ((plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2), "no inference in this run", 15, SOFT_INK, "mm"
        )
    lane_px = plot.height / max(1, len(models))
    for number, model in enumerate(models):
        top = plot.top + number * lane_px
        lane = Frame(plot.left, top + _LANE_GAP_PX / 2, plot.right, top + lane_px - _LANE_GAP_PX / 2)
        _draw_lane(canvas, lane, model, [mark for mark in record.outcomes if mark.model == model], record.seconds)
    _draw_axis(canvas, plot, record.seconds)


def _draw_legend(canvas: Canvas, card: Frame) -> None:
    right = card.right - 18
    for kind in reversed(MarkKind):
        right -= canvas.text_width(kind.value, 13)
        canvas.text((right, card.top + 24), kind.value, 13, SOFT_INK)
        right -= 20
        canvas.box(Frame(right, card.top + 18, right + 12, card.top + 30), MARK_COLOURS[kind])
        right -= 18


def _draw_acts(canvas: Canvas, plot: Frame, record: PictureRecord) -> None:
    # Alternate, so that overload stands out between the calm acts.
    for number, act in enumerate(record.acts):
        left, right = (_at(plot, instant_s, record.seconds) for instant_s in (act.begin_s, act.end_s))
        canvas.box(Frame(left, plot.top - _ACTS_PX, right, plot.bottom), _ACT_PAPERS[number % 2])
        if number > 0:
            canvas.line([(left, plot.top - _ACTS_PX), (left, plot.bottom)], CARD, 2)
        canvas.text(((left + right) / 2, plot.top - _ACTS_PX / 2), act.name, 13, INK, "mm")


def _draw_lane(canvas: Canvas, lane: Frame, model: str, marks: Sequence[OutcomeMark], seconds: float) -> None:
    counts = Counter(mark.kind for mark in marks)
    on_time = sum(counts[kind] for kind in _ON_TIME)
    middle = (lane.top + lane.bottom) / 2
    canvas.text((lane.left - _LABELS_PX, middle - 8), model.replace("_", " "), 15)
    canvas.text((lane.left - _LABELS_PX, middle + 11), f"{len(marks)} tasks", 12, SOFT_INK)
    canvas.text((lane.right + 12, middle - 8), f"{100 * on_time / len(marks):.0f} %", 17, INK)
    canvas.text((lane.right + 12, middle + 11), "on time", 12, SOFT_INK)
    canvas.line([(lane.left, lane.bottom), (lane.right, lane.bottom)], RULE)
    bin_s = next((step for step in _BIN_STEPS_S if seconds / step <= _MOST_BINS), _BIN_STEPS_S[-1])
    last_bin = max(0, math.ceil(seconds / bin_s) - 1)
    stacks: dict[int, Counter[MarkKind]] = {}
    for mark in marks:
        stacks.setdefault(min(last_bin, max(0, int(mark.finish_s / bin_s))), Counter())[mark.kind] += 1
    tallest = max(stack.total() for stack in stacks.values())
    for number, stack in stacks.items():
        left, right = (_at(lane, edge * bin_s, seconds) for edge in (number, number + 1))
        bottom = lane.bottom
        for kind in MarkKind:
            top = bottom - lane.height * stack[kind] / tallest
            canvas.box(Frame(left + 0.5, top, min(right, lane.right) - 0.5, bottom), MARK_COLOURS[kind])
            bottom = top


def _draw_axis(canvas: Canvas, plot: Frame, seconds: float) -> None:
    step_s = next((step for step in _TICK_STEPS_S if seconds / step <= 12), _TICK_STEPS_S[-1])
    tick = 0
    while tick * step_s <= seconds:
        x = _at(plot, tick * step_s, seconds)
        canvas.line([(x, plot.bottom), (x, plot.bottom + 4)], SOFT_INK)
        canvas.text((x, plot.bottom + 14), f"{tick * step_s:g} s", 12, SOFT_INK, "mm")
        tick += 1


def _at(plot: Frame, instant_s: float, seconds: float) -> float:
    share = min(1.0, max(0.0, instant_s / seconds))
    return plot.left + plot.width * share
