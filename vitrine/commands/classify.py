"""`vitrine classify`: what the classifier sees in photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.table import Table

from api import schemas
from api.predictions import refuse_classifying, to_predictions
from indexer.feed.photos import read_photo
from search.catalogue import Catalogue
from search.errors import InputError
from search.tagging import Tagging
from vitrine.console import out, print_json, say
from vitrine.exit_codes import to_exit_code
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of one photo: what is seen in it, or why nothing is."""

    file: Path
    sha256: str = ""
    tagging: Tagging | None = None
    error: InputError | None = None

    def to_wire(self) -> dict[str, object]:
        """As one object of the JSON document."""
        if self.error is not None:
            return {"file": str(self.file), "error": {"code": self.error.code, "detail": self.error.message}}
        assert self.tagging is not None
        return {
            "file": str(self.file),
            "photo": f"sha256:{self.sha256}",
            "attributes": {n: p.model_dump() for n, p in to_predictions(self.tagging.predictions).items()},
            "out_of_catalogue": round(self.tagging.out_of_catalogue, 4),
            "outside": self.tagging.outside,
            "model": self.tagging.model,
        }


def classify_photos(settings: Settings, photos: Sequence[Path], *, as_json: bool) -> None:
    """Print what is seen in each photo. One that cannot be read is named; the first one's error is the exit code.

    Raises:
        NotFoundError: `no_classifier`.
    """
    with open_catalogue(settings, say=say) as catalogue:
        if catalogue.manifest.classifier is None:
            raise refuse_classifying()
        seen = [_classify(catalogue, photo) for photo in photos]
    if as_json:
        print_json({"photos": [each.to_wire() for each in seen]})
    else:
        for each in seen:
            _print_photo(each)
    errors = [each.error for each in seen if each.error is not None]
    if errors:
        raise typer.Exit(to_exit_code(errors[0]))


def print_predictions(attributes: Mapping[str, schemas.PredictionModel]) -> None:
    """What is seen, a line an attribute: the values that are accepted, and the likeliest ones."""
    table = Table(box=None, pad_edge=False)
    for heading in ("attribute", "seen", "confidence"):
        table.add_column(heading)
    for name, prediction in attributes.items():
        values = ", ".join(f"{each.value} {each.confidence:.2f}" for each in prediction.values)
        table.add_row(name, "abstains" if prediction.abstained else " / ".join(prediction.accepted), values)
    out.print(table, markup=False)


def _classify(catalogue: Catalogue, file: Path) -> Seen:
    try:
        embedded = catalogue.embed_photo(read_photo(str(file.absolute()), file.parent))
    except InputError as error:
        return Seen(file=file, error=error)
    if embedded.tagging is None:
        raise refuse_classifying()
    return Seen(file=file, sha256=embedded.sha256, tagging=embedded.tagging)


def _print_photo(seen: Seen) -> None:
    if seen.error is not None:
        say(f"{seen.file}: {seen.error.message}")
        return
    assert seen.tagging is not None
    tagging = seen.tagging
    out.print(f"{seen.file}", markup=False)
    print_predictions(to_predictions(tagging.predictions))
    verdict = "; it does not look like anything in this catalogue" if tagging.outside else ""
    out.print(f"out of catalogue {tagging.out_of_catalogue:.2f}{verdict}; model {tagging.model}", markup=False)
    out.print()
