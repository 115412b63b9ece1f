"""The looks of a catalogue, kept beside it for the page.

Works with one JSON file in the data directory. Knows nothing of how looks are found or answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from indexer.explore.kept_file import KeptFile, save_document
from indexer.explore.look_names import Trait
from indexer.explore.looks import Look, Looks
from indexer.explore.saved_map import list_photo_record, read_photo_record
from search.errors import NotFoundError

FORMAT = 1
FILE_NAME = "looks.json"


def save_looks(looks: Looks, data: Path) -> None:
    """Keep the looks as the catalogue's; they take the place of former ones.

    Raises:
        SetupError: the disk refuses.
    """
    document = {
        "format": FORMAT,
        "items": looks.items,
        "seed": looks.seed,
        "state": looks.state,
        "weights": dict(looks.weights),
        "looks": [
            {
                "name": look.name,
                "cover": list_photo_record(look.cover),
                "traits": [asdict(trait) for trait in look.traits],
                "items": look.item_ids,
            }
            for look in looks.looks
        ],
    }
    save_document(document, data / FILE_NAME)


def load_looks(data: Path) -> Looks:
    """The catalogue's looks.

    Raises:
        NotFoundError: `no_looks`: none were made yet.
        IntegrityError: the file is damaged.
    """
    return _FILE.load(data / FILE_NAME)


def find_look(looks: Looks, number: int) -> Look:
    """The look with this number.

    Raises:
        NotFoundError: `look_not_found`.
    """
    if not 1 <= number <= len(looks.looks):
        raise NotFoundError(
            f"there is no look {number}; this catalogue has looks 1 to {len(looks.looks)}", code="look_not_found"
        )
    return looks.looks[number - 1]


def _read(document: Mapping[str, Any]) -> Looks:
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']}, this version reads {FORMAT}")
    looks = tuple(
        Look(
            number=number,
            name=str(look["name"]),
            cover=read_photo_record(look["cover"]),
            traits=tuple(Trait(**trait) for trait in look["traits"]),
            item_ids=tuple(map(str, look["items"])),
        )
        for number, look in enumerate(document["looks"], 1)
    )
    return Looks(
        looks=looks,
        items=int(document["items"]),
        seed=int(document["seed"]),
        state=str(document["state"]),
        weights={name: float(weight) for name, weight in document["weights"].items()},
    )


_FILE = KeptFile(_read, missing="this catalogue has no looks yet: make them with 'vitrine looks'", code="no_looks")
