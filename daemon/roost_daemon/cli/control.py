"""The verbs that talk to a running daemon: `status goal preview watch cancel stop skills models memory`."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from roost.clock import Clocks, Deadline, seconds_to_ns
from roost_daemon.cli.exit_codes import ExitCode
from roost_daemon.cli.output import Output, print_json, print_line, print_table

if TYPE_CHECKING:
    from roost.client import RoostClient
    from roost.v1 import mission_pb2

_T = TypeVar("_T")
_DEFAULT_SOCKET = "~/.local/state/roost/run/daemon.sock"

control = typer.Typer()

Socket = Annotated[
    Path, typer.Option("--socket", envvar="ROOST_SOCKET", help="The daemon's Unix socket.", show_default=_DEFAULT_SOCKET)
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Print a table, or JSON.")]
_SOCKET = Path(_DEFAULT_SOCKET)


def _ask(socket: Path, question: Callable[[RoostClient], Awaitable[_T]]) -> _T:
    """Open a client, ask, close it."""
    import anyio

    from roost.client import RoostClient

    address = f"unix:{socket.expanduser()}"

    async def ask() -> _T:
        async with RoostClient(address) as client:
            return await question(client)

    return anyio.run(ask)


@control.command()
def status(socket: Socket = _SOCKET, output: OutputOption = Output.TABLE) -> None:
    """How the daemon, its parts and its robots do."""
    answer = _ask(socket, lambda client: client.status())
    if output is Output.JSON:
        print_json(answer)
        return
    up_s = answer.uptime.ToMilliseconds() / 1000
    print_line(f"{answer.name} {answer.version}: {answer.state}, up {up_s:.0f} s, {answer.facts_replicated} facts replicated")
    parts = [(part.name, part.state, part.restarts, part.process_id or "", part.message) for part in answer.components]
    print_table(("part", "state", "restarts", "pid", "message"), parts)
    robots = [
        (robot.name, f"{robot.pose.x_m:.2f}, {robot.pose.y_m:.2f}", f"{robot.speed_mps:.2f}", robot.place, robot.activity)
        for robot in answer.robots
    ]
    if robots:
        print_table(("robot", "x, y (m)", "m/s", "place", "activity"), robots)


@control.command()
def goal(
    text: Annotated[str, typer.Argument(help="What shall happen, in plain words; quote it.")],
    deadline_s: Annotated[float | None, typer.Option("--deadline", help="It must be done within so many seconds.")] = None,
    key: Annotated[str, typer.Option(help="Idempotency key: the same key is the same goal.")] = "",
    wait: Annotated[bool, typer.Option(help="Stay and print its events until it ends.")] = True,
    socket: Socket = _SOCKET,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check, plan and run a goal.

    Example: roost goal "drone1, inspect the depot and then the dock, but never enter the yard"
    """
    deadline = None if deadline_s is None else Deadline.after(Clocks(), seconds_to_ns(deadline_s))

    async def submit(client: RoostClient) -> mission_pb2.Mission:
        mission = await client.submit(text, idempotency_key=key or uuid.uuid4().hex, deadline=deadline)
        if output is Output.TABLE:
            _print_mission(mission)
        if not wait or _has_ended(mission):
            return mission
        async for update in client.watch(mission.id):
            mission = update.mission
            if output is Output.TABLE:
                _print_event(update.event)
        return mission

    mission = _ask(socket, submit)
    if output is Output.JSON:
        print_json(mission)
    _exit_for(mission)


