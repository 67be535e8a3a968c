"""Jobs side by side: the first error comes out as it is, and nothing goes on behind it."""

from __future__ import annotations

from functools import partial

import anyio
import anyio.lowlevel
import pytest

from roost.errors import RefusedError, UnavailableError
from roost_daemon.concurrency import all_of, while_running

pytestmark = pytest.mark.anyio


async def fail(error: Exception) -> None:
    raise error


async def test_all_jobs_are_done_before_it_returns() -> None:
    done: list[int] = []
    meet = anyio.Event()

    async def first() -> None:
        await meet.wait()
        done.append(1)

    async def second() -> None:
        meet.set()
        done.append(2)

    await all_of(first, second)
    assert done == [2, 1]


async def test_no_jobs_are_soon_done() -> None:
    await all_of()


async def test_the_first_error_comes_out_itself_and_the_others_are_cancelled() -> None:
    cancelled = anyio.Event()

    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    with pytest.raises(RefusedError, match="no"):
        await all_of(wait, partial(fail, RefusedError("no")))
    assert cancelled.is_set()


async def test_an_error_that_is_not_ours_is_a_defect_and_is_not_hidden() -> None:
    with pytest.RaisesGroup(ZeroDivisionError):
        await all_of(partial(fail, ZeroDivisionError()))


async def test_the_others_end_with_the_main_job() -> None:
    cancelled = anyio.Event()

    async def beside() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    await while_running(anyio.lowlevel.checkpoint, beside)
    assert cancelled.is_set()


async def test_one_that_fails_beside_ends_the_main_job() -> None:
    with pytest.raises(UnavailableError, match="the broker is away"):
        await while_running(anyio.sleep_forever, partial(fail, UnavailableError("the broker is away")))


async def test_one_that_is_done_beside_does_not_end_the_main_job() -> None:
    beside_done = anyio.Event()

    async def beside() -> None:
        beside_done.set()

    await while_running(beside_done.wait, beside)
    assert beside_done.is_set()


async def test_a_cancellation_from_outside_goes_through() -> None:
    with anyio.move_on_after(0) as scope:
        await while_running(anyio.sleep_forever, anyio.sleep_forever)
    assert scope.cancelled_caught
