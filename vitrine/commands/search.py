"""`vitrine search`: one question from the command line, answered as the HTTP API answers it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from api import schemas
from api.asked_examples import LESS
from api.predictions import refuse_classifying
from api.wire import to_answer
from indexer.feed.photos import read_photo
from search.catalogue import Catalogue
from search.color_query import read_color_example
from search.embedder import EmbeddedPhoto
from search.errors import QueryError
from search.filters import Source, parse_filter
from search.query import Example, FacetsOver, ItemExample, PhotoExample, Query, TextExample
from search.region import Box, parse_box
from vitrine.commands.classify import print_predictions
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

DEFAULT_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked on the command line, as it was written.

    Attributes:
        photos, items, texts, colors: what hits should be like; one that ends in `^NUMBER` counts that much, below 0 for
            what they should be unlike.
        less_like: ids of items that hits should be less like.
        region: left,top,right,bottom of the one photo, as shares of its sides.
        histograms: ATTRIBUTE or ATTRIBUTE=BINS.
        source: whose values filters and facets are about, of attributes that are predicted.
        classify: say what the classifier sees in the photo.
    """

    photos: Sequence[str] = ()
    items: Sequence[str] = ()
    texts: Sequence[str] = ()
    colors: Sequence[str] = ()
    less_like: Sequence[str] = ()
    region: str | None = None
    filters: Sequence[str] = ()
    facets: Sequence[str] = ()
    facets_over: FacetsOver = FacetsOver.FILTER
    histograms: Sequence[str] = ()
    weights: Sequence[str] = ()
    source: Source = Source.EITHER
    classify: bool = False
    limit: int = 10
    cursor: str | None = None
    exact: bool = False
    diversity: float = 0.0
    group_by: str | None = None
    collapse_duplicates: bool = False
    min_relevance: float | None = None
    tolerance: float | None = None


@dataclass(slots=True, kw_only=True)
class _Found:
    """The examples, embedded, and the first photo with its milliseconds."""

    examples: list[Example] = field(default_factory=list)
    photo: EmbeddedPhoto | None = None
    decode_ms: float = 0.0
    embed_ms: float = 0.0
    tag_ms: float = 0.0


def search_catalogue(settings: Settings, question: Question, *, as_json: bool) -> None:
    """Answer the question and print it."""
    with open_catalogue(settings, say=say) as catalogue:
        answer = ask(catalogue, question)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        print_answer(answer)


def ask(catalogue: Catalogue, question: Question) -> schemas.SearchAnswer:
    """The answer in the shape of the HTTP response.

    Raises:
        NotFoundError: `no_classifier`, or an item that is not there.
        QueryError: an example, filter, weight, facet or cursor that makes no sense.
    """
    started = time.perf_counter()
    manifest = catalogue.manifest
    if question.classify and manifest.classifier is None:
        raise refuse_classifying()
    conditions = parse_filter(
        question.filters, manifest.attributes, source=question.source, predicted=manifest.list_predicted()
    )
    found = _embed_examples(catalogue, question)
    query = Query(
        examples=tuple(found.examples),
        weights=parse_weights(question.weights),
        conditions=conditions,
        facets=question.facets,
        facets_over=question.facets_over,
        histograms=parse_histograms(question.histograms),
        source=question.source,
        limit=question.limit,
        cursor=question.cursor,
        exact=question.exact,
        diversity=question.diversity,
        group_by=question.group_by,
        collapse_duplicates=question.collapse_duplicates,
        min_relevance=question.min_relevance,
        tolerance=question.tolerance,
    )
    result = catalogue.search(query)
    texts = [example.text for example in query.examples if isinstance(example, TextExample) and example.weight > 0]
    took = schemas.TookModel(
        decode=found.decode_ms,
        embed=found.embed_ms,
        classify=found.tag_ms,
        search=result.search_ms,
        total=1e3 * (time.perf_counter() - started),
    )
    return to_answer(
        query,
        result,
        took,
        tagging=found.photo.tagging if found.photo else None,
        classify=question.classify,
        suggestions=catalogue.suggest_filters(" ".join(texts)) if texts else (),
    )


