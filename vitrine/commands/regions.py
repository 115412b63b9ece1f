"""`vitrine regions`: parts of a photo that are worth asking about. Needs no catalogue."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from api.region_schemas import to_regions
from indexer.feed.photos import read_photo
from search.embedder import KEPT_SIDE
from search.photo import decode_photo, encode_thumbnail
from search.region_suggestions import suggest_regions
from vitrine.console import out, print_json


def show_regions(photo: Path, *, as_json: bool) -> None:
    """Print the names and boxes; a box is what `search --region` takes.

    Raises:
        PhotoError: the photo cannot be read, or is refused.
    """
    # As the server does, which keeps that copy and no other, so that both give the same answer.
    kept = encode_thumbnail(decode_photo(read_photo(str(photo.absolute()), photo.parent)).picture, side=KEPT_SIDE)
    regions = to_regions(suggest_regions(decode_photo(kept).picture))
    if as_json:
        print_json({"file": str(photo), "regions": [each.model_dump() for each in regions]})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("region", "left,top,right,bottom", "of the product"):
        table.add_column(heading)
    for each in regions:
        table.add_row(each.name, ",".join(f"{value:g}" for value in each.box), f"{100 * each.share:.0f} %")
    out.print(table, markup=False)
