"""What an indexing run did: its counts, and the rows it could not use.

Works with counts and problems. Knows nothing of how a feed is read or a photo embedded.
"""

from __future__ import annotations

import json
from bisect import insort
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from indexer.feed.problem import RowProblem

FIRST_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReport:
    """What a run did.

    Attributes:
        read: rows of the feed.
        indexed: items embedded and written, new ones and those whose photos changed.
        updated: items whose attributes alone changed; their embeddings were kept.
        unchanged: items that were there already, just so.
        failed: rows that could not be used.
        photos: photos embedded.
        seconds: wall time of the run, indexes included.
        photos_per_second: photos over seconds.
        problems: number of problems by code; a row whose second photo is broken has a problem and is indexed.
        first_problems: the first of them, by row.
        problems_file: all of them by row, one JSON object a line; None where there were none.
        finished: False where the run was stopped before the feed's end.
    """

    read: int
    indexed: int
    updated: int
    unchanged: int
    failed: int
    photos: int
    seconds: float
    photos_per_second: float
    problems: dict[str, int]
    first_problems: tuple[RowProblem, ...]
    problems_file: str | None
    finished: bool


class Tally:
    """Counts a run as it goes, and writes each problem to its file at once."""

    def __init__(self, problems: TextIO) -> None:
        self._problems = problems
        self.counts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.first: list[RowProblem] = []

    def note(self, problem: RowProblem, *, fails_row: bool) -> None:
        """Keep a problem.

        Args:
            fails_row: the row cannot be used; without it the row is indexed all the same.
        """
        self.codes[problem.code] += 1
        self.counts["failed"] += fails_row
        insort(self.first, problem, key=lambda each: each.row)
        del self.first[FIRST_PROBLEMS:]
        self._problems.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")

    def to_report(self, *, seconds: float, problems_file: Path, finished: bool) -> IndexReport:
        """The counts so far as a report."""
        photos = self.counts["photos"]
        return IndexReport(
            read=self.counts["read"],
            indexed=self.counts["indexed"],
            updated=self.counts["updated"],
            unchanged=self.counts["unchanged"],
            failed=self.counts["failed"],
            photos=photos,
            seconds=round(seconds, 3),
            photos_per_second=round(photos / seconds, 2) if seconds else 0.0,
            problems=dict(self.codes),
            first_problems=tuple(self.first),
            problems_file=str(problems_file) if self.codes else None,
            finished=finished,
        )


@contextmanager
def open_tally(problems_file: Path) -> Iterator[Tally]:
    """A tally whose problems go to this file; at the end it is put in the order of rows, or removed where empty."""
    problems_file.parent.mkdir(parents=True, exist_ok=True)
    with problems_file.open("w", encoding="utf-8", errors="backslashreplace", buffering=1) as out:
        tally = Tally(out)
        yield tally
    if tally.codes:
        _sort_by_row(problems_file)
    else:
        problems_file.unlink(missing_ok=True)


def _sort_by_row(path: Path) -> None:
    """Put the lines in the order of rows: what is wrong with a row is known sooner than what is with its photo."""
    places: list[tuple[int, int]] = []
    with path.open("rb") as lines:
        offset = 0
        for line in lines:
            places.append((json.loads(line)["row"], offset))
            offset += len(line)
    aside = path.with_name(f"{path.name}.tmp")
    with path.open("rb") as lines, aside.open("wb") as out:
        for _, offset in sorted(places):
            lines.seek(offset)
            out.write(lines.readline())
    aside.replace(path)
