import threading

import anyio
import numpy as np
import pytest

from roost.errors import UnavailableError
from roost_inference.cameras.slot import NewestSlot
from roost_inference.ports import Frame


def frame(number: int) -> Frame:
    return Frame("camera", number, np.zeros((1, 1, 3), np.uint8), number, number)


@pytest.mark.anyio
async def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    slot = NewestSlot()
    for number in range(5):
        slot.put(frame(number))

    taken = await slot.take()

    assert taken is not None
    assert taken.frame_id == 4
    assert (slot.received, slot.replaced) == (5, 4)


@pytest.mark.anyio
async def test_who_asks_first_waits_for_the_next_frame_of_another_thread() -> None:
    slot = NewestSlot()
    taken: list[Frame | None] = []

    async def take() -> None:
        taken.append(await slot.take())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            await anyio.wait_all_tasks_blocked()
            threading.Thread(target=slot.put, args=(frame(7),)).start()

    assert [f.frame_id for f in taken if f is not None] == [7]
    assert slot.replaced == 0


@pytest.mark.anyio
async def test_a_reader_that_gave_up_does_not_lose_the_next_frame() -> None:
    slot = NewestSlot()
    with anyio.move_on_after(0.01):
        await slot.take()

    slot.put(frame(1))

    taken = await slot.take()
    assert taken is not None
    assert taken.frame_id == 1


@pytest.mark.anyio
async def test_the_last_frame_comes_before_the_end() -> None:
    slot = NewestSlot()
    slot.put(frame(1))
    slot.end()

    assert await slot.take() is not None
    assert await slot.take() is None


@pytest.mark.anyio
async def test_the_end_says_why() -> None:
    slot = NewestSlot()
    slot.end(UnavailableError("the cable is out"))

    with pytest.raises(UnavailableError, match="the cable is out"):
        await slot.take()


@pytest.mark.anyio
async def test_after_an_end_frames_may_come_again() -> None:
    slot = NewestSlot()
    slot.put(frame(1))
    slot.end(UnavailableError("the cable is out"))
    slot.begin()
    slot.put(frame(2))

    taken = await slot.take()

    assert taken is not None
    assert taken.frame_id == 2
