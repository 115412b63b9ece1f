"""`vitrine map`: the catalogue on a plane, as a picture, a table, or a folder for TensorBoard's projector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.explore.axes import parse_axis
from indexer.explore.catalogue_map import CatalogueMap, MapQuestion, make_map
from indexer.explore.labels import check_attribute
from indexer.explore.map_files import check_target, write_map
from indexer.explore.projection import Method
from indexer.explore.saved_map import save_map
from search.errors import QueryError
from search.filters import parse_filter
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRequest:
    """What was asked on the command line, as it was written; without a method and axes, t-SNE is taken."""

    method: str | None
    axes: Sequence[str]
    space: str
    color_by: str
    thumbnails: bool
    filters: Sequence[str]
    limit: int
    seed: int


def write_catalogue_map(settings: Settings, request: MapRequest, to: Path, *, as_json: bool) -> None:
    """Make the map, write it, keep it for the page, and say how far it can be trusted.

    Raises:
        QueryError: a method and axes at once, or what `make_map` and `check_target` refuse.
    """
    if request.method and request.axes:
        raise QueryError(f"--axis says where items lie, and so does --method {request.method}; give one of the two")
    check_target(to)
    axes = tuple(parse_axis(text) for text in request.axes)
    with open_catalogue(settings, say=say) as catalogue, show_progress("items", None) as show:
        manifest = catalogue.manifest
        if request.color_by:
            check_attribute(request.color_by, manifest, "/color_by")
        question = MapQuestion(
            method=Method(request.method or Method.TSNE),
            axes=axes,
            space=request.space,
            conditions=parse_filter(request.filters, manifest.attributes, predicted=manifest.list_predicted()),
            limit=request.limit,
            seed=request.seed,
        )
        made = make_map(catalogue, question, embed_text=catalogue.embed_text, progress=lambda done: show(done, "read"))
        thumbnails = catalogue.thumbnails
    write_map(made, to, color_by=request.color_by, read_thumbnail=thumbnails.read, thumbnails=request.thumbnails)
    save_map(made, manifest.attributes, settings.data, color_by=request.color_by)
    _print_map(made, to, as_json=as_json)


def _print_map(made: CatalogueMap, to: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "out": str(to),
                "items": len(made.points),
                "total": made.table.total,
                "method": made.method,
                "space": made.table.space,
                "trustworthiness": made.trust,
                "seed": made.seed,
                "seconds": made.seconds,
            }
        )
        return
    of = "" if len(made.points) == made.table.total else f" of {made.table.total}"
    took = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in made.seconds.items())
    out.print(f"{len(made.points)}{of} items by {made.method} in {to} ({took})", markup=False)
    out.print(f"trustworthiness {made.trust:.3f}: 1 where neighbours on the map are neighbours in truth, 0.5 at random")
