"""What crosses the wire arrives as what it was: deadlines, poses, states, contracts, and errors with their exact type."""

from __future__ import annotations

import grpc
import pytest

from roost.clock import Clocks, Deadline
from roost.contract import Parameter, SkillContract
from roost.errors import DeadlineExceededError, RefusedError, RoostError, UnavailableError, UnknownNameError
from roost.robot import CommandFailedError, Pose, RobotState
from roost.v1 import common_pb2
from roost.wire import (
    PROBLEM_METADATA_KEY,
    RemoteError,
    deadline_from_proto,
    deadline_to_proto,
    error_from_call,
    error_from_problem,
    pose_from_proto,
    pose_to_proto,
    problem_to_proto,
    robot_state_from_proto,
    robot_state_to_proto,
    skill_to_proto,
    status_code,
    struct_from_proto,
    struct_to_proto,
)


class KeepOutError(RefusedError):
    reason = "KEEP_OUT"


class HouseError(RoostError):
    reason = "HOUSE"


def clocks(monotonic_ns: int, utc_ns: int, error_ns: int = 0) -> Clocks:
    return Clocks(monotonic_ns=lambda: monotonic_ns, utc_ns=lambda: utc_ns, utc_error_ns=error_ns)


def call_error(code: grpc.StatusCode, *metadata: tuple[str, bytes], details: str = "") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*metadata), details)


def test_a_deadline_keeps_its_budget_between_machines_with_equal_clocks() -> None:
    sender = clocks(1_000, 5_000_000)
    receiver = clocks(777_000, 5_000_000)
    message = deadline_to_proto(Deadline(1_000 + 2_000_000_000), sender)
    assert deadline_from_proto(message, receiver) == Deadline(777_000 + 2_000_000_000)


def test_a_deadline_loses_the_time_that_the_message_travelled() -> None:
    message = deadline_to_proto(Deadline(2_000_000_000), clocks(0, 10_000_000_000))
    later = clocks(0, 10_500_000_000)
    assert deadline_from_proto(message, later).remaining_ns(later) == 1_500_000_000


def test_a_robot_state_survives_the_round_trip() -> None:
    state = RobotState("drone1", Pose(1.0, 2.0, 0.5, 1.2), 0.4, 30_000_000, "depot", "crate", "moving")
    message = robot_state_to_proto(state, accepting=False, problem=KeepOutError("no", remedy="go round"))
    assert robot_state_from_proto(message) == state
    assert (message.accepting, message.problem.reason, message.problem.remedy) == (False, "KEEP_OUT", "go round")
    assert pose_from_proto(pose_to_proto(state.pose)) == state.pose


def test_a_result_survives_the_round_trip() -> None:
    result = {"sign": "DEPOT3", "vest": False, "frame_id": 17, "boxes": [{"left": 1}]}
    assert struct_from_proto(struct_to_proto(result)) == result


def test_a_contract_is_said_whole() -> None:
    contract = SkillContract(
        "wave",
        "Wave.",
        (Parameter("place", "place", "Where."),),
        ("idle(robot)",),
        ("waved(robot)",),
        True,
        ("robot",),
        5.0,
        "Rests.",
    )
    message = skill_to_proto(contract, ("drone1",))
    assert (message.name, message.parameters[0].kind, message.repeatable, list(message.robots)) == (
        "wave",
        "place",
        True,
        ["drone1"],
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownNameError("x"), grpc.StatusCode.NOT_FOUND),
        (KeepOutError("x"), grpc.StatusCode.FAILED_PRECONDITION),
        (UnavailableError("x"), grpc.StatusCode.UNAVAILABLE),
        (DeadlineExceededError("x"), grpc.StatusCode.DEADLINE_EXCEEDED),
        (CommandFailedError("x"), grpc.StatusCode.ABORTED),
        (HouseError("x"), grpc.StatusCode.INTERNAL),
    ],
)
def test_an_error_comes_back_as_the_nearest_type_with_its_own_reason(error: RoostError, code: grpc.StatusCode) -> None:
    assert status_code(error) is code
    received = error_from_call(
        call_error(code, (PROBLEM_METADATA_KEY, problem_to_proto(error).SerializeToString())), "the daemon"
    )
    assert (received.reason, received.message, received.remedy) == (error.reason, error.message, error.remedy)
    expected = {KeepOutError: RefusedError, HouseError: RemoteError}.get(type(error), type(error))
    assert type(received) is expected


def test_a_problem_in_a_stream_keeps_the_failed_passage() -> None:
    problem = common_pb2.Problem(reason="BLOCKED", message="cannot pass", remedy="another way")
    error = error_from_problem(problem, CommandFailedError, failed_passage="lane_west")
    assert isinstance(error, CommandFailedError)
    assert (error.reason, error.failed_passage, str(error)) == ("BLOCKED", "lane_west", "cannot pass; another way")


def test_a_reason_set_on_one_error_leaves_its_type_alone() -> None:
    error_from_problem(common_pb2.Problem(reason="ODD", message="x"), CommandFailedError)
    assert CommandFailedError.reason == "COMMAND_FAILED"


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, UnavailableError, "the daemon does not answer; is it running? its log says why not"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceededError, "the daemon did not answer in time"),
        (
            grpc.StatusCode.UNIMPLEMENTED,
            UnavailableError,
            "the daemon does not serve this; its configuration has no models or no robots for it",
        ),
        (grpc.StatusCode.UNKNOWN, RemoteError, "the daemon failed: UNKNOWN; its log says more"),
    ],
)
def test_a_failure_of_the_call_itself_is_one_clear_line(code: grpc.StatusCode, kind: type[RoostError], text: str) -> None:
    error = error_from_call(call_error(code), "the daemon")
    assert (type(error), str(error)) == (kind, text)
