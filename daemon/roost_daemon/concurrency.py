"""Side by side, with plain errors: what several tasks raise comes out as the first error itself, not as a group."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from roost.errors import RoostError


async def all_of(*jobs: Callable[[], Awaitable[object]]) -> None:
    """Run the jobs side by side until all are done; the first that raises a `RoostError` cancels the others and is raised."""
    errors: list[RoostError] = []
    async with anyio.create_task_group() as tasks:

        async def run(job: Callable[[], Awaitable[object]]) -> None:
            try:
                await job()
            except RoostError as error:
                errors.append(error)
                tasks.cancel_scope.cancel()

        for job in jobs:
            tasks.start_soon(run, job)
    if errors:
        raise errors[0]


async def while_running(main: Callable[[], Awaitable[object]], *others: Callable[[], Awaitable[object]]) -> None:
    """Run `main` to its end with the others beside it, which are cancelled then; the first `RoostError` of any is raised."""
    with anyio.CancelScope() as scope:

        async def run_main() -> None:
            await main()
            scope.cancel()

        await all_of(run_main, *others)
