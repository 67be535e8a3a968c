"""The journal of missions on disk: an event is durable before anybody acts on it.

One thread owns the SQLite database (WAL, synchronous=FULL). What is asked of it while it waits for the disk goes into the
next transaction together (group commit): an fsync costs milliseconds, whether it keeps one event or fifty. After a crash the
events are there, and missions without an end are found by `unfinished`.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from roost.errors import RoostError
from roost_daemon.missions.events import ENDINGS, Kind, MissionEvent

SCHEMA_VERSION = 1
_LONGEST_BATCH = 50
_SCHEMA = """
CREATE TABLE missions (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, idempotency_key TEXT UNIQUE, ended INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE events (
    mission TEXT NOT NULL REFERENCES missions(id), sequence INTEGER NOT NULL, time_utc_ns INTEGER NOT NULL,
    kind TEXT NOT NULL, node TEXT NOT NULL, message TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (mission, sequence)
) WITHOUT ROWID;
"""

_T = TypeVar("_T")


class JournalError(RoostError):
    """The journal cannot be opened, read or written. Nothing may be acted on without it."""

    reason = "JOURNAL"


@dataclass(frozen=True, slots=True)
class _Job(Generic[_T]):
    """What the thread is asked to do, and where it puts the outcome."""

    work: Callable[[sqlite3.Connection], _T]
    outcome: Future[_T]


class Journal:
    """An open journal. Every method waits for the disk, none blocks the event loop. Make one with `open_journal`.

    All methods raise `JournalError` where the database fails or is closed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._opened: Future[None] = Future()
        self._closed: Future[None] = Future()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)

    async def begin(self, mission_id: str, idempotency_key: str, first: MissionEvent) -> str:
        """Keep a new mission with its first event, or return the mission that this key (if not empty) already made."""

        def work(database: sqlite3.Connection) -> str:
            row = database.execute("SELECT id FROM missions WHERE idempotency_key = ?", (idempotency_key,)).fetchone()
            if row is not None:
                return str(row[0])
            database.execute(
                "INSERT INTO missions (id, number, idempotency_key) SELECT ?, COALESCE(MAX(number), 0) + 1, ? FROM missions",
                (mission_id, idempotency_key or None),
            )
            _insert(database, mission_id, (first,))
            return mission_id

        return await self._ask(work)

    async def append(self, mission_id: str, events: Sequence[MissionEvent]) -> None:
        """Keep a mission's next events; they are on the disk when this returns."""
        await self._ask(lambda database: _insert(database, mission_id, events))

    async def events(self, mission_id: str, after: int = 0) -> list[MissionEvent]:
        """A mission's events after a sequence, in order; none for a mission that there is not."""

        def work(database: sqlite3.Connection) -> list[MissionEvent]:
            rows = database.execute(
                "SELECT sequence, time_utc_ns, kind, message, node, data FROM events"
                " WHERE mission = ? AND sequence > ? ORDER BY sequence",
                (mission_id, after),
            )
            return [
                MissionEvent(sequence, time_utc_ns, Kind(kind), message, node, json.loads(data))
                for sequence, time_utc_ns, kind, message, node, data in rows
            ]

        return await self._ask(work)

    async def missions(self, limit: int = 100) -> list[str]:
        """The missions' names, newest first."""
        rows = await self._ask(
            lambda database: database.execute("SELECT id FROM missions ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
        )
        return [str(row[0]) for row in rows]

    async def unfinished(self) -> list[str]:
        """The missions that have no end, oldest first."""
        rows = await self._ask(
            lambda database: database.execute("SELECT id FROM missions WHERE ended = 0 ORDER BY number").fetchall()
        )
        return [str(row[0]) for row in rows]

    async def close(self) -> None:
        """Finish what was asked and close the database."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        await asyncio.wrap_future(self._closed)

    async def _ask(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._closing:
            raise JournalError(f"the journal {self._path} is closed")
        job = _Job(work, Future[_T]())
        self._jobs.put(job)
        return await asyncio.wrap_future(job.outcome)

    def _work(self) -> None:
        """The thread: opens the database, then does what is asked until told to close."""
        try:
            database = _open(self._path)
        except (sqlite3.Error, OSError) as error:
            self._opened.set_exception(_unusable(self._path, error))
            return
        except JournalError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        while True:
            batch, last = self._next_batch()
            if batch:
                self._transact(database, batch)
            if last:
                break
        database.close()
        self._closed.set_result(None)

    def _next_batch(self) -> tuple[list[_Job[Any]], bool]:
        """What is waiting, at least one job, and whether the end was asked for."""
        jobs = [self._jobs.get()]
        while jobs[-1] is not None and len(jobs) < _LONGEST_BATCH:
            try:
                jobs.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return [job for job in jobs if job is not None], jobs[-1] is None

    def _transact(self, database: sqlite3.Connection, batch: list[_Job[Any]]) -> None:
        """Do the jobs in one transaction; a job that fails takes only itself back."""
        outcomes: list[tuple[_Job[Any], Any, JournalError | None]] = []
        try:
            database.execute("BEGIN")
            for job in batch:
                database.execute("SAVEPOINT job")
                try:
                    outcomes.append((job, job.work(database), None))
                except (sqlite3.Error, ValueError, TypeError) as error:
                    database.execute("ROLLBACK TO job")
                    outcomes.append((job, None, _unusable(self._path, error)))
                database.execute("RELEASE job")
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.rollback()
            outcomes = [(job, None, _unusable(self._path, error)) for job in batch]
        for job, result, failure in outcomes:
            if not job.outcome.set_running_or_notify_cancel():
                continue
            if failure is None:
                job.outcome.set_result(result)
            else:
                job.outcome.set_exception(failure)


async def open_journal(path: Path) -> Journal:
    """Open the journal at a path, or begin a new one there.

    Raises `JournalError` for a file that cannot be read or written, is no journal, is damaged, or is of a later version.
    """
    journal = Journal(path)
    journal._thread.start()
    await asyncio.wrap_future(journal._opened)
    return journal


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0 and not database.execute("SELECT 1 FROM sqlite_master").fetchone():
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        raise JournalError(
            f"the journal {path} has version {version}, this Roost reads version {SCHEMA_VERSION}",
            remedy="move it away, or use the Roost that wrote it",
        )
    damage = database.execute("PRAGMA quick_check").fetchone()[0]
    if damage != "ok":
        raise JournalError(f"the journal {path} is damaged: {damage}", remedy="move it away; a new one is begun")
    return database


def _insert(database: sqlite3.Connection, mission_id: str, events: Sequence[MissionEvent]) -> None:
    database.executemany(
        "INSERT INTO events (mission, sequence, time_utc_ns, kind, node, message, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                mission_id,
                event.sequence,
                event.time_utc_ns,
                event.kind.value,
                event.node,
                event.message,
                json.dumps(dict(event.data), separators=(",", ":")),
            )
            for event in events
        ],
    )
    if any(event.kind in ENDINGS for event in events):
        database.execute("UPDATE missions SET ended = 1 WHERE id = ?", (mission_id,))


def _unusable(path: Path, error: Exception) -> JournalError:
    if isinstance(error, sqlite3.OperationalError | OSError):
        return JournalError(
            f"the journal {path} cannot be used: {error}", remedy="give it a directory that can be written to"
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return JournalError(f"the journal {path} is damaged: {error}", remedy="move it away; a new one is begun")
    return JournalError(f"the journal {path} does not take this: {error}", remedy="report this as a defect")