@control.command()
def preview(
    text: Annotated[str, typer.Argument(help="The goal in plain words; quote it.")],
    socket: Socket = _SOCKET,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what a goal would become: its tree, its specification and its plan. Nothing moves."""
    mission = _ask(socket, lambda client: client.preview(text))
    if output is Output.JSON:
        print_json(mission)
    else:
        _print_mission(mission)
    _exit_for(mission)


@control.command()
def watch(
    mission: Annotated[str, typer.Argument(help="The mission; without one, all missions are listed.")] = "",
    after: Annotated[int, typer.Option(help="Go on after this event.")] = 0,
    socket: Socket = _SOCKET,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print a mission's history and then its events as they happen, until it ends."""
    if not mission:
        missions = _ask(socket, lambda client: client.missions())
        if output is Output.JSON:
            print_json(missions)
        else:
            print_table(("mission", "state", "repairs", "goal"), [(m.id, _state(m), m.repairs, m.goal) for m in missions])
        return

    async def follow(client: RoostClient) -> None:
        async for update in client.watch(mission, resume_after=after):
            if output is Output.JSON:
                print_json(update.event)
            else:
                _print_event(update.event)

    _ask(socket, follow)


@control.command()
def cancel(
    mission: Annotated[str, typer.Argument(help="The mission.")],
    socket: Socket = _SOCKET,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop a mission and the robots that it moves."""
    answer = _ask(socket, lambda client: client.cancel(mission))
    if output is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{answer.id}: {_state(answer)}")


@control.command()
def stop(socket: Socket = _SOCKET, output: OutputOption = Output.TABLE) -> None:
    """Stop every robot and cancel every mission, now."""
    answer = _ask(socket, lambda client: client.stop_all())
    if output is Output.JSON:
        print_json(answer)
    else:
        print_line(
            f"stopped: {', '.join(answer.robots) or 'no robots'}; cancelled: {', '.join(answer.missions) or 'no missions'}"
        )


@control.command()
def skills(socket: Socket = _SOCKET, output: OutputOption = Output.TABLE) -> None:
    """What the robots can do."""
    answer = _ask(socket, lambda client: client.skills())
    if output is Output.JSON:
        print_json(answer)
        return
    rows = [
        (f"{skill.name}({', '.join(p.name for p in skill.parameters)})", ", ".join(skill.robots), skill.description)
        for skill in answer
    ]
    print_table(("skill", "robots", "what it does"), rows)


@control.command()
def models(socket: Socket = _SOCKET, output: OutputOption = Output.TABLE) -> None:
    """What the models have done, and where."""
    answer = _ask(socket, lambda client: client.stats())
    if output is Output.JSON:
        print_json(answer)
        return
    rows = [
        (
            model.name,
            model.generated,
            model.on_time_edge,
            model.on_time_cloud,
            model.late,
            sum(model.dropped.values()),
            model.stolen,
            f"{model.p50_ms:.0f}",
            f"{model.p95_ms:.0f}",
        )
        for model in answer.models
    ]
    print_table(("model", "tasks", "edge", "cloud", "late", "dropped", "stolen", "p50 ms", "p95 ms"), rows)
    places = [(target.name, "ok" if target.healthy else "--", target.message) for target in answer.targets]
    eyes = [
        (camera.name, "ok" if camera.healthy else "--", camera.message or f"{camera.frames_per_second:.1f} frames/s")
        for camera in answer.cameras
    ]
    print_table(("place or camera", "", "message"), [*places, *eyes])


@control.command()
def memory(
    prefix: Annotated[str, typer.Argument(help="Only facts whose key begins so.")] = "",
    socket: Socket = _SOCKET,
    output: OutputOption = Output.TABLE,
) -> None:
    """The facts that the robots share."""
    from google.protobuf import json_format

    answer = _ask(socket, lambda client: client.facts(prefix))
    if output is Output.JSON:
        print_json(answer)
        return
    rows = [(fact.key, json_format.MessageToJson(fact.value, indent=None), fact.source) for fact in answer]
    print_table(("fact", "value", "source"), rows)


def _print_mission(mission: mission_pb2.Mission) -> None:
    print_line(f"{mission.id or 'preview'}: {_state(mission)}")
    if mission.problem.message:
        print_line(f"  {mission.problem.message}; {mission.problem.remedy}".rstrip("; "))
    for line in mission.explanation:
        print_line(f"  {line}")


def _print_event(event: mission_pb2.MissionEvent) -> None:
    print_line(f"{event.time.ToDatetime():%H:%M:%S}  {event.kind:<13}{event.node:<7}{event.message}")


def _state(mission: mission_pb2.Mission) -> str:
    from roost.v1 import mission_pb2

    return mission_pb2.MissionState.Name(mission.state).removeprefix("MISSION_STATE_").lower()


def _has_ended(mission: mission_pb2.Mission) -> bool:
    return _state(mission) != "running"


def _exit_for(mission: mission_pb2.Mission) -> None:
    if _state(mission) == "refused":
        raise typer.Exit(ExitCode.REFUSED)
    if _state(mission) in ("failed", "cancelled", "interrupted"):
        raise typer.Exit(ExitCode.FAILED)
