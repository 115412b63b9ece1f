"""Pictures: thumbnails of items' photos and of photos somebody asked about. Never the file that was sent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.backend import CurrentBackend
from api.item_paths import ItemId
from api.problems import document_problems
from api.questions import SHA256
from search.catalogue import Catalogue
from search.errors import NotFoundError

router = APIRouter(tags=["photos"])

JPEG = "image/jpeg"
FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {JPEG: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The caller's copy is still right."},
}


@router.get(
    "/v1/items/{item_id}/photo",
    operation_id="readItemPhoto",
    summary="A thumbnail of one of an item's photos",
    response_class=Response,
    responses={**_ANSWERS, **document_problems(404, 422)},
)
async def read_item_photo(
    request: Request,
    backend: CurrentBackend,
    item_id: ItemId,
    index: Annotated[int, Query(ge=0, le=10_000, description="0 is the main photo.")] = 0,
    v: Annotated[
        str | None, Query(max_length=64, description="First digits of the photo's hash; makes the picture cacheable.")
    ] = None,
) -> Response:
    """A JPEG of at most 320 pixels a side."""
    catalogue = backend.catalogue
    sha256 = await backend.ask_store(find_photo_hash, catalogue, item_id, index)
    cache = FOR_EVER if v and len(v) >= 8 and sha256.startswith(v) else ASK_AGAIN
    if _is_known(request, sha256):
        return _answer_unchanged(sha256, cache)
    thumbnail = await backend.ask_store(catalogue.thumbnails.read, sha256)
    if thumbnail is None:
        raise NotFoundError(
            f"the thumbnail of photo {index} of item {item_id!r} is missing; index the feed again", code="photo_missing"
        )
    return _answer_jpeg(thumbnail, sha256, cache)


@router.get(
    "/v1/photos/{sha256}",
    operation_id="readQueryPhoto",
    summary="A thumbnail of a photo somebody asked about",
    response_class=Response,
    responses={**_ANSWERS, **document_problems(404, 422)},
)
async def read_query_photo(
    request: Request, backend: CurrentBackend, sha256: Annotated[str, Path(pattern=SHA256)]
) -> Response:
    """While it is kept; after that, a problem with the code `photo_expired`."""
    photo = backend.photos.read(sha256)
    if _is_known(request, sha256):
        return _answer_unchanged(sha256, ASK_AGAIN)
    return _answer_jpeg(photo.thumbnail, sha256, ASK_AGAIN)


def find_photo_hash(catalogue: Catalogue, item_id: str, index: int) -> str:
    """SHA-256 of an item's photo.

    Raises:
        NotFoundError: there is no such item, or no such photo of it.
    """
    found = catalogue.store.read_items([item_id], index=index).get(item_id)
    if found is not None:
        return found.photo.sha256
    if index and catalogue.store.read_items([item_id]):
        raise NotFoundError(f"there is no photo {index} of the item {item_id!r}", code="photo_not_found")
    raise NotFoundError(f"there is no item {item_id!r} in this catalogue", code="item_not_found")


def _write_etag(sha256: str) -> str:
    return f'"{sha256[:32]}"'


def _is_known(request: Request, sha256: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in known or _write_etag(sha256) in known


def _answer_unchanged(sha256: str, cache: str) -> Response:
    return Response(status_code=304, headers={"ETag": _write_etag(sha256), "Cache-Control": cache})


def _answer_jpeg(thumbnail: bytes, sha256: str, cache: str) -> Response:
    return Response(thumbnail, media_type=JPEG, headers={"ETag": _write_etag(sha256), "Cache-Control": cache})
