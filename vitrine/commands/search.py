"""`vitrine search`: one question from the command line, answered as the HTTP API answers it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from api import schemas
from api.predictions import refuse_classifying
from api.wire import to_answer
from indexer.feed.photos import read_photo
from search.catalogue import Catalogue
from search.embedder import EmbeddedPhoto
from search.errors import QueryError
from search.filters import Source, parse_filter
from search.query import Query
from vitrine.commands.classify import print_predictions
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked on the command line, as it was written.

    Attributes:
        source: whose values filters and facets are about, of attributes that are predicted.
        classify: say what the classifier sees in the photo.
    """

    photo: Path | None = None
    item: str | None = None
    filters: Sequence[str] = ()
    facets: Sequence[str] = ()
    weights: Sequence[str] = ()
    source: Source = Source.EITHER
    classify: bool = False
    limit: int = 10
    cursor: str | None = None
    exact: bool = False


def search_catalogue(settings: Settings, question: Question, *, as_json: bool) -> None:
    """Answer the question and print it."""
    if question.photo is not None and question.item is not None:
        raise QueryError("--photo and --item are two questions; ask one of them")
    with open_catalogue(settings, say=say) as catalogue:
        answer = ask(catalogue, question)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        print_answer(answer)


def ask(catalogue: Catalogue, question: Question) -> schemas.SearchAnswer:
    """The answer in the shape of the HTTP response.

    Raises:
        NotFoundError: `no_classifier`.
        QueryError: a filter, weight, facet or cursor that makes no sense.
    """
    started = time.perf_counter()
    manifest = catalogue.manifest
    if question.classify and manifest.classifier is None:
        raise refuse_classifying()
    conditions = parse_filter(
        question.filters, manifest.attributes, source=question.source, predicted=manifest.list_predicted()
    )
    photo = None if question.photo is None else _embed(catalogue, question.photo)
    query = Query(
        embeddings=photo.embeddings if photo else None,
        photo_sha256=photo.sha256 if photo else None,
        item_id=question.item,
        weights=parse_weights(question.weights),
        conditions=conditions,
        facets=question.facets,
        source=question.source,
        limit=question.limit,
        cursor=question.cursor,
        exact=question.exact,
    )
    result = catalogue.search(query)
    took = schemas.TookModel(
        decode=photo.decode_ms if photo else 0.0,
        embed=photo.embed_ms if photo else 0.0,
        classify=photo.tag_ms if photo and photo.tagging else 0.0,
        search=result.search_ms,
        total=1e3 * (time.perf_counter() - started),
    )
    return to_answer(query, result, took, tagging=photo.tagging if photo else None, classify=question.classify)


def parse_weights(texts: Sequence[str]) -> Mapping[str, float]:
    """Weights by space from `SPACE=NUMBER`."""
    weights: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError:
            raise QueryError(f"--weight {text!r} is not of the form SPACE=NUMBER, such as color=0.3") from None
    return weights


def print_answer(answer: schemas.SearchAnswer) -> None:
    """The hits as a table, the counts below; before them what is seen in the photo, where that was asked."""
    if answer.query.attributes is not None:
        print_predictions(answer.query.attributes)
        out.print()
    shown = ("title", "product_type", "color", "price")
    columns = [name for name in shown if any(_read_value(hit, name) for hit in answer.hits)]
    table = Table(box=None, pad_edge=False)
    for name in ("score", "id", *columns):
        table.add_column(name)
    for hit in answer.hits:
        parts = " ".join(f"{name} {value:.2f}" for name, value in hit.parts.items())
        score = "" if hit.score is None else f"{hit.score:.3f} ({parts})"
        table.add_row(score, hit.id, *(_read_value(hit, name) for name in columns))
    out.print(table, markup=False)
    for name, counts in answer.facets.items():
        out.print(f"{name}: " + ", ".join(f"{c.value} {c.count}" for c in counts), markup=False)
    say(f"{len(answer.hits)} of {answer.total.value} items in {answer.took_ms.total:.0f} ms")
    if answer.query.outside:
        sure = f"{answer.query.out_of_catalogue:.2f}"
        say(f"this photo does not look like anything in this catalogue (probability {sure}); these come nearest")
    if answer.next_cursor:
        say(f"more: --cursor {answer.next_cursor}")


def _embed(catalogue: Catalogue, path: Path) -> EmbeddedPhoto:
    return catalogue.embed_photo(read_photo(str(path.absolute()), path.parent))


def _read_value(hit: schemas.HitModel, name: str) -> str:
    """The shop's value; where it gave none, what is seen in the photo, and that it is that."""
    if name in hit.item:
        return _to_text(hit.item[name])
    accepted = hit.predicted[name].accepted if name in hit.predicted else []
    return f"{' / '.join(accepted)} (seen)" if accepted else ""


def _to_text(value: object) -> str:
    if isinstance(value, list):
        return " / ".join(map(str, value))
    return "" if value is None else str(value)
