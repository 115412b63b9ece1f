"""Between the wire and the search: questions to queries, results to answers.

Plain conversions. Knows nothing of HTTP requests, threads or the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from starlette.responses import Response

from api import schemas
from api.predictions import to_predictions
from search.cursor import digest_query
from search.errors import QueryError
from search.filters import Filter, Source, filter_from_wire
from search.item import PhotoRecord
from search.manifest import Manifest
from search.query import ColorExample, Example, Hit, ItemExample, PhotoExample, Query, Result, TextExample
from search.store import FacetCount
from search.suggestions import Suggestion
from search.tagging import Tagging

_KINDS: Mapping[type[Example], Literal["photo", "item", "text", "color"]] = {
    PhotoExample: "photo",
    ItemExample: "item",
    TextExample: "text",
    ColorExample: "color",
}
_SUFFIXES = ("not", "gte", "lte", "gt", "lt")


def answer_json(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model as a JSON answer, written once."""
    try:
        body = model.model_dump_json().encode()
    except (PydanticSerializationError, UnicodeEncodeError):
        # A file name that is not UTF-8 gets into a catalogue as half surrogates; JSON can say those only escaped.
        body = json.dumps(model.model_dump(mode="python"), ensure_ascii=True, allow_nan=False).encode()
    return Response(body, status_code=status, headers=dict(headers or {}), media_type="application/json")


def read_filter(wire: Mapping[str, object], source: str, manifest: Manifest) -> Filter:
    """Conditions from the `filter` of a question, on values of this source where they do not name another one.

    Raises:
        QueryError: with a pointer to the attribute.
    """
    return filter_from_wire(wire, manifest.attributes, source=Source(source), predicted=manifest.list_predicted())


def read_filter_parameters(
    parameters: Sequence[tuple[str, str]], reserved: Sequence[str], source: str, manifest: Manifest
) -> Filter:
    """Conditions from a query string: `color=Red&color=Blue&price_lt=50&brand_not=Acme`.

    Args:
        reserved: parameters that are not attributes.
        source: whose values the conditions are about.

    Raises:
        QueryError: with a pointer to the parameter.
    """
    wire: dict[str, Any] = {}
    for parameter, value in parameters:
        if parameter in reserved:
            continue
        name, suffix = _split_parameter(parameter, manifest.attributes)
        spec = wire.setdefault(name, {} if suffix else [])
        if isinstance(spec, dict) != bool(suffix):
            raise QueryError(
                f"{name!r} is asked for both by value and by bounds; choose one of the two", pointer=f"/{parameter}"
            )
        if not suffix:
            spec.append(value)
        elif suffix == "not":
            spec.setdefault("not", []).append(value)
        elif suffix in spec:
            raise QueryError(f"{parameter!r} is there twice; say it once", pointer=f"/{parameter}")
        else:
            spec[suffix] = value
    try:
        return read_filter(wire, source, manifest)
    except QueryError as error:
        pointer = (error.pointer or "").removeprefix("/filter")
        raise QueryError(error.message, code=error.code, pointer=pointer) from None


def compute_query_id(query: Query) -> str:
    """16 hex digits, the same for every page of the same question."""
    return digest_query(query, query.weights, "")


def describe_example(example: Example) -> schemas.ExampleModel:
    """One example of a question, as the answer repeats it."""
    sha256 = example.sha256 if isinstance(example, PhotoExample) else None
    return schemas.ExampleModel(
        kind=_KINDS[type(example)],
        weight=example.weight,
        photo=f"sha256:{sha256}" if sha256 else None,
        photo_url=f"/v1/photos/{sha256}" if sha256 else None,
        item_id=example.item_id if isinstance(example, ItemExample) else None,
        text=example.text if isinstance(example, TextExample) else None,
        colors=to_palette(example.colors) if isinstance(example, ColorExample) else None,
        region=example.region.to_wire() if isinstance(example, PhotoExample) and example.region else None,
    )


