"""One function with its environments: a call takes an idle one, or starts one, or is refused."""

from __future__ import annotations

import logging
import uuid

import anyio

from roost.errors import RoostError
from roost_cloud.aws_lambda.local.environment import Environment, EnvironmentStartError
from roost_cloud.aws_lambda.local.specification import Answer, FunctionSpec

_log = logging.getLogger(__name__)


class ThrottledError(RoostError):
    """All of the function's concurrency is in use."""

    reason = "THROTTLED"


class FunctionPool:
    """A function's environments. An environment serves one call at a time; calls never queue at a busy one."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec
        self.concurrency = spec.concurrency
        self._idle: list[Environment] = []
        self._environments: set[Environment] = set()
        self._busy = 0

    @property
    def pids(self) -> list[int]:
        """The processes that live now."""
        return sorted(environment.pid for environment in self._environments if environment.alive)

    async def prewarm(self, count: int) -> None:
        """Start so many environments before anybody calls, as provisioned concurrency does.

        Raises `EnvironmentStartError`.
        """
        for _ in range(count):
            self._idle.append(await self._start(provisioned=True))

    async def invoke(self, payload: bytes, request_id: str = "") -> Answer:
        """Run one call.

        Raises `ThrottledError`.
        """
        if self._busy >= self.concurrency:
            raise ThrottledError(f"'{self.spec.name}' runs {self._busy} calls, its concurrency is {self.concurrency}")
        self._busy += 1
        try:
            environment = self._take_idle()
            if environment is None:
                try:
                    environment = await self._start(provisioned=False)
                except EnvironmentStartError as error:
                    _log.warning("%s", error)
                    return Answer(error.report, failed=True)
            answer = await environment.invoke(request_id or str(uuid.uuid4()), payload)
            if environment.alive:
                self._idle.append(environment)
            else:
                self._environments.discard(environment)
            return answer
        finally:
            self._busy -= 1

    async def close(self) -> None:
        """End all environments."""
        async with anyio.create_task_group() as tasks:
            for environment in self._environments:
                tasks.start_soon(environment.stop)
        self._environments.clear()
        self._idle.clear()

    def _take_idle(self) -> Environment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.alive:
                return environment
            self._environments.discard(environment)
        return None

    async def _start(self, *, provisioned: bool) -> Environment:
        environment = await Environment.start(self.spec, provisioned=provisioned)
        self._environments.add(environment)
        return environment
