"""A folder that TensorBoard's embedding projector opens: vectors, labels, thumbnails, and the file that names them.

The layout is that of `tensorboard/plugins/projector`. Works with a map; knows nothing of how it was made.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from indexer.explore.catalogue_map import CatalogueMap
from indexer.explore.labels import read_labels
from indexer.explore.map_picture import ReadThumbnail
from indexer.explore.projection import reduce_rows

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CONFIG_FILE = "projector_config.pbtxt"
COMPONENTS = 64
"""Numbers a vector is brought down to: the projector works in a browser, and makes its own maps of them."""

MAX_SPRITE, TILE = 8_192, 64
"""Pixels of the picture of all thumbnails at most, and of one in it."""


def write_projector(catalogue_map: CatalogueMap, folder: Path, *, read_thumbnail: ReadThumbnail) -> None:
    """Write `tensors.tsv`, `metadata.tsv`, `sprite.png` and, last, `projector_config.pbtxt` into a folder.

    Open it with `tensorboard --logdir FOLDER`.
    """
    folder.mkdir(exist_ok=True)
    vectors = reduce_rows(catalogue_map.table.fuse(), COMPONENTS, seed=catalogue_map.seed)
    tile = choose_tile(len(vectors))
    _write(folder / "tensors.tsv", lambda out: np.savetxt(out, vectors, fmt="%.6g", delimiter="\t"))
    _write(folder / "metadata.tsv", lambda out: out.writelines(_list_lines(catalogue_map)))
    _write(folder / "sprite.png", lambda out: _draw_sprite(catalogue_map, tile, read_thumbnail).save(out, "PNG"))
    name = f"{catalogue_map.table.space} ({len(vectors)} items)"
    config = (
        "embeddings {\n"
        f'  tensor_name: "{name}"\n'
        '  tensor_path: "tensors.tsv"\n'
        '  metadata_path: "metadata.tsv"\n'
        "  sprite {\n"
        '    image_path: "sprite.png"\n'
        f"    single_image_dim: {tile}\n"
        f"    single_image_dim: {tile}\n"
        "  }\n"
        "}\n"
    )
    _write(folder / CONFIG_FILE, lambda out: out.write(config.encode()))


def choose_tile(items: int) -> int:
    """Pixels of one thumbnail, so that all of them fit into one picture."""
    return max(1, min(TILE, MAX_SPRITE // math.ceil(math.sqrt(items))))


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as out:
            write(out)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _list_lines(catalogue_map: CatalogueMap) -> Iterator[bytes]:
    """A line an item, below the names of the columns: the projector takes tabs and ends of lines for its own."""
    there = {name for point in catalogue_map.points for name in (*point.item.attributes, *point.predictions)}
    names = sorted(there)
    yield _to_line(["id", *names])
    for point in catalogue_map.points:
        yield _to_line([point.item.id, *(" / ".join(read_labels(point, name)) for name in names)])


def _to_line(cells: list[str]) -> bytes:
    return ("\t".join(" ".join(cell.split()) for cell in cells) + "\n").encode("utf-8", "replace")


def _draw_sprite(catalogue_map: CatalogueMap, tile: int, read_thumbnail: ReadThumbnail) -> Picture:
    from PIL import Image

    columns = math.ceil(len(catalogue_map.points) ** 0.5)
    lines = math.ceil(len(catalogue_map.points) / columns)
    sheet = Image.new("RGB", (columns * tile, lines * tile), "white")
    for row, point in enumerate(catalogue_map.points):
        jpeg = read_thumbnail(point.photo.sha256)
        if jpeg is None:
            continue
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("RGB", (tile, tile))
            small = picture.convert("RGB")
        small.thumbnail((tile, tile))
        left, top = row % columns * tile, row // columns * tile
        sheet.paste(small, (left + (tile - small.width) // 2, top + (tile - small.height) // 2))
    return sheet
