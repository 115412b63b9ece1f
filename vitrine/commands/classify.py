"""`vitrine classify`: what the classifier sees in photos."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import typer
from rich.table import Table

from api import schemas
from api.engines import HEADS, EngineName
from api.predictions import refuse_classifying, to_predictions
from indexer.feed.photos import read_photo
from search.catalogue import Catalogue
from search.errors import InputError, NotFoundError, QueryError
from search.photo import decode_photo, encode_thumbnail
from search.tagging import Tagging
from vitrine.console import out, print_json, say
from vitrine.exit_codes import to_exit_code
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue, open_engines

if TYPE_CHECKING:
    from classifier.spiking.answering import PixelAnswer
    from classifier.spiking.engines import PixelEngines


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of one photo: what is seen in it, or why nothing is."""

    file: Path
    sha256: str = ""
    tagging: Tagging | None = None
    answer: PixelAnswer | None = None
    error: InputError | None = None

    def to_wire(self) -> dict[str, object]:
        """As one object of the JSON document."""
        if self.error is not None:
            return {"file": str(self.file), "error": {"code": self.error.code, "detail": self.error.message}}
        if self.answer is not None:
            return self._answer_to_wire(self.answer)
        assert self.tagging is not None
        return {
            "file": str(self.file),
            "photo": f"sha256:{self.sha256}",
            "attributes": {n: p.model_dump() for n, p in to_predictions(self.tagging.predictions).items()},
            "out_of_catalogue": round(self.tagging.out_of_catalogue, 4),
            "outside": self.tagging.outside,
            "model": self.tagging.model,
        }

    def _answer_to_wire(self, answer: PixelAnswer) -> dict[str, object]:
        return {
            "file": str(self.file),
            "photo": f"sha256:{self.sha256}",
            "attributes": {n: p.model_dump() for n, p in to_predictions(answer.predictions).items()},
            "model": answer.model,
            "spiking": None if answer.work is None else asdict(answer.work),
            "took_ms": round(answer.took_ms, 3),
        }


def classify_photos(settings: Settings, photos: Sequence[Path], *, engine: str = HEADS, as_json: bool) -> None:
    """Print what is seen in each photo. One that cannot be read is named; the first one's error is the exit code.

    Args:
        engine: `heads`, the catalogue's own classifier; `cnn` or `snn`, a converted network.

    Raises:
        NotFoundError: `no_classifier`; `no_network`.
        SetupError: `extra_missing`.
    """
    if engine not in get_args(EngineName):
        raise QueryError(f"there is no engine {engine!r}; there are {', '.join(get_args(EngineName))}")
    if engine == HEADS:
        with open_catalogue(settings, say=say) as catalogue:
            if catalogue.manifest.classifier is None:
                raise refuse_classifying()
            seen = [_classify(catalogue, photo) for photo in photos]
    else:
        with closing(open_engines(settings)) as engines:
            seen = [_look(engines, engine, photo) for photo in photos]
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


def _look(engines: PixelEngines, engine: str, file: Path) -> Seen:
    """From the photo's thumbnail, as the server does, so that both give the same answer."""
    try:
        data = read_photo(str(file.absolute()), file.parent)
        thumbnail = encode_thumbnail(decode_photo(data).picture)
        return Seen(file=file, sha256=hashlib.sha256(data).hexdigest(), answer=engines.answer(engine, thumbnail))
    except NotFoundError:
        raise
    except InputError as error:
        return Seen(file=file, error=error)


def _print_photo(seen: Seen) -> None:
    if seen.error is not None:
        say(f"{seen.file}: {seen.error.message}")
        return
    if seen.answer is not None:
        _print_answer(seen.file, seen.answer)
        return
    assert seen.tagging is not None
    tagging = seen.tagging
    out.print(f"{seen.file}", markup=False)
    print_predictions(to_predictions(tagging.predictions))
    verdict = "; it does not look like anything in this catalogue" if tagging.outside else ""
    out.print(f"out of catalogue {tagging.out_of_catalogue:.2f}{verdict}; model {tagging.model}", markup=False)
    out.print()


def _print_answer(file: Path, answer: PixelAnswer) -> None:
    out.print(f"{file}", markup=False)
    print_predictions(to_predictions(answer.predictions))
    work = answer.work
    spent = "" if work is None else f"{work.steps} of {work.most_steps} steps, {work.spikes:,} spikes, "
    out.print(f"{spent}{answer.took_ms:.1f} ms; model {answer.model}", markup=False)
    out.print()
