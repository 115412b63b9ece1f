"""The last map of a catalogue, kept beside it for the page: where each item lies and what it can be coloured by.

Works with one JSON file in the data directory. Knows nothing of how a map is made or answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.explore.catalogue_map import AxisEnds, CatalogueMap
from indexer.explore.kept_file import KeptFile, save_document
from indexer.explore.labels import Values, matches
from indexer.relevance import list_values
from search.attributes import AttributeKind, AttributeSchema
from search.filters import Filter
from search.item import PhotoRecord

FORMAT = 1
FILE_NAME = "map.json"
MAX_POINTS = 20_000
"""Kept of a larger map: every so manieth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPoint:
    """One item of a map.

    Attributes:
        merchant, predicted: values by attribute, of those that can be filtered by; accepted ones of predictions.
    """

    item_id: str
    photo: PhotoRecord
    x: float
    y: float
    merchant: Values
    predicted: Mapping[str, Sequence[str]]

    def list_labels(self, attribute: str) -> tuple[str, ...]:
        """The shop's values as words; where it gave none, the accepted predictions."""
        own = self.merchant.get(attribute, ())
        return tuple(map(str, own)) or tuple(self.predicted.get(attribute, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMap:
    """A map as it was when it was made.

    Attributes:
        color_by: attribute its maker had the points coloured by; empty for none.
        state: of the catalogue then, see `Manifest.name_state`.
    """

    points: tuple[MapPoint, ...]
    method: str
    space: str
    ends: tuple[AxisEnds, AxisEnds]
    trust: float
    color_by: str
    state: str

    def choose(self, conditions: Filter, limit: int) -> tuple[list[MapPoint], int]:
        """The points whose items fulfil the filter, evenly thinned out to `limit`, and how many there were."""
        there = [point for point in self.points if matches(conditions, point.merchant, point.predicted)]
        return thin_out(there, limit), len(there)


def thin_out(points: Sequence[MapPoint], limit: int) -> list[MapPoint]:
    """At most this many points, from all over the sequence."""
    if len(points) <= limit:
        return list(points)
    return [points[number * len(points) // limit] for number in range(limit)]


def save_map(catalogue_map: CatalogueMap, kinds: AttributeSchema, data: Path, *, color_by: str = "") -> None:
    """Keep a map as the catalogue's last one.

    Raises:
        SetupError: the disk refuses.
    """
    kept = [name for name, kind in kinds.items() if kind is not AttributeKind.TEXT]
    step = -(-len(catalogue_map.points) // MAX_POINTS)
    points = [
        {
            "id": point.item.id,
            "photo": list_photo_record(point.photo),
            "xy": [round(float(x), 5), round(float(y), 5)],
            "merchant": {name: values for name in kept if (values := list_values(point.item, name))},
            "predicted": {name: each.accepted for name, each in point.predictions.items() if each.accepted},
        }
        for point, (x, y) in list(zip(catalogue_map.points, catalogue_map.xy, strict=True))[::step]
    ]
    document = {
        "format": FORMAT,
        "method": catalogue_map.method,
        "space": catalogue_map.table.space,
        "ends": [asdict(end) for end in catalogue_map.ends],
        "trust": catalogue_map.trust,
        "color_by": color_by,
        "state": catalogue_map.table.state,
        "points": points,
    }
    save_document(document, data / FILE_NAME)


def load_map(data: Path) -> SavedMap:
    """The catalogue's last map.

    Raises:
        NotFoundError: `no_map`: none was made yet.
        IntegrityError: the file is damaged.
    """
    return _FILE.load(data / FILE_NAME)


def _read(document: Mapping[str, Any]) -> SavedMap:
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']}, this version reads {FORMAT}")
    x, y = (AxisEnds(low=str(end["low"]), high=str(end["high"])) for end in document["ends"])
    return SavedMap(
        points=tuple(_read_point(point) for point in document["points"]),
        method=str(document["method"]),
        space=str(document["space"]),
        ends=(x, y),
        trust=float(document["trust"]),
        color_by=str(document["color_by"]),
        state=str(document["state"]),
    )


def _read_point(point: Mapping[str, Any]) -> MapPoint:
    x, y = point["xy"]
    return MapPoint(
        item_id=str(point["id"]),
        photo=read_photo_record(point["photo"]),
        x=float(x),
        y=float(y),
        merchant=dict(point["merchant"]),
        predicted=dict(point["predicted"]),
    )


def list_photo_record(photo: PhotoRecord) -> list[object]:
    """What a page shows of a photo: index, link, hash, width, height and colours."""
    return [photo.index, photo.link, photo.sha256, photo.width, photo.height, photo.palette]


def read_photo_record(values: Sequence[Any]) -> PhotoRecord:
    """A photo from what `list_photo_record` made of it; its perceptual hash is not kept."""
    index, link, sha256, width, height, palette = values
    return PhotoRecord(
        index=int(index),
        link=str(link),
        sha256=str(sha256),
        width=int(width),
        height=int(height),
        palette=tuple((str(color), float(share)) for color, share in palette),
    )


_FILE = KeptFile(
    _read, missing="there is no map of this catalogue: make one with 'vitrine map --out map.png'", code="no_map"
)