def describe_query(query: Query, tagging: Tagging | None, *, classify: bool) -> schemas.AskedModel:
    """What was asked, as the answer repeats it, and what the classifier says of the photo."""
    examples = [describe_example(example) for example in query.examples]
    first = {example.kind: example for example in reversed(examples) if example.weight > 0}
    photo, item, text, color = (first.get(kind) for kind in ("photo", "item", "text", "color"))
    kind = "browse" if not examples else "several" if len(examples) > 1 else examples[0].kind
    return schemas.AskedModel(
        kind=kind,
        photo=photo.photo if photo else None,
        photo_url=photo.photo_url if photo else None,
        item_id=item.item_id if item else None,
        text=text.text if text else None,
        colors=color.colors if color else None,
        region=photo.region if photo else None,
        examples=examples,
        attributes=to_predictions(tagging.predictions) if tagging and classify else None,
        out_of_catalogue=round(tagging.out_of_catalogue, 4) if tagging else None,
        outside=tagging.outside if tagging else None,
        model=tagging.model if tagging else None,
    )


def to_answer(
    query: Query,
    result: Result,
    took_ms: schemas.TookModel,
    *,
    tagging: Tagging | None = None,
    classify: bool = False,
    suggestions: Sequence[Suggestion] = (),
) -> schemas.SearchAnswer:
    """A result as its answer.

    Args:
        tagging: of the photo asked about, where there is a classifier.
        classify: whether to say what it sees.
        suggestions: filters that the question's words name.
    """
    return schemas.SearchAnswer(
        query_id=compute_query_id(query),
        query=describe_query(query, tagging, classify=classify),
        hits=[to_hit(hit) for hit in result.hits],
        total=schemas.TotalModel(value=result.total),
        groups=result.groups,
        close=result.close,
        facets=to_facets(result.facets),
        facets_over=query.facets_over.value,
        histograms={
            name: [schemas.BinModel(start=bar.start, end=bar.end, count=bar.count) for bar in bins]
            for name, bins in result.histograms.items()
        },
        suggestions=[
            schemas.SuggestionModel(attribute=each.attribute, values=list(each.values), whole=each.whole)
            for each in suggestions
        ],
        notes=[schemas.NoteModel(code=note.code, message=note.message) for note in result.notes],
        weights=dict(result.weights),
        next_cursor=result.next_cursor,
        took_ms=took_ms,
    )


def to_palette(colors: Sequence[tuple[str, float]]) -> list[schemas.PaletteColorModel]:
    """Colours with their shares as an answer has them."""
    return [schemas.PaletteColorModel(color=color, share=round(share, 4)) for color, share in colors]


def to_hit(hit: Hit) -> schemas.HitModel:
    """A hit as one entry of an answer."""
    return schemas.HitModel(
        id=hit.item.id,
        score=hit.score,
        item=hit.item.to_wire(),
        predicted=to_predictions(hit.predictions),
        model=hit.model or None,
        parts=dict(hit.parts),
        relevance=None if hit.relevance is None else round(hit.relevance, 4),
        group=hit.group,
        delta_e=None if hit.delta_e is None else round(hit.delta_e, 2),
        photo=to_photo(hit.item.id, hit.photo),
    )


def to_photo(item_id: str, photo: PhotoRecord) -> schemas.PhotoModel:
    """A photo of an item, with the address of its thumbnail; `v` changes with the picture, so a cache may keep it."""
    url = f"{quote_item_path(item_id)}/photo?index={photo.index}&v={photo.sha256[:8]}"
    return schemas.PhotoModel(
        url=url, index=photo.index, width=photo.width, height=photo.height, palette=to_palette(photo.palette)
    )


def to_facets(facets: Mapping[str, Sequence[FacetCount]]) -> dict[str, list[schemas.FacetValueModel]]:
    """Counts of values as an answer has them."""
    return {
        name: [schemas.FacetValueModel(value=count.value, count=count.count) for count in counts]
        for name, counts in facets.items()
    }


def quote_item_path(item_id: str) -> str:
    """Path of an item; whatever is in its id, it is one segment."""
    return "/v1/items/" + quote(item_id, safe="", errors="surrogatepass")


def _split_parameter(parameter: str, schema: Container[str]) -> tuple[str, str]:
    """Attribute and suffix; an attribute whose own name ends like a suffix is taken by its whole name."""
    if parameter not in schema:
        for suffix in _SUFFIXES:
            name = parameter.removesuffix(f"_{suffix}")
            if name != parameter and name in schema:
                return name, suffix
    return parameter, ""
