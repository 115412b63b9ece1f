"""Neighbours on disk: numbered parts beside the file they become, so that a run that was stopped anywhere goes on.

    OUT.parts/question.json   what was asked, and of which catalogue; written first
    OUT.parts/00000.parquet   the first items' neighbours, and so on; written aside and renamed
    OUT                       all of them, once every part is there; written aside and renamed
    OUT.parts.done            the parts on their way out

Between any two of these steps the program may be killed. Works with files. Knows nothing of how neighbours are found.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from search.errors import IntegrityError, QueryError, SetupError

SUFFIXES = (".parquet", ".csv", ".jsonl")
QUESTION_FILE = "question.json"
FORMULA_STARTS = r"^[=+\-@\t\r]"
"""A spreadsheet takes a cell that starts so for a formula; in CSV such an id gets a quote before it (OWASP)."""


class SimilarParts:
    """The parts of one output file.

    Args:
        to: the file; its suffix says the format: `.parquet`, `.csv` or `.jsonl`.
        columns: names and types.

    Raises:
        QueryError: a suffix that is no format.
        SetupError: the folder is not there, or must not be written to.
    """

    def __init__(self, to: Path, columns: dict[str, pl.DataType]) -> None:
        check_target(to)
        self._to = to
        self._columns = columns
        self._folder = find_parts(to)
        self._gone = self._folder.with_name(self._folder.name + ".done")

    def open(self, question: str, catalogue: str) -> None:
        """Make the folder, or go on in the one that is there.

        Args:
            question: digest of what is asked.
            catalogue: digest of the catalogue it is asked of.

        Raises:
            QueryError: the parts there are of another question or of the catalogue as it was.
            IntegrityError: the parts have lost the file that says what they are of.
        """
        shutil.rmtree(self._gone, ignore_errors=True)
        wanted = {"question": question, "catalogue": catalogue}
        path = self._folder / QUESTION_FILE
        self._folder.mkdir(exist_ok=True)
        for half in self._folder.glob("*.tmp"):
            half.unlink()
        if not path.exists():
            if any(self._folder.iterdir()):
                raise IntegrityError(f"{self._folder} has no {QUESTION_FILE}; {self._say_way_out()}")
            _write(path, json.dumps(wanted).encode())
            return
        try:
            there = json.loads(path.read_text("utf-8"))
            what = [name for name in wanted if there[name] != wanted[name]]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"{path} is damaged ({error}); {self._say_way_out()}") from error
        if "question" in what:
            raise QueryError(
                f"{self._folder} has a part of another question's answer (other filters, weights or k); ask that one "
                f"again to finish it, write to another file, or {self._say_way_out()}",
                code="other_question",
                pointer="/out",
            )
        if what:
            raise QueryError(
                f"the catalogue has changed since {self._folder} was begun; {self._say_way_out()}",
                code="catalogue_changed",
                pointer="/out",
            )

    def restart(self) -> None:
        """Forget all parts."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def has(self, number: int) -> bool:
        """Whether a part is there, whole."""
        return self._name(number).exists()

    def count_rows(self, number: int) -> int:
        """Rows of a part that is there."""
        return int(pl.scan_parquet(self._name(number)).select(pl.len()).collect().item())

    def write(self, number: int, rows: Sequence[tuple[object, ...]]) -> None:
        """Write a part.

        Raises:
            SetupError: the disk refuses.
        """
        frame = pl.DataFrame(rows, schema=self._columns, orient="row")
        try:
            aside = self._folder / f"{self._name(number).name}.{os.getpid()}.tmp"
            frame.write_parquet(aside)
            _rename(aside, self._name(number))
        except OSError as error:
            raise _to_refusal(self._folder, error) from error

    def join(self, parts: int) -> int:
        """Write the file from its parts, take the parts away, and say how many rows it has.

        Raises:
            SetupError: the disk refuses.
        """
        aside = self._folder / f"joined.{os.getpid()}.tmp"
        try:
            frame = pl.concat([pl.scan_parquet(self._name(number)) for number in range(parts)])
            _sink(frame, aside, self._to.suffix.lower())
            _rename(aside, self._to)
            rows = sum(self.count_rows(number) for number in range(parts))
            # Renamed before anything of it is removed: a folder of some of the parts would be gone on with.
            self._folder.replace(self._gone)
            shutil.rmtree(self._gone)
        except OSError as error:
            raise _to_refusal(self._to, error) from error
        return rows

    def _name(self, number: int) -> Path:
        return self._folder / f"{number:05d}.parquet"

    def _say_way_out(self) -> str:
        return "say --restart to begin anew"


def check_target(to: Path) -> None:
    """See that the file can be written, before anything is asked.

    Raises:
        QueryError: a suffix that is no format, or a folder.
        SetupError: the folder is not there, or must not be written to.
    """
    if to.suffix.lower() not in SUFFIXES:
        raise QueryError(f"{to} ends in {to.suffix!r}; neighbours are written as {', '.join(SUFFIXES)}", pointer="/out")
    if to.is_dir():
        raise QueryError(f"{to} is a folder; name a file", pointer="/out")
    folder = to.absolute().parent
    if not folder.is_dir():
        raise SetupError(f"there is no folder {folder} to write {to.name} into; make it first", code="no_folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(
            f"nothing may be written into {folder}; change its permissions, or name another", code="no_access"
        )


def find_parts(to: Path) -> Path:
    """The folder of a file's parts."""
    return to.with_name(f"{to.name}.parts")


def _sink(frame: pl.LazyFrame, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        frame.sink_parquet(path)
    elif suffix == ".jsonl":
        frame.sink_ndjson(path)
    else:
        frame.with_columns(_guard("id"), _guard("neighbour_id")).sink_csv(path)


def _guard(name: str) -> pl.Expr:
    """A column of ids, with a quote before those that a spreadsheet would run."""
    column = pl.col(name)
    return pl.when(column.str.contains(FORMULA_STARTS)).then(pl.lit("'") + column).otherwise(column).alias(name)


def _write(path: Path, data: bytes) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(data)
        _rename(aside, path)
    except OSError as error:
        raise _to_refusal(path, error) from error


def _rename(aside: Path, path: Path) -> None:
    """Into place, once what was written is on the disk."""
    with aside.open("rb+") as written:
        os.fsync(written.fileno())
    aside.replace(path)


def _to_refusal(path: Path, error: OSError) -> SetupError:
    return SetupError(f"{path} cannot be written ({error.strerror or error}); name another file", code="no_access")
