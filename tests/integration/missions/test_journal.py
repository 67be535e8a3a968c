"""The journal on a real disk: what was acknowledged is there after a kill, and a file that cannot be used is named."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from roost_daemon.missions.events import Kind, MissionEvent
from roost_daemon.missions.journal import SCHEMA_VERSION, JournalError, open_journal

pytestmark = pytest.mark.anyio

WRITER = """
import sys
from pathlib import Path
import anyio
from roost_daemon.missions.events import Kind, MissionEvent
from roost_daemon.missions.journal import open_journal

async def write() -> None:
    journal = await open_journal(Path(sys.argv[1]))
    await journal.begin("m1", "key", MissionEvent(1, 10, Kind.SUBMITTED, "goal received", data={"goal": "go"}))
    sequence = 1
    while True:
        sequence += 1
        await journal.append("m1", [MissionEvent(sequence, 10, Kind.MOVED, "drone1 is in depot")])
        print(sequence, flush=True)

anyio.run(write)
"""


def event(sequence: int, kind: Kind = Kind.MOVED) -> MissionEvent:
    return MissionEvent(sequence, 1_000 + sequence, kind, f"event {sequence}", "1.1", {"robot": "drone1", "area": ""})


async def test_events_come_back_as_they_were_in_order(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    journal = await open_journal(path)
    assert await journal.begin("m1", "key", event(1, Kind.SUBMITTED)) == "m1"
    await journal.append("m1", [event(2), event(3)])
    await journal.close()
    journal = await open_journal(path)
    assert await journal.events("m1") == [event(1, Kind.SUBMITTED), event(2), event(3)]
    assert await journal.events("m1", after=2) == [event(3)]
    await journal.close()


async def test_a_key_belongs_to_one_mission_for_ever(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "journal.db")
    assert await journal.begin("m1", "key", event(1)) == "m1"
    assert await journal.begin("m2", "key", event(1)) == "m1"
    assert await journal.begin("m3", "", event(1)) == "m3"
    assert await journal.begin("m4", "", event(1)) == "m4"
    assert await journal.missions() == ["m4", "m3", "m1"]
    await journal.close()


async def test_only_missions_without_an_end_are_unfinished(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "journal.db")
    for name in ("m1", "m2", "m3"):
        await journal.begin(name, "", event(1))
    await journal.append("m2", [event(2, Kind.SUCCEEDED)])
    assert await journal.unfinished() == ["m1", "m3"]
    await journal.close()


async def test_many_writers_at_once_lose_nothing_and_a_bad_write_takes_only_itself_back(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path / "journal.db")
    refused = []

    async def write(name: str) -> None:
        await journal.begin(name, "", event(1))
        for sequence in range(2, 12):
            await journal.append(name, [event(sequence)])
        try:
            await journal.append(name, [event(5)])
        except JournalError as error:
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(write, f"m{number}")
    assert len(refused) == 20
    for number in range(20):
        assert [kept.sequence for kept in await journal.events(f"m{number}")] == list(range(1, 12))
    await journal.close()


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await open_journal(path)
    await journal.close()
    with pytest.raises(JournalError, match=f"the journal {path} is closed"):
        await journal.append("m1", [event(1)])


async def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    acknowledged = await anyio.to_thread.run_sync(write_and_kill, path)
    journal = await open_journal(path)
    kept = await journal.events("m1")
    assert len(kept) >= acknowledged > 20
    assert await journal.unfinished() == ["m1"]
    await journal.close()


def write_and_kill(path: Path) -> int:
    """Let a process of its own write until it has acknowledged some events, and kill it; returns the last of them."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = 0
    with process:
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 25:
                process.send_signal(signal.SIGKILL)
        process.wait()
    return acknowledged


async def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database, and it is longer than a header of SQLite is. " * 40)
    with pytest.raises(JournalError) as caught:
        await open_journal(path)
    assert str(caught.value) == (f"the journal {path} is damaged: file is not a database; move it away; a new one is begun")


async def test_a_damaged_journal_is_found_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await open_journal(path)
    await journal.begin("m1", "", event(1))
    for sequence in range(2, 200):
        await journal.append("m1", [event(sequence)])
    await journal.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is damaged") as caught:
        await open_journal(path)
    assert caught.value.remedy == "move it away; a new one is begun"


async def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(JournalError) as caught:
        await open_journal(path)
    assert str(caught.value) == (
        f"the journal {path} has version {SCHEMA_VERSION + 1}, this Roost reads version {SCHEMA_VERSION}; "
        "move it away, or use the Roost that wrote it"
    )


async def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "journal.db"
    with pytest.raises(JournalError, match=f"the journal {path} cannot be used: ") as caught:
        await open_journal(path)
    assert caught.value.remedy == "give it a directory that can be written to"
