"""The live terminal view of the demo: fits 80x24, honours NO_COLOR, and leaves the terminal as it was.

Pure drawing: a `StoryState` in, a renderable out. Whoever shows it owns the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from roost.v1 import mission_pb2
from roost_daemon.demo.state import StoryState
from roost_daemon.site.model import Point, Site

WIDTH = 80
_MAP_COLUMNS, _MAP_ROWS = 27, 9
_TREE_WIDTH = WIDTH - _MAP_COLUMNS - 3
_STEP_MARKS = {
    mission_pb2.STEP_STATE_WAITING: (".", "dim"),
    mission_pb2.STEP_STATE_RUNNING: (">", "bold cyan"),
    mission_pb2.STEP_STATE_DONE: ("+", "green"),
    mission_pb2.STEP_STATE_FAILED: ("x", "bold red"),
    mission_pb2.STEP_STATE_REPAIRING: ("~", "bold yellow"),
}
_VERDICTS = {
    "satisfied": ("fulfilled", "green"),
    "currently_satisfied": ("kept so far", ""),
    "currently_violated": ("still to come", ""),
    "violated": ("BROKEN", "bold red"),
}
_VERDICT_WIDTH = 15


def render(state: StoryState, site: Site) -> RenderableType:
    """The whole view."""
    return Group(
        _headline(state),
        _models(state),
        _eyes(state),
        Columns([Group(*_mission(state)), _map(state, site)], padding=(0, 2)),
        *_rules(state),
        Text("\n".join(_cut(event, WIDTH) for event in list(state.events)[-2:]), style="dim"),
    )


def _headline(state: StoryState) -> Text:
    style = "bold red" if state.act == "overload" else "bold green"
    clock = f"{_clock(state.elapsed_s)}/{_clock(state.seconds)}"
    return Text.assemble(("Roost ", "bold"), f"{clock} ", (f"[{state.act}] ", style), _cut(state.caption, WIDTH - 32))


def _models(state: StoryState) -> Table:
    table = Table(box=None, pad_edge=False, width=WIDTH, header_style="bold")
    for heading in ("model", "tasks", "edge", "cloud", "late", "dropped", "stolen", "p95 ms"):
        table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for model in state.models:
        dropped = sum(model.dropped.values())
        table.add_row(
            _cut(model.name, 18),
            str(model.generated),
            Text(str(model.on_time_edge), "green"),
            Text(str(model.on_time_cloud), "blue"),
            Text(str(model.late), "yellow" if model.late else ""),
            Text(str(dropped), "red" if dropped else ""),
            Text(str(model.stolen), "magenta" if model.stolen else ""),
            f"{model.p95_ms:.0f}",
        )
    return table


def _eyes(state: StoryState) -> Text:
    cameras = [f"{camera.name} {camera.frames_per_second:.0f} fps" for camera in state.cameras]
    targets = [
        f"{target.name} {target.utilisation:.0%}" if target.healthy else f"{target.name} down" for target in state.targets
    ]
    facts = [f"{state.facts_replicated} facts shared"]
    return Text(_cut("  ".join([*cameras, *targets, *facts]), WIDTH), style="dim")


def _mission(state: StoryState) -> Iterator[Text]:
    if state.mission is None:
        yield Text("no mission yet", style="dim")
        return
    mission = state.mission
    name = mission_pb2.MissionState.Name(mission.state).removeprefix("MISSION_STATE_").lower()
    repaired = f", repaired {mission.repairs}x" if mission.repairs else ""
    yield Text(_pad(f"mission {name}{repaired}", _TREE_WIDTH), style="bold")
    for depth, node in _nodes(mission.tree, 0):
        mark, style = _STEP_MARKS.get(node.state, (" ", ""))
        robot = f"{node.robot}: " if node.robot else ""
        order = f" ({node.order})" if node.order else ""
        yield Text(_pad(f"{'  ' * depth}{mark} {robot}{node.label}{order}", _TREE_WIDTH), style=style)


def _rules(state: StoryState) -> Iterator[Text]:
    for rule in state.mission.rules if state.mission is not None else ():
        words, style = _VERDICTS.get(rule.verdict, ("not judged yet", "dim"))
        yield Text(_cut(f"{words:<{_VERDICT_WIDTH}}{rule.rule}", WIDTH), style=style)


def _nodes(node: mission_pb2.TaskNode, depth: int) -> Iterator[tuple[int, mission_pb2.TaskNode]]:
    yield depth, node
    for child in node.children:
        yield from _nodes(child, depth + 1)


def _map(state: StoryState, site: Site) -> Text:
    corners = [corner for area in site.areas.values() for corner in area.polygon]
    width_m, height_m = max(c.x_m for c in corners), max(c.y_m for c in corners)

    def cell(point: Point) -> tuple[int, int]:
        column = round(point.x_m / width_m * (_MAP_COLUMNS - 1))
        row = round((1 - point.y_m / height_m) * (_MAP_ROWS - 1))
        return min(max(row, 0), _MAP_ROWS - 1), min(max(column, 0), _MAP_COLUMNS - 1)

    canvas = [[" "] * _MAP_COLUMNS for _ in range(_MAP_ROWS)]
    for passage in site.passages.values():
        for share in (0.0, 0.5, 1.0):
            start, end = passage.ends
            row, column = cell(Point(_between(start.x_m, end.x_m, share), _between(start.y_m, end.y_m, share)))
            canvas[row][column] = "."
    for area in site.areas.values():
        cells = [cell(corner) for corner in area.polygon]
        top, left = min(row for row, _ in cells), min(column for _, column in cells)
        bottom, right = max(row for row, _ in cells), max(column for _, column in cells)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                canvas[row][column] = "-" if row in (top, bottom) else "|" if column in (left, right) else " "
        for offset, letter in enumerate(area.name[: right - left - 1]):
            canvas[(top + bottom) // 2][left + 1 + offset] = letter
    for robot in state.robots:
        row, column = cell(Point(robot.pose.x_m, robot.pose.y_m))
        canvas[row][column] = robot.name[-1]
    text = Text("\n".join("".join(row) for row in canvas))
    text.highlight_regex(r"\d", "bold cyan")
    return text


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _pad(text: str, width: int) -> str:
    return _cut(text, width).ljust(width)
