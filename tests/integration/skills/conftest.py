"""A gateway and a daemon that say what a test wants, each a real gRPC server on a Unix socket, for a real skill host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest

from roost.clock import Clocks
from roost.errors import UnknownNameError
from roost.v1 import gateway_pb2, gateway_pb2_grpc, inference_pb2, inference_pb2_grpc, skill_host_pb2, skill_host_pb2_grpc
from roost.wire import abort, deadline_to_proto, struct_to_proto

SOURCED_ROS = {"ROS_DOMAIN_ID": "7", "AMENT_PREFIX_PATH": "/opt/ros", "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"}


@dataclass
class ScriptedGateway(gateway_pb2_grpc.RobotGatewayServiceServicer):
    """Answers every command as it is told to. hold: commands go on until their client goes away."""

    hold: bool = False
    end: gateway_pb2.CommandResponse = field(
        default_factory=lambda: gateway_pb2.CommandResponse(state=gateway_pb2.COMMAND_STATE_DONE)
    )
    holding: str = ""
    commands: list[gateway_pb2.CommandRequest] = field(default_factory=list)
    cancelled: int = 0

    async def Command(self, request: gateway_pb2.CommandRequest, context: Any) -> AsyncIterator[Any]:
        self.commands.append(request)
        yield gateway_pb2.CommandResponse(state=gateway_pb2.COMMAND_STATE_ACCEPTED)
        if self.hold:
            try:
                await anyio.sleep_forever()
            finally:
                self.cancelled += 1
        yield self.end

    async def GetState(self, request: gateway_pb2.GetStateRequest, context: Any) -> Any:
        return gateway_pb2.GetStateResponse(
            state=gateway_pb2.RobotState(robot="drone1", holding=self.holding, accepting=True)
        )

    async def WatchState(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def Heartbeat(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def Stop(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


@dataclass
class ScriptedInference(inference_pb2_grpc.InferenceServiceServicer):
    """Answers every look by its model. drops: how many looks are dropped before the first that is not."""

    sign: str = "DEPOT3"
    vest_score: float = 0.1
    drops: int = 0
    requests: list[inference_pb2.InferRequest] = field(default_factory=list)

    async def Infer(self, request: inference_pb2.InferRequest, context: Any) -> Any:
        self.requests.append(request)
        if request.camera != "drone1":
            await abort(context, UnknownNameError(f"there is no camera '{request.camera}'"))
        result = inference_pb2.InferenceResult(
            model=request.model, frame_id=request.frame_id or 17, outcome=inference_pb2.OUTCOME_ON_TIME, target="edge"
        )
        if self.drops > 0:
            self.drops -= 1
            result.outcome, result.target, result.drop_reason = inference_pb2.OUTCOME_DROPPED, "none", "expired_on_edge"
        elif request.model == "text_detector":
            result.detections.add(label="text", score=0.9, region=inference_pb2.Region(left=10, top=5, right=60, bottom=25))
        elif request.model == "text_recogniser":
            result.detections.add(label="text", score=0.8, text=self.sign)
        else:
            result.detections.add(label="vest", score=self.vest_score)
        return inference_pb2.InferResponse(result=result)

    async def GetStats(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def WatchResults(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


@dataclass
class Stage:
    """A skill host process between a scripted gateway and a scripted daemon."""

    gateway: ScriptedGateway
    inference: ScriptedInference
    process: subprocess.Popen[str]
    stub: Any

    def call(self, skill: str, arguments: dict[str, object], **extra: Any) -> Any:
        """Begin a run."""
        deadline = extra.pop("deadline", None)
        request = skill_host_pb2.RunSkillRequest(
            **{"skill": skill, "robot": "drone1", "arguments": struct_to_proto(arguments), "issuer": "m1/1", **extra}
        )
        if deadline is not None:
            request.deadline.CopyFrom(deadline_to_proto(deadline, Clocks()))
        return self.stub.RunSkill(request)

    async def run(self, skill: str, arguments: dict[str, object], **extra: Any) -> list[skill_host_pb2.RunSkillResponse]:
        """Run a skill to its end."""
        with anyio.fail_after(20):
            return [response async for response in self.call(skill, arguments, **extra)]


Open = Callable[[], Any]


@pytest.fixture
def stage(runtime_directory: Path) -> Open:
    """Starts the three."""
    sockets = {name: runtime_directory / f"{name}.sock" for name in ("skills", "gateway", "daemon")}

    @asynccontextmanager
    async def opened() -> AsyncIterator[Stage]:
        gateway, inference = ScriptedGateway(), ScriptedInference()
        server = grpc.aio.server()
        gateway_pb2_grpc.add_RobotGatewayServiceServicer_to_server(gateway, server)
        server.add_insecure_port(f"unix:{sockets['gateway']}")
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(inference, server)
        server.add_insecure_port(f"unix:{sockets['daemon']}")
        await server.start()
        process = await anyio.to_thread.run_sync(start_host, sockets)
        channel = grpc.aio.insecure_channel(f"unix:{sockets['skills']}")
        try:
            yield Stage(gateway, inference, process, skill_host_pb2_grpc.SkillHostServiceStub(channel))
        finally:
            await channel.close(None)
            await anyio.to_thread.run_sync(end, process)
            await server.stop(None)

    return opened


def start_host(sockets: dict[str, Path]) -> subprocess.Popen[str]:
    """Start a host as the daemon does, but with a sourced ROS left in its environment."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "roost_skills.host", "--robot", "drone1", "--camera", "drone1"),
            *("--socket", str(sockets["skills"]), "--gateway", str(sockets["gateway"]), "--daemon", str(sockets["daemon"])),
        ],
        stdout=subprocess.PIPE,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | SOURCED_ROS,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] is True
    assert ready["skills"] == ["carry", "inspect", "navigate"]
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End the host if it still runs."""
    with process:
        if process.poll() is None:
            process.kill()
