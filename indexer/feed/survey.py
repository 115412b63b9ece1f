"""A dry run over a feed: what it would give, before anything is embedded or written.

Works with a feed and the photos' files, which are looked up and not read. Knows nothing of stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.feed.feed import Feed
from indexer.feed.photos import check_photo
from indexer.feed.problem import RowProblem
from indexer.feed.row import FeedRow
from search.attributes import PHOTO_COLUMNS, AttributeSchema
from search.errors import FeedError
from search.item import AttributeValue

SAMPLES = 5
"""Different values kept of each attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a feed would give.

    Attributes:
        profile: name of the recognised profile.
        mapping: field -> column.
        kinds: kind of every attribute.
        unused: columns that are not kept.
        rows: rows read.
        usable: rows that are items; where photos were checked, those of whose photos at least one is there.
        photos: photos of the usable rows that are there.
        problem_counts: number of problems by code, most frequent first; a usable row can have some, of its photos.
        problems: the first of them.
        samples: the first few different values of each attribute.
    """

    profile: str
    mapping: Mapping[str, str]
    kinds: AttributeSchema
    unused: Sequence[str]
    rows: int
    usable: int
    photos: int
    problem_counts: Mapping[str, int]
    problems: Sequence[RowProblem]
    samples: Mapping[str, Sequence[AttributeValue]]

    def to_wire(self) -> dict[str, object]:
        """The survey as a JSON object."""
        return {
            "profile": self.profile,
            "mapping": dict(self.mapping),
            "attributes": {name: kind.value for name, kind in self.kinds.items()},
            "unused": list(self.unused),
            "rows": self.rows,
            "usable": self.usable,
            "photos": self.photos,
            "problem_counts": dict(self.problem_counts),
            "problems": [problem.to_wire() for problem in self.problems],
            "samples": {name: [*values] for name, values in self.samples.items()},
        }


def survey_feed(feed: Feed, *, limit_problems: int = 20, check_photos: bool = True) -> Survey:
    """Read the whole feed and count.

    Args:
        limit_problems: problems kept; all are counted.
        check_photos: also see that every photo's file is there and can be one.
    """
    rows = usable = photos = 0
    counts: Counter[str] = Counter()
    problems: list[RowProblem] = []
    samples: dict[str, list[AttributeValue]] = {name: [] for name in feed.schema}
    for entry in feed:
        rows += 1
        found = [entry] if isinstance(entry, RowProblem) else _check_photos(entry, feed.root) if check_photos else []
        counts.update(problem.code for problem in found)
        problems.extend(found[: max(0, limit_problems - len(problems))])
        if isinstance(entry, FeedRow) and len(found) < len(entry.item.photos):
            usable += 1
            photos += len(entry.item.photos) - len(found)
            _add_samples(samples, entry.item.attributes)
    return Survey(
        profile=feed.profile,
        mapping=dict(feed.mapping),
        kinds=feed.schema,
        unused=feed.unused,
        rows=rows,
        usable=usable,
        photos=photos,
        problem_counts=dict(counts.most_common()),
        problems=tuple(problems),
        samples={name: tuple(values) for name, values in samples.items()},
    )


def _check_photos(entry: FeedRow, root: Path) -> list[RowProblem]:
    found: list[RowProblem] = []
    for n, link in enumerate(entry.item.photos):
        try:
            check_photo(link, root)
        except FeedError as error:
            found.append(
                RowProblem(
                    row=entry.row,
                    id=entry.item.id,
                    field=PHOTO_COLUMNS[min(n, 1)],
                    code=error.code,
                    message=error.message,
                )
            )
    return found


def _add_samples(samples: dict[str, list[AttributeValue]], attributes: Mapping[str, AttributeValue]) -> None:
    for name, value in attributes.items():
        kept = samples[name]
        if len(kept) < SAMPLES:
            short = value[:79] + "…" if isinstance(value, str) and len(value) > 80 else value
            if short not in kept:
                kept.append(short)
