"""The journal of indexing runs: one SQLite row a run, kept up to date as it goes.

What is indexed is known by the store alone; the journal says what was tried, how far it got and how it ended.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from search.errors import IntegrityError

FILE_NAME = "journal.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY,
    feed TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'failed')),
    counts TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One indexing run; a state of `running` without a process behind it means that the process was killed."""

    id: int
    feed: str
    started_at: str
    ended_at: str | None
    state: str
    counts: Mapping[str, int]


class Journal:
    """The runs of one data directory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def start_run(self, feed: str) -> int:
        """Note that a run begins; returns its number."""
        sql = "INSERT INTO runs (feed, started_at, state, counts) VALUES (?, ?, 'running', '{}')"
        with self._connection:
            return int(self._connection.execute(sql, (feed, _now())).lastrowid or 0)

    def note_progress(self, run: int, counts: Mapping[str, int]) -> None:
        """Note how far a run got; called once a batch, after the store has acknowledged it."""
        with self._connection:
            self._connection.execute("UPDATE runs SET counts = ? WHERE id = ?", (json.dumps(dict(counts)), run))

    def end_run(self, run: int, state: str) -> None:
        """Note how a run ended: `finished`, `stopped` or `failed`."""
        with self._connection:
            self._connection.execute("UPDATE runs SET state = ?, ended_at = ? WHERE id = ?", (state, _now(), run))

    def read_last_run(self) -> Run | None:
        """The newest run; None where there was none."""
        sql = "SELECT id, feed, started_at, ended_at, state, counts FROM runs ORDER BY id DESC LIMIT 1"
        row = self._connection.execute(sql).fetchone()
        if row is None:
            return None
        return Run(id=row[0], feed=row[1], started_at=row[2], ended_at=row[3], state=row[4], counts=json.loads(row[5]))


@contextmanager
def open_journal(data: Path) -> Iterator[Journal]:
    """The journal of this data directory, made where it is not there yet.

    Raises:
        IntegrityError: the file is not a journal, or is damaged.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = data / FILE_NAME
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
        yield Journal(connection)
    except sqlite3.DatabaseError as error:
        raise IntegrityError(f"{path} cannot be used ({error}); move it away, it only keeps the past runs") from error
    finally:
        if connection is not None:
            connection.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
