"""A map as files: a picture, a table, or a folder for TensorBoard's projector.

Every file is written aside and renamed. Knows nothing of how a map is made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from indexer.explore.catalogue_map import CatalogueMap
from indexer.explore.map_picture import ReadThumbnail, draw_map
from indexer.explore.projector import write_projector
from search.errors import QueryError, SetupError
from search.store import StoredPoint

SUFFIXES = (".png", ".parquet")


def check_target(to: Path) -> None:
    """See that a map can be written there, before it is made.

    Raises:
        QueryError: a suffix that is no format, a file where a folder is wanted, a folder with other files in it.
        SetupError: the folder is not there, or must not be written to.
    """
    suffix = to.suffix.lower()
    if suffix and suffix not in SUFFIXES:
        raise QueryError(
            f"{to} ends in {suffix!r}; a map is a .png, a .parquet, or a folder (a name without an ending) for "
            "TensorBoard's projector",
            pointer="/out",
        )
    folder = to.absolute().parent
    if not folder.is_dir():
        raise SetupError(f"there is no folder {folder} to write {to.name} into; make it first", code="no_folder")
    if suffix and to.is_dir():
        raise QueryError(f"{to} is a folder; name a file", pointer="/out")
    if not suffix and to.exists():
        _check_folder(to)
        folder = to
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(
            f"nothing may be written into {folder}; change its permissions, or name another", code="no_access"
        )


def write_map(
    catalogue_map: CatalogueMap,
    to: Path,
    *,
    color_by: str = "",
    read_thumbnail: ReadThumbnail,
    thumbnails: bool = False,
) -> None:
    """Write a map, in the form its name says: `.png`, `.parquet`, or a folder for TensorBoard's projector.

    Args:
        color_by: attribute the points of a picture are coloured by.
        read_thumbnail: gives a photo's thumbnail by its hash.
        thumbnails: draw them instead of points; in a table, put them into a column `image`.

    Raises:
        SetupError: the disk refuses.
    """
    try:
        if not to.suffix:
            write_projector(catalogue_map, to, read_thumbnail=read_thumbnail)
            return
        aside = to.with_name(f"{to.name}.{os.getpid()}.tmp")
        try:
            if to.suffix.lower() == ".png":
                reader = read_thumbnail if thumbnails else None
                aside.write_bytes(draw_map(catalogue_map, color_by=color_by, read_thumbnail=reader))
            else:
                to_frame(catalogue_map, read_thumbnail if thumbnails else None).write_parquet(aside)
            aside.replace(to)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise SetupError(f"{to} cannot be written ({error.strerror or error})", code="no_access") from error


def to_frame(catalogue_map: CatalogueMap, read_thumbnail: ReadThumbnail | None = None) -> pl.DataFrame:
    """A table of `x`, `y`, `id` and the items' attributes, one row an item: what Embedding Atlas reads.

    Several values of an attribute are joined by " / "; what the classifier accepted stands in `predicted.NAME`. With
    thumbnails, `image` holds each as `{bytes, path}`.
    """
    rows = [_to_row(point) for point in catalogue_map.points]
    names = dict.fromkeys(name for row in rows for name in row if name not in ("x", "y", "id", "image"))
    columns: dict[str, pl.Series] = {
        "x": pl.Series("x", catalogue_map.xy[:, 0]),
        "y": pl.Series("y", catalogue_map.xy[:, 1]),
        "id": pl.Series("id", [_to_utf8(point.item.id) for point in catalogue_map.points]),
    }
    for name in names:
        values = [row.get(name) for row in rows]
        numbers = all(value is None or isinstance(value, (int, float)) for value in values)
        kept = values if numbers else [None if value is None else _to_utf8(str(value)) for value in values]
        columns[name] = pl.Series(_to_utf8(name), kept, strict=False)
    if read_thumbnail is not None:
        hashes = [point.photo.sha256 for point in catalogue_map.points]
        kind = pl.Struct({"bytes": pl.Binary, "path": pl.String})
        pictures = [{"bytes": read_thumbnail(each), "path": f"{each}.jpg"} for each in hashes]
        columns["image"] = pl.Series("image", pictures, dtype=kind)
    return pl.DataFrame(list(columns.values()))


def _to_row(point: StoredPoint) -> Mapping[str, object]:
    row: dict[str, object] = {
        name: " / ".join(value) if isinstance(value, tuple) else value for name, value in point.item.attributes.items()
    }
    for name, prediction in point.predictions.items():
        if prediction.accepted:
            row[f"predicted.{name}"] = " / ".join(prediction.accepted)
    return row


def _to_utf8(text: str) -> str:
    """File names that are not UTF-8 get into a catalogue as half surrogates, which no Parquet file holds."""
    return text.encode("utf-8", "replace").decode()


def _check_folder(folder: Path) -> None:
    from indexer.explore.projector import CONFIG_FILE

    if not folder.is_dir():
        raise QueryError(
            f"{folder} is a file; name a folder, or a file ending in {' or '.join(SUFFIXES)}", pointer="/out"
        )
    if any(folder.iterdir()) and not (folder / CONFIG_FILE).is_file():
        raise QueryError(
            f"{folder} has files of its own; name a new folder for TensorBoard's projector", pointer="/out"
        )
