"""`roost.v1.SkillService` over the skills' contracts."""

from __future__ import annotations

from collections.abc import Mapping

from roost.contract import SkillContract
from roost.v1 import skill_pb2, skill_pb2_grpc
from roost.wire import skill_to_proto
from roost_daemon.api.context import Context
from roost_daemon.site.model import RobotDescription


class SkillApi(skill_pb2_grpc.SkillServiceServicer):
    """Says which skills there are, and which robot has which."""

    def __init__(self, contracts: Mapping[str, SkillContract], robots: Mapping[str, RobotDescription]) -> None:
        self._contracts = contracts
        self._robots = robots

    async def ListSkills(self, request: skill_pb2.ListSkillsRequest, context: Context) -> skill_pb2.ListSkillsResponse:
        """Read all skills."""
        return skill_pb2.ListSkillsResponse(
            skills=[
                skill_to_proto(contract, tuple(robot.name for robot in self._robots.values() if name in robot.skills))
                for name, contract in sorted(self._contracts.items())
            ]
        )
