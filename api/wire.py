"""Between the wire and the search: questions to queries, results to answers.

Plain conversions. Knows nothing of HTTP requests, threads or the catalogue.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from starlette.responses import Response

from api import schemas
from api.predictions import to_predictions
from search.errors import QueryError
from search.filters import Filter, Source, filter_from_wire, filter_to_wire
from search.item import PhotoRecord
from search.manifest import Manifest
from search.query import Hit, Query, Result
from search.store import FacetCount
from search.tagging import Tagging

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
    facts = [query.photo_sha256, query.item_id, filter_to_wire(query.conditions), sorted(query.weights.items())]
    return hashlib.sha256(json.dumps([*facts, query.exact]).encode()).hexdigest()[:16]


def describe_query(query: Query, tagging: Tagging | None, *, classify: bool) -> schemas.AskedModel:
    """What was asked, as the answer repeats it, and what the classifier says of the photo."""
    sha256 = query.photo_sha256
    return schemas.AskedModel(
        kind="photo" if sha256 else "item" if query.item_id is not None else "browse",
        photo=f"sha256:{sha256}" if sha256 else None,
        photo_url=f"/v1/photos/{sha256}" if sha256 else None,
        item_id=query.item_id,
        attributes=to_predictions(tagging.predictions) if tagging and classify else None,
        out_of_catalogue=round(tagging.out_of_catalogue, 4) if tagging else None,
        outside=tagging.outside if tagging else None,
        model=tagging.model if tagging else None,
    )


def to_answer(
    query: Query, result: Result, took_ms: schemas.TookModel, *, tagging: Tagging | None = None, classify: bool = False
) -> schemas.SearchAnswer:
    """A result as its answer.

    Args:
        tagging: of the photo asked about, where there is a classifier.
        classify: whether to say what it sees.
    """
    return schemas.SearchAnswer(
        query_id=compute_query_id(query),
        query=describe_query(query, tagging, classify=classify),
        hits=[to_hit(hit) for hit in result.hits],
        total=schemas.TotalModel(value=result.total),
        facets=to_facets(result.facets),
        weights=dict(result.weights),
        next_cursor=result.next_cursor,
        took_ms=took_ms,
    )


def to_hit(hit: Hit) -> schemas.HitModel:
    """A hit as one entry of an answer."""
    return schemas.HitModel(
        id=hit.item.id,
        score=hit.score,
        item=hit.item.to_wire(),
        predicted=to_predictions(hit.predictions),
        model=hit.model or None,
        parts=dict(hit.parts),
        photo=to_photo(hit.item.id, hit.photo),
    )


def to_photo(item_id: str, photo: PhotoRecord) -> schemas.PhotoModel:
    """A photo of an item, with the address of its thumbnail; `v` changes with the picture, so a cache may keep it."""
    url = f"{quote_item_path(item_id)}/photo?index={photo.index}&v={photo.sha256[:8]}"
    return schemas.PhotoModel(url=url, index=photo.index, width=photo.width, height=photo.height)


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