def _embed_examples(catalogue: Catalogue, question: Question) -> _Found:
    found = _Found()
    if question.region is not None and len(question.photos) != 1:
        raise QueryError("--region is a part of one photo; give one --photo with it", code="ambiguous_region")
    region = None if question.region is None else parse_box(question.region, "/region")
    for text in question.photos:
        path, weight = parse_weighted(text)
        photo = _embed(catalogue, Path(path), region)
        found.photo = found.photo or (photo if weight > 0 else None)
        found.decode_ms += photo.decode_ms
        found.embed_ms += photo.embed_ms
        found.tag_ms += photo.tag_ms if photo.tagging else 0.0
        example = PhotoExample(embeddings=photo.embeddings, sha256=photo.sha256, region=region, weight=weight)
        found.examples.append(example)
    for text in question.items:
        item_id, weight = parse_weighted(text)
        found.examples.append(ItemExample(item_id=item_id, weight=weight))
    found.examples.extend(ItemExample(item_id=item_id, weight=LESS) for item_id in question.less_like)
    for text in question.texts:
        words, weight = parse_weighted(text)
        found.examples.append(TextExample(text=words, embeddings=catalogue.embed_text_or_not(words), weight=weight))
    for text in question.colors:
        color, weight = parse_weighted(text)
        found.examples.append(read_color_example(color, weight=weight, pointer="/color"))
    return found


def parse_weighted(text: str) -> tuple[str, float]:
    """`red shoes^-0.5` as text and weight; 1 where the text does not end in `^NUMBER`."""
    start, caret, number = text.rpartition("^")
    try:
        return (start, float(number)) if caret and start else (text, 1.0)
    except ValueError:
        return text, 1.0


def parse_histograms(texts: Sequence[str]) -> Mapping[str, int]:
    """Bins by attribute from `ATTRIBUTE` or `ATTRIBUTE=BINS`."""
    bins: dict[str, int] = {}
    for text in texts:
        name, given, number = text.rpartition("=")
        if given and not number.strip().isdecimal():
            raise QueryError(f"--histogram {text!r} is not of the form ATTRIBUTE=BINS, such as price=10")
        bins[name if given else text] = int(number) if given else DEFAULT_BINS
    return bins


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
        if hit.relevance is not None:
            score += f" {hit.relevance:.0%}"
        table.add_row(score, hit.id, *(_read_value(hit, name) for name in columns))
    out.print(table, markup=False)
    for note in answer.notes:
        say(note.message)
    if answer.close is False:
        say("nothing in this catalogue is close to that; leave min_relevance out to see what comes nearest")
    for each in answer.suggestions:
        values = ",".join(f'"{value}"' if "," in value else value for value in each.values)
        out.print(f"filter by it: --filter '{each.attribute}={values}'", markup=False)
    for name, counts in answer.facets.items():
        out.print(f"{name}: " + ", ".join(f"{c.value} {c.count}" for c in counts), markup=False)
    for name, bins in answer.histograms.items():
        out.print(f"{name}: " + ", ".join(f"{b.start:g} to {b.end:g} {b.count}" for b in bins), markup=False)
    say(f"{len(answer.hits)} of {answer.total.value} items in {answer.took_ms.total:.0f} ms")
    if answer.query.outside:
        sure = f"{answer.query.out_of_catalogue:.2f}"
        say(f"this photo does not look like anything in this catalogue (probability {sure}); these come nearest")
    if answer.next_cursor:
        say(f"more: --cursor {answer.next_cursor}")


def _embed(catalogue: Catalogue, path: Path, region: Box | None) -> EmbeddedPhoto:
    return catalogue.embed_photo(read_photo(str(path.absolute()), path.parent), region)


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
