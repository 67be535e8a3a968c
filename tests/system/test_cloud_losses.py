"""The cloud helps and is never a leash: what a daemon says and does when AWS Lambda has no room, fails, or is not there.

The model `far` is never worth a run on the edge, so that it always asks the cloud; `vest_detector` shows that the rest goes
on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from roost.clock import NANOSECONDS_PER_SECOND, Clocks, Deadline
from roost.skill import Look
from roost_cloud.aws_lambda.local.specification import DUMMY_ACCESS_KEY_ID, DUMMY_SECRET_ACCESS_KEY

pytestmark = [pytest.mark.system, pytest.mark.anyio, pytest.mark.timeout(180)]

SLOTS = 3
FAILING = """
def handler(event, context):
    raise ArithmeticError("seven is no answer")
"""


def with_cloud(site: Any, name: str, **cloud: Any) -> Any:
    far = site.demo_manifest("vest_detector")
    far["schedule"] = far["schedule"] | {"edge_cost": 200}
    return site.daemon(
        name,
        models=site.models(f"models-{name}", far=far),
        cameras={"eye": site.camera()},
        cloud={"aws_lambda": {"slots": SLOTS, "profile_calls": 1} | cloud},
    )


def elsewhere(endpoint_url: str) -> dict[str, str]:
    return {
        "endpoint_url": endpoint_url,
        "access_key_id": DUMMY_ACCESS_KEY_ID,
        "secret_access_key": DUMMY_SECRET_ACCESS_KEY,
    }


@pytest.fixture(scope="module")
def embedded(site: Any) -> Iterator[Any]:
    """A daemon whose function runs once at a time, and which may call it three times at once."""
    yield with_cloud(site, "embedded", embedded=True, concurrency=1)


async def ask(daemon: Any, times: int, seconds: float = 3.0) -> list[Look]:
    """Looks of `far` at once."""
    looks: list[Look] = []
    async with daemon.client() as roost, anyio.create_task_group() as tasks:

        async def look() -> None:
            deadline = Deadline.after(Clocks(), round(seconds * NANOSECONDS_PER_SECOND))
            looks.append(await roost.infer("far", camera="eye", deadline=deadline))

        for _ in range(times):
            tasks.start_soon(look)
    return looks


async def goes_on(daemon: Any) -> None:
    await daemon.looks_on_time("vest_detector", "edge")
    await daemon.counts_add_up()


async def test_a_look_goes_to_lambda(embedded: Any) -> None:
    await embedded.looks_on_time("far", "cloud")
    await goes_on(embedded)


async def test_what_lambda_has_no_room_for_is_dropped_as_busy(embedded: Any) -> None:
    looks = await ask(embedded, SLOTS)
    assert "cloud_busy" in {look.drop_reason for look in looks}
    assert "on_time" in {look.outcome for look in looks}, "the others are done"
    await embedded.said(
        "cloud: AWS Lambda has no room for 'far' on 'roost-inference' (429 TooManyRequestsException); "
        "send less, or raise the function's concurrency"
    )
    assert (await embedded.model("far")).dropped["cloud_busy"] >= 1
    await goes_on(embedded)


async def test_a_killed_endpoint_costs_what_was_on_its_way_and_is_started_again(embedded: Any) -> None:
    killed = await embedded.kill_part("cloud")
    (look,) = await ask(embedded, 1, seconds=0.5)
    assert look.outcome != "on_time"
    await embedded.said("cloud ended with signal SIGKILL", "starting it again")
    await goes_on(embedded)
    await embedded.part_is_back("cloud", but=killed)
    await embedded.looks_on_time("far", "cloud")
    await goes_on(embedded)


async def test_an_endpoint_that_is_not_there_is_said_and_the_edge_goes_on(site: Any) -> None:
    url = f"http://127.0.0.1:{site.free_port()}"
    daemon = with_cloud(site, "alone", **elsewhere(url))
    await goes_on(daemon)
    await daemon.said("the cloud could not be measured with far: ", f'Could not connect to the endpoint URL: "{url}')
    looks = await ask(daemon, SLOTS)
    assert {look.drop_reason for look in looks} == {"cloud_unreachable"}
    await daemon.said("cloud: no answer for 'far' from AWS Lambda", "check the end point and the network")
    (cloud,) = [target for target in (await daemon.stats()).targets if target.name == "cloud"]
    assert not cloud.healthy
    await goes_on(daemon)
    assert daemon.end() == 0


async def test_a_function_that_fails_is_said_with_its_error_and_the_edge_goes_on(site: Any) -> None:
    code = site.directory / "code"
    code.mkdir()
    (code / "failing.py").write_text(FAILING)
    endpoint = site.start(
        "endpoint",
        "roost_cloud.aws_lambda.local",
        *("--function", "roost-inference=failing.handler", "--code", str(code), "--prewarm", "1"),
    )
    endpoint.wait_ready()
    daemon = with_cloud(site, "failing", **elsewhere(endpoint.ready["url"]))
    line = "the function 'roost-inference' failed on 'far': ArithmeticError: seven is no answer; read the function's log"
    await goes_on(daemon)
    await daemon.said(f"the cloud could not be measured with far: {line}")
    (look,) = await ask(daemon, 1)
    assert (look.outcome, look.drop_reason) == ("dropped", "cloud_error")
    await daemon.said(f"cloud: {line}")
    await goes_on(daemon)
    assert daemon.end() == 0
