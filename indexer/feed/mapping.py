"""Which column is which field, for one feed.

Works with names only. Knows nothing of files or values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.feed.profiles import GENERATED, Profile, find_profile, fold_name
from search.attributes import CANONICAL, PHOTO_COLUMNS
from search.errors import FeedError

_RESERVED = frozenset(("id", *PHOTO_COLUMNS))
_CANONICAL_BY_FOLD = {fold_name(name): name for name in (*_RESERVED, *CANONICAL)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """What each column of a feed is for.

    Attributes:
        profile: name of the profile that was recognised.
        fields: field -> column; always has `id` and `image_link`.
        own: columns kept as attributes under their own names.
        unused: columns that are not kept, because a field of their name comes from another column.
    """

    profile: str
    fields: Mapping[str, str]
    own: tuple[str, ...]
    unused: tuple[str, ...]


def map_columns(
    columns: Sequence[str], *, mapping: Mapping[str, str], recorded: Mapping[str, str], name: str
) -> ColumnMap:
    """What each column is for: as `mapping` says, else as `recorded` says, else as the profile says.

    Args:
        mapping: field -> column, asked for; the field may be any name, the column must be there.
        recorded: field -> column, of a former run; an entry whose column is not there is passed over.
        name: of the feed, for messages.

    Raises:
        FeedError: a column that is not there, or none for `id` or `image_link`.
    """
    named = tuple(column for column in columns if column)
    profile = find_profile(named)
    fields = {_fold_field(field): _find_column(column, field, named, name) for field, column in mapping.items()}
    for field, column in recorded.items():
        if column in named:
            fields.setdefault(field, column)
    _add_profile(fields, profile, named)
    for field, code in (("id", "no_id_column"), ("image_link", "no_photo_column")):
        if field not in fields:
            raise FeedError(
                f"{name} has no column known as {field}; its columns are {list_names(named)}. "
                f"Name the one to take with --map {field}=COLUMN",
                code=code,
            )
    taken = set(fields.values())
    spare = [column for column in named if column not in taken and column not in GENERATED]
    clash = {column for column in spare if column in fields or column in _RESERVED}
    return ColumnMap(
        profile=profile.name,
        fields=fields,
        own=tuple(column for column in spare if column not in clash),
        unused=tuple(column for column in spare if column in clash),
    )


def list_names(columns: Sequence[str]) -> str:
    """Column names for a message, cut where there are many."""
    shown = ", ".join(column if len(column) <= 40 else column[:39] + "…" for column in columns[:40])
    return f"{shown} and {len(columns) - 40} more" if len(columns) > 40 else shown


def _add_profile(fields: dict[str, str], profile: Profile, named: Sequence[str]) -> None:
    by_fold: dict[str, str] = {}
    for column in named:
        by_fold.setdefault(fold_name(column), column)
    taken = set(fields.values())
    for field, spellings in profile.columns.items():
        candidates = [by_fold[spelling] for spelling in spellings if spelling in by_fold]
        free = [column for column in candidates if column not in taken]
        if free and field not in fields:
            fields[field] = free[0]
            taken.add(free[0])


def _fold_field(field: str) -> str:
    field = field.strip()
    if not field:
        raise FeedError("a mapping needs a field on its left, as in --map id=COLUMN", code="unknown_field")
    return _CANONICAL_BY_FOLD.get(fold_name(field), field)


def _find_column(column: str, field: str, named: Sequence[str], name: str) -> str:
    if column.strip() in named:
        return column.strip()
    raise FeedError(
        f"--map {field}={column}: {name} has no column {column!r}; its columns are {list_names(named)}",
        code="unknown_column",
    )
