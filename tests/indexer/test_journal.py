"""The journal: every run has a row, kept up to date, whatever became of the run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer.journal import FILE_NAME, open_journal
from search.errors import IntegrityError


def test_a_journal_without_runs_has_no_last_one(tmp_path: Path):
    with open_journal(tmp_path / "new" / "data") as journal:
        assert journal.read_last_run() is None


def test_a_run_is_followed_from_start_to_end(tmp_path: Path):
    with open_journal(tmp_path) as journal:
        number = journal.start_run("feed ☃.csv")
        run = journal.read_last_run()
        assert (run.id, run.feed, run.state, run.ended_at, run.counts) == (number, "feed ☃.csv", "running", None, {})
        journal.note_progress(number, {"read": 20, "indexed": 16})
        assert journal.read_last_run().counts == {"read": 20, "indexed": 16}
        journal.end_run(number, "finished")
    with open_journal(tmp_path) as journal:
        run = journal.read_last_run()
    assert (run.state, run.counts) == ("finished", {"read": 20, "indexed": 16})
    started, ended = datetime.fromisoformat(run.started_at), datetime.fromisoformat(run.ended_at)
    assert started <= ended
    assert abs(datetime.now(UTC) - ended) < timedelta(minutes=1)


def test_runs_are_numbered_upwards_and_kept_apart(tmp_path: Path):
    with open_journal(tmp_path) as journal:
        numbers = [journal.start_run(f"feed {n}") for n in range(5)]
        assert numbers == sorted(set(numbers))
        journal.note_progress(numbers[0], {"read": 1})
        journal.end_run(numbers[0], "stopped")
        last = journal.read_last_run()
        assert (last.id, last.feed, last.state, last.counts) == (numbers[-1], "feed 4", "running", {})


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_a_run_ends_in_one_of_three_ways(tmp_path: Path, state: str):
    with open_journal(tmp_path) as journal:
        journal.end_run(journal.start_run("feed"), state)
        assert journal.read_last_run().state == state


def test_there_is_no_fourth_way(tmp_path: Path):
    with pytest.raises(IntegrityError), open_journal(tmp_path) as journal:
        journal.end_run(journal.start_run("feed"), "exploded")


@pytest.mark.parametrize(
    "content", [b"this is no database, whatever its name says" * 50, b"SQLite format 3\0" + b"\xff" * 5_000]
)
def test_a_damaged_journal_is_named_as_such(tmp_path: Path, content: bytes):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(IntegrityError, match=FILE_NAME), open_journal(tmp_path) as journal:
        journal.start_run("feed")


def test_a_folder_of_its_name_is_no_journal(tmp_path: Path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(IntegrityError, match=FILE_NAME), open_journal(tmp_path):
        pass


def test_what_was_noted_survives_a_kill(tmp_path: Path):
    script = (
        "import os, signal, sys; from pathlib import Path; from indexer.journal import open_journal\n"
        "with open_journal(Path(sys.argv[1])) as journal:\n"
        "    journal.note_progress(journal.start_run('feed'), {'indexed': 32})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root).returncode == -9
    with open_journal(tmp_path) as journal:
        run = journal.read_last_run()
        assert (run.state, run.counts, run.ended_at) == ("running", {"indexed": 32}, None)
        assert journal.start_run("feed") == run.id + 1


def test_a_reader_beside_a_writer_sees_each_note(tmp_path: Path):
    with open_journal(tmp_path) as writing, open_journal(tmp_path) as reading:
        number = writing.start_run("feed")
        for n in range(20):
            writing.note_progress(number, {"indexed": n})
            assert reading.read_last_run().counts == {"indexed": n}


def test_the_file_is_plain_sqlite(tmp_path: Path):
    with open_journal(tmp_path) as journal:
        journal.end_run(journal.start_run("feed"), "finished")
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT feed, state FROM runs").fetchall() == [("feed", "finished")]
    connection.close()
