"""`vitrine delete`: items out of the catalogue, by id or by filter."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import typer

from search.errors import NotFoundError, QueryError
from search.filters import Filter, parse_filter
from search.store import Store
from vitrine.console import out, print_json
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

BATCH = 256


def delete_items(settings: Settings, ids: Sequence[str], filters: Sequence[str], *, sure: bool, as_json: bool) -> None:
    """Delete and print how many; asks first on a terminal, and refuses without `--yes` elsewhere.

    Raises:
        QueryError: neither ids nor filters, or both.
        NotFoundError: ids were given and none of them is there.
    """
    if bool(ids) == bool(filters):
        raise QueryError("give either ids or --filter; deleting everything is: remove the data directory")
    with open_catalogue(settings) as catalogue:
        conditions = parse_filter(filters, catalogue.manifest.attributes)
        count = len(set(ids)) if ids else catalogue.store.count_items(conditions)
        if not sure and not _confirm(count):
            raise typer.Exit(1)
        deleted = catalogue.store.delete_items(ids) if ids else _delete_matching(catalogue.store, conditions)
    if as_json:
        print_json({"deleted": deleted})
    else:
        out.print(f"{deleted} items deleted")
    if ids and not deleted:
        raise NotFoundError(f"none of these is in the catalogue: {', '.join(ids[:5])}")


def _delete_matching(store: Store, conditions: Filter) -> int:
    return sum(store.delete_items(batch) for batch in _list_ids(store, conditions))


def _list_ids(store: Store, conditions: Filter) -> Iterator[list[str]]:
    """Batches of matching ids; each is read after the one before was deleted, so always from the start."""
    while page := store.scan(conditions, limit=BATCH).points:
        yield [point.item.id for point in page]


def _confirm(count: int) -> bool:
    if not sys.stdin.isatty():
        raise QueryError(f"this would delete {count} items; say --yes to do it without being asked")
    return typer.confirm(f"delete {count} items?", err=True)
