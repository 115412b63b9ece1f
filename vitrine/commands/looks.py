"""`vitrine looks`: the groups of items that look alike, found and kept for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from indexer.explore.labels import check_attribute, read_labels
from indexer.explore.look_names import TELLING, Trait
from indexer.explore.looks import Look, Looks, check_count, find_looks, measure_purity
from indexer.explore.saved_looks import save_looks
from indexer.explore.vectors import VectorTable, read_table
from search.errors import QueryError
from search.filters import parse_filter
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

MAX_TEXT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksRequest:
    """What was asked on the command line, as it was written."""

    count: int
    space: str
    filters: Sequence[str]
    limit: int
    seed: int
    purity: str


def make_catalogue_looks(settings: Settings, request: LooksRequest, *, as_json: bool) -> None:
    """Find the looks, keep them, and print them.

    Raises:
        QueryError: a number, space, filter or attribute that makes no sense.
    """
    if request.limit < 2:
        raise QueryError(f"limit is {request.limit}; looks are made of 2 items or more", pointer="/limit")
    with open_catalogue(settings, say=say) as catalogue, show_progress("items", None) as show:
        manifest = catalogue.manifest
        check_count(request.count, catalogue.store.count_items())
        if request.purity:
            check_attribute(request.purity, manifest, "/purity")
        table = read_table(
            catalogue.store,
            manifest,
            parse_filter(request.filters, manifest.attributes, predicted=manifest.list_predicted()),
            space=request.space,
            limit=request.limit,
            seed=request.seed,
            progress=lambda done: show(done, "read"),
        )
    looks = find_looks(table, manifest.attributes, count=request.count, seed=request.seed)
    save_looks(looks, settings.data)
    purity = _measure(looks, table, request.purity) if request.purity else None
    if as_json:
        print_json(_to_wire(looks, purity))
    else:
        _print_looks(looks, purity, request.purity)


def _measure(looks: Looks, table: VectorTable, attribute: str) -> float:
    return measure_purity(looks, {point.item.id: read_labels(point, attribute) for point in table.points})


def _to_wire(looks: Looks, purity: float | None) -> dict[str, object]:
    return {
        "items": looks.items,
        "purity": purity,
        "looks": [
            {
                "number": look.number,
                "name": look.name,
                "size": look.size,
                "cover_id": look.item_ids[0],
                "examples": look.examples,
                "traits": [asdict(trait) for trait in look.traits],
            }
            for look in looks.looks
        ],
    }


def _choose_traits(look: Look) -> Sequence[Trait]:
    """The first few that are more than chance."""
    return [trait for trait in look.traits if trait.weight >= TELLING][:3]


def _print_looks(looks: Looks, purity: float | None, attribute: str) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "look", "items", "cover", "told by"):
        table.add_column(heading)
    for look in looks.looks:
        told = ", ".join(f"{t.attribute}={t.value} {t.inside:.0%} (else {t.outside:.0%})" for t in _choose_traits(look))
        table.add_row(str(look.number), look.name, str(look.size), look.item_ids[0][:MAX_TEXT], told)
    out.print(table, markup=False)
    if purity is not None:
        out.print(f"purity {purity:.3f}: share of the items with the commonest {attribute} of their look", markup=False)
    say(f"{len(looks.looks)} looks of {looks.items} items; the page shows them, and GET /v1/looks")
