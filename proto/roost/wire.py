"""How the house's words cross a process boundary: deadlines, poses, states and errors as protobuf, both ways.

Every server (daemon, gateway, skill host) and every client converts here and nowhere else. The convention for errors:

- a server ends a call with a gRPC status code and a serialised `roost.v1.Problem` (reason, message, remedy) in the trailing
  metadata under `roost-problem-bin`; `problems_reported` does it for whatever `RoostError` leaves its body;
- a stream that carries a `Problem` in a message of its own (a command, a skill's run) uses the same message;
- a client reads either with `error_from_call` or `error_from_problem` and raises the exact type again. The stable name of
  the reason always survives; where the type is not known on this side, the nearest one that the status code names is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn, cast

import grpc
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from roost.clock import Clocks, Deadline, WireDeadline
from roost.contract import SkillContract
from roost.errors import (
    ConfigurationError,
    DeadlineExceededError,
    RefusedError,
    RoostError,
    UnavailableError,
    UnknownNameError,
)
from roost.robot import CommandFailedError, Pose, RobotState
from roost.v1 import common_pb2, gateway_pb2, skill_pb2

PROBLEM_METADATA_KEY = "roost-problem-bin"


class RemoteError(RoostError):
    """The other side failed in a way that it has no name for: a defect there."""

    reason = "REMOTE"


# From the most special to the least: the first that fits an error gives its status code.
_CODES: tuple[tuple[type[RoostError], grpc.StatusCode], ...] = (
    (UnknownNameError, grpc.StatusCode.NOT_FOUND),
    (RefusedError, grpc.StatusCode.FAILED_PRECONDITION),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (DeadlineExceededError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (ConfigurationError, grpc.StatusCode.INVALID_ARGUMENT),
    (CommandFailedError, grpc.StatusCode.ABORTED),
)


def deadline_to_proto(deadline: Deadline, clocks: Clocks) -> common_pb2.Deadline:
    """The deadline for the wire: UTC instant, the sender's clock error, remaining budget."""
    wire = deadline.to_wire(clocks)
    return common_pb2.Deadline(
        utc=timestamp_to_proto(wire.utc_ns),
        clock_error=duration_to_proto(wire.clock_error_ns),
        remaining=duration_to_proto(wire.remaining_ns),
    )


def deadline_from_proto(message: common_pb2.Deadline, clocks: Clocks) -> Deadline:
    """A sender's deadline on this machine's monotonic clock; of its two readings the stricter one."""
    return Deadline.from_wire(
        WireDeadline(
            utc_ns=message.utc.ToNanoseconds(),
            clock_error_ns=message.clock_error.ToNanoseconds(),
            remaining_ns=message.remaining.ToNanoseconds(),
        ),
        clocks,
    )


def timestamp_to_proto(utc_ns: int) -> Timestamp:
    """Nanoseconds since 1970 in UTC as a timestamp."""
    message = Timestamp()
    message.FromNanoseconds(utc_ns)
    return message


def duration_to_proto(duration_ns: int) -> Duration:
    """Nanoseconds as a duration."""
    message = Duration()
    message.FromNanoseconds(duration_ns)
    return message


def struct_to_proto(values: Mapping[str, object]) -> Struct:
    """Plain JSON values by name as a struct. Numbers become doubles."""
    message = Struct()
    json_format.ParseDict(dict(values), message)
    return message


def struct_from_proto(message: Struct) -> dict[str, Any]:
    """The plain JSON values of a struct; whole numbers come back as integers."""
    return json_format.MessageToDict(message)


def pose_to_proto(pose: Pose) -> common_pb2.Pose:
    """A pose for the wire."""
    return common_pb2.Pose(x_m=pose.x_m, y_m=pose.y_m, z_m=pose.z_m, yaw_rad=pose.yaw_rad)


def pose_from_proto(message: common_pb2.Pose) -> Pose:
    """A pose from the wire."""
    return Pose(x_m=message.x_m, y_m=message.y_m, yaw_rad=message.yaw_rad, z_m=message.z_m)


