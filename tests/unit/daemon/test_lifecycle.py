"""The staged start: a stage that fails or takes too long is named; what was started is undone in reverse."""

from __future__ import annotations

import anyio
import pytest

from roost.clock import Clocks
from roost.errors import UnavailableError
from roost_daemon.lifecycle import Lifecycle, LifeState, StageError

pytestmark = pytest.mark.anyio


async def nothing() -> None:
    pass


async def test_stages_are_recorded_with_their_limits() -> None:
    lifecycle = Lifecycle(Clocks(monotonic_ns=iter(range(0, 1000, 10)).__next__))
    await lifecycle.stage("journal", 10, nothing)
    lifecycle.ready()
    assert [(stage.name, stage.took_ns, stage.limit_ns) for stage in lifecycle.stages] == [("journal", 10, 10_000_000_000)]
    assert lifecycle.state is LifeState.READY


async def test_a_stage_that_takes_too_long_is_named() -> None:
    with pytest.raises(StageError) as caught:
        await Lifecycle(Clocks()).stage("robots", 0.01, anyio.sleep_forever)
    assert str(caught.value) == (
        "start: stage 'robots' was not done within its limit of 0.01 s; "
        "see the log above; a slow machine may need a higher daemon.start.robots_s"
    )


async def test_a_stage_that_fails_says_why() -> None:
    async def fail() -> None:
        raise UnavailableError("no broker at 127.0.0.1:1883", remedy="start one")

    with pytest.raises(StageError) as caught:
        await Lifecycle(Clocks()).stage("memory", 1, fail)
    assert str(caught.value) == "start: stage 'memory' failed: no broker at 127.0.0.1:1883; start one"


async def test_the_stop_runs_in_reverse_and_leaves_a_step_that_hangs() -> None:
    lifecycle, stopped = Lifecycle(Clocks()), []
    for name in ("journal", "hangs", "interfaces"):

        async def step(name: str = name) -> None:
            if name == "hangs":
                await anyio.sleep_forever()
            stopped.append(name)

        lifecycle.on_stop(name, step)
    await lifecycle.stop(0.01)
    assert stopped == ["interfaces", "journal"]
    assert lifecycle.state is LifeState.STOPPING
