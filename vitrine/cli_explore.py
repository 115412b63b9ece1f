"""The command line of a catalogue as a whole: neighbours, maps, looks. `vitrine.cli` puts it beside the rest."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vitrine.cli_options import Filters, Json, Weights, get_settings
from vitrine.console import errors_as_exit_codes


class MapMethod(StrEnum):
    """Names of `indexer.explore.projection.Method`, which takes its time to import."""

    PCA = "pca"
    TSNE = "tsne"
    UMAP = "umap"


def similar(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--out", help="File to write: .parquet, .csv or .jsonl.")],
    everything: Annotated[bool, typer.Option("--all", help="About every item. For one: search --item.")] = False,
    k: Annotated[int, typer.Option("-k", help="Neighbours of each item.")] = 20,
    filters: Filters = None,
    gallery: Annotated[
        list[str] | None, typer.Option("--gallery-filter", help="Which items can be neighbours, as in --filter.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(help="One neighbour for each value, and none with the item's own: item_group_id.")
    ] = None,
    weight: Weights = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every photo, without the index.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Forget what a stopped run has done.")] = False,
    json: Json = False,
) -> None:
    """Write the k nearest neighbours of every item. Stopped, the same command goes on.

    Columns: id, rank, neighbour_id, score, relevance (empty where not calibrated) and part_SPACE.
    """
    from vitrine.commands.similar import SimilarRequest, write_similar

    request = SimilarRequest(
        everything=everything,
        k=k,
        filters=tuple(filters or ()),
        gallery=tuple(gallery or ()),
        group_by=group_by,
        weights=tuple(weight or ()),
        exact=exact,
        restart=restart,
    )
    with errors_as_exit_codes():
        write_similar(get_settings(context), request, to, as_json=json)


def draw_map(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--out", help="map.png, map.parquet, or a folder for TensorBoard's projector.")],
    method: Annotated[
        MapMethod | None, typer.Option(help="pca, tsne (where not given), or umap (extra umap); not with --axis.")
    ] = None,
    axis: Annotated[
        list[str] | None,
        typer.Option(
            "--axis", "--axes", help="color=Red..Blue (two values), or 'plain, printed' (two texts). At most twice."
        ),
    ] = None,
    space: Annotated[str, typer.Option(help="Name of a space, or fused.")] = "fused",
    color_by: Annotated[str, typer.Option(help="Attribute whose values are coloured.")] = "",
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="PNG: photos instead of points. Parquet: with a column image.")
    ] = False,
    filters: Filters = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most items; of more, a sample.")] = 5_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same map.")] = 0,
    json: Json = False,
) -> None:
    """Map the catalogue: like items near each other, or along axes of one's own. The page shows the last map.

    Parquet has the columns x, y, id, one for each attribute, predicted.NAME, and with --thumbnails image. Embedding
    Atlas opens it: embedding-atlas map.parquet --x x --y y (and --image image).

    A folder gets tensors.tsv, metadata.tsv, sprite.png and projector_config.pbtxt: tensorboard --logdir FOLDER
    """
    from vitrine.commands.map import MapRequest, write_catalogue_map

    request = MapRequest(
        method=method.value if method else None,
        axes=tuple(axis or ()),
        space=space,
        color_by=color_by,
        thumbnails=thumbnails,
        filters=tuple(filters or ()),
        limit=limit,
        seed=seed,
    )
    with errors_as_exit_codes():
        write_catalogue_map(get_settings(context), request, to, as_json=json)


def make_looks(
    context: typer.Context,
    k: Annotated[int, typer.Option("-k", help="How many looks.")] = 24,
    space: Annotated[str, typer.Option(help="Name of a space, or fused.")] = "fused",
    filters: Filters = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most items; of more, a sample.")] = 200_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed, the same looks.")] = 0,
    purity: Annotated[str, typer.Option(help="Say how pure the looks are in this attribute.")] = "",
    json: Json = False,
) -> None:
    """Find the looks of the catalogue: groups of items that look alike, named by what tells them apart.

    They are kept beside the catalogue: the page and GET /v1/looks show them.
    """
    from vitrine.commands.looks import LooksRequest, make_catalogue_looks

    request = LooksRequest(count=k, space=space, filters=tuple(filters or ()), limit=limit, seed=seed, purity=purity)
    with errors_as_exit_codes():
        make_catalogue_looks(get_settings(context), request, as_json=json)


def add_explore_commands(app: typer.Typer) -> None:
    """Put the commands beside the others."""
    app.command("similar")(similar)
    app.command("map")(draw_map)
    app.command("looks")(make_looks)
