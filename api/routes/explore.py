"""`/v1/looks` and `/v1/map`: a catalogue as a whole, as `vitrine looks` and `vitrine map` left it.

Nothing is computed here: both are read from files beside the catalogue.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.backend import CurrentBackend
from api.explore_schemas import (
    AxisModel,
    LookAnswer,
    LookItemModel,
    LookModel,
    LooksAnswer,
    MapAnswer,
    MapPointModel,
    TraitModel,
)
from api.problems import document_problems
from api.routes.search import FILTER_NOTE, SourceParameter
from api.wire import answer_json, read_filter_parameters, to_photo
from indexer.explore.catalogue_map import AxisEnds
from indexer.explore.labels import check_attribute
from indexer.explore.looks import MAX_LOOKS, Look
from indexer.explore.saved_looks import find_look, load_looks
from indexer.explore.saved_map import MapPoint, SavedMap, load_map
from search.catalogue import Catalogue
from search.filters import Filter
from search.query import MAX_LIMIT

router = APIRouter(tags=["explore"])

MAX_MAP_POINTS = 5_000
DEFAULT_MAP_POINTS = 2_000
DEFAULT_ITEMS = 24
MAX_OFFSET = 10_000_000

_MAP_PARAMETERS = ("color_by", "limit", "source")


@router.get(
    "/v1/looks",
    operation_id="listLooks",
    summary="List the looks of the catalogue",
    response_model=LooksAnswer,
    responses=document_problems(404),
)
async def list_looks(backend: CurrentBackend) -> Response:
    """Groups of items that look alike, with names and covers; `no_looks` before `vitrine looks` has made them."""
    catalogue = backend.catalogue
    found = await backend.ask_store(load_looks, catalogue.folder)
    looks = [_to_look(look) for look in found.looks]
    return answer_json(LooksAnswer(looks=looks, items=found.items, stale=_is_stale(found.state, catalogue)))


@router.get(
    "/v1/looks/{number}",
    operation_id="readLook",
    summary="Read one look",
    response_model=LookAnswer,
    responses=document_problems(404, 422),
)
async def read_look(
    backend: CurrentBackend,
    number: Annotated[int, Path(ge=1, le=MAX_LOOKS, examples=[1])],
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_ITEMS,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="`next_offset` of the page before.")] = 0,
) -> Response:
    """A page of its items, and a question for what is like them."""
    catalogue = backend.catalogue
    found = await backend.ask_store(load_looks, catalogue.folder)
    look = find_look(found, number)
    ids = look.item_ids[offset : offset + limit]
    there = await backend.ask_store(catalogue.store.read_items, ids) if ids else {}
    items = [
        LookItemModel(id=item_id, item=there[item_id].item.to_wire(), photo=to_photo(item_id, there[item_id].photo))
        for item_id in ids
        if item_id in there
    ]
    following = offset + limit
    return answer_json(
        LookAnswer(
            look=_to_look(look),
            items=items,
            next_offset=following if following < look.size else None,
            search=await backend.ask_store(_write_search, look, catalogue),
            stale=_is_stale(found.state, catalogue),
        )
    )


@router.get(
    "/v1/map",
    operation_id="readMap",
    summary="Read the map of the catalogue",
    response_model=MapAnswer,
    responses=document_problems(404, 422),
    description="The last map that `vitrine map` made; `no_map` before it has. Filters and values are about the items "
    f"as they were then. {FILTER_NOTE}",
)
async def read_map(
    request: Request,
    backend: CurrentBackend,
    color_by: Annotated[
        str | None, Query(min_length=1, max_length=128, description="Attribute; its map's own where not given.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_MAP_POINTS)] = DEFAULT_MAP_POINTS,
    source: SourceParameter = "either",
) -> Response:
    """Where each item lies."""
    catalogue = backend.catalogue
    manifest = catalogue.manifest
    if color_by is not None:
        check_attribute(color_by, manifest, "/color_by")
    conditions = read_filter_parameters(request.query_params.multi_items(), _MAP_PARAMETERS, source, manifest)
    found = await backend.ask_store(load_map, catalogue.folder)
    stale = _is_stale(found.state, catalogue)
    answer = await backend.ask_store(_to_map, found, conditions, limit, color_by or found.color_by, stale)
    return answer_json(answer)


def _to_look(look: Look) -> LookModel:
    cover_id = look.item_ids[0]
    traits = [
        TraitModel(
            attribute=trait.attribute,
            value=trait.value,
            inside=round(trait.inside, 4),
            outside=round(trait.outside, 4),
            weight=round(trait.weight, 3),
        )
        for trait in look.traits
    ]
    return LookModel(
        number=look.number,
        name=look.name,
        size=look.size,
        cover_id=cover_id,
        cover=to_photo(cover_id, look.cover),
        traits=traits,
        url=f"/v1/looks/{look.number}",
    )


def _write_search(look: Look, catalogue: Catalogue) -> dict[str, object]:
    """A question about the items in the middle, those that are still there: their mean is near the look's centre."""
    there = catalogue.store.read_items(look.examples)
    return {"examples": [{"item_id": item_id} for item_id in look.examples if item_id in there]}


def _to_map(found: SavedMap, conditions: Filter, limit: int, color_by: str, stale: bool) -> MapAnswer:
    chosen, total = found.choose(conditions, limit)
    xs, ys = [point.x for point in found.points], [point.y for point in found.points]
    left, bottom = min(xs), min(ys)
    width, height = max(xs) - left or 1.0, max(ys) - bottom or 1.0
    x_axis, y_axis = (_to_axis(end) for end in found.ends)
    return MapAnswer(
        points=[_to_point(each, color_by, (each.x - left) / width, (each.y - bottom) / height) for each in chosen],
        total=total,
        method=found.method,
        space=found.space,
        x_axis=x_axis,
        y_axis=y_axis,
        trustworthiness=round(found.trust, 4),
        color_by=color_by or None,
        stale=stale,
    )


def _to_point(point: MapPoint, color_by: str, x: float, y: float) -> MapPointModel:
    labels = point.list_labels(color_by) if color_by else ()
    photo = to_photo(point.item_id, point.photo)
    return MapPointModel(
        id=point.item_id, x=round(x, 5), y=round(y, 5), value=labels[0] if labels else None, photo_url=photo.url
    )


def _to_axis(end: AxisEnds) -> AxisModel:
    return AxisModel(low=end.low or None, high=end.high or None)


def _is_stale(state: str, catalogue: Catalogue) -> bool:
    return state != catalogue.manifest.name_state()