def robot_state_to_proto(state: RobotState, *, accepting: bool, problem: RoostError | None = None) -> gateway_pb2.RobotState:
    """A robot's state for the wire; `problem` says why its gateway accepts no command."""
    return gateway_pb2.RobotState(
        robot=state.robot,
        pose=pose_to_proto(state.pose),
        speed_mps=state.speed_mps,
        odometry_age=duration_to_proto(state.odometry_age_ns),
        place=state.place,
        holding=state.holding,
        activity=state.activity,
        accepting=accepting,
        problem=None if problem is None else problem_to_proto(problem),
    )


def robot_state_from_proto(message: gateway_pb2.RobotState) -> RobotState:
    """A robot's state from the wire."""
    return RobotState(
        robot=message.robot,
        pose=pose_from_proto(message.pose),
        speed_mps=message.speed_mps,
        odometry_age_ns=message.odometry_age.ToNanoseconds(),
        place=message.place,
        holding=message.holding,
        activity=message.activity,
    )


def skill_to_proto(contract: SkillContract, robots: tuple[str, ...] = ()) -> skill_pb2.Skill:
    """What a skill declares, and the robots that have it, for the wire."""
    return skill_pb2.Skill(
        name=contract.name,
        description=contract.description,
        parameters=[
            skill_pb2.SkillParameter(name=parameter.name, kind=parameter.kind, description=parameter.description)
            for parameter in contract.parameters
        ],
        preconditions=contract.preconditions,
        effects=contract.effects,
        repeatable=contract.repeatable,
        resources=contract.resources,
        robots=robots,
    )


def problem_to_proto(error: RoostError) -> common_pb2.Problem:
    """An error for the wire: its stable reason, what and where, what to do."""
    return common_pb2.Problem(reason=error.reason, message=error.message, remedy=error.remedy)


def error_from_problem(
    problem: common_pb2.Problem, otherwise: type[RoostError] = RemoteError, *, failed_passage: str = ""
) -> RoostError:
    """The error that a problem on the wire describes.

    Its type is the one that carries this reason, or else `otherwise`; the reason itself is kept in any case.
    `failed_passage` is kept by a `CommandFailedError`.
    """
    kind = next((kind for kind, _ in _CODES if kind.reason == problem.reason), otherwise)
    error = kind(problem.message, remedy=problem.remedy)
    error.reason = problem.reason or kind.reason
    if isinstance(error, CommandFailedError):
        error.failed_passage = failed_passage
    return error


def status_code(error: RoostError) -> grpc.StatusCode:
    """The gRPC status that an error ends a call with; `INTERNAL` for a type that the convention does not list."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: RoostError) -> NoReturn:
    """End a call with an error, by the convention of this module."""
    metadata = ((PROBLEM_METADATA_KEY, problem_to_proto(error).SerializeToString()),)
    await context.abort(status_code(error), str(error), metadata)
    raise AssertionError("abort always raises")


@asynccontextmanager
async def problems_reported(context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
    """Within this block of a servicer's method any `RoostError` ends the call by the convention of this module."""
    try:
        yield
    except RoostError as error:
        await abort(context, error)


def error_from_call(error: grpc.aio.AioRpcError, peer: str) -> RoostError:
    """The error behind a failed call. peer: who was called, in words ("the gateway of drone1").

    A status without a problem comes from gRPC itself, most often because nobody listens.
    """
    otherwise = next((kind for kind, code in _CODES if code is error.code()), RemoteError)
    # The published stubs call an item of the metadata an object; it is a pair.
    for key, value in cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()):
        if key == PROBLEM_METADATA_KEY and isinstance(value, bytes):
            return error_from_problem(common_pb2.Problem.FromString(value), otherwise)
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return UnavailableError(f"{peer} does not answer", remedy="is it running? its log says why not")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError(f"{peer} did not answer in time")
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return UnavailableError(f"{peer} does not serve this", remedy="its configuration has no models or no robots for it")
    return RemoteError(f"{peer} failed: {error.details() or error.code().name}", remedy="its log says more")
