"""The photo of a question, from wherever the question has it: a file, Base64, or the hash of one sent before.

At most one decode and one forward pass. Knows nothing of what is asked about the photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from api.backend import Backend
from api.query_photos import QueryPhoto
from api.request_body import decode_base64
from search.errors import QueryError
from search.region import Box


class PhotoQuestion(Protocol):
    """A question that may name an item, a kept photo, or hold a photo's Base64."""

    item_id: str | None
    photo: str | None
    photo_base64: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPhoto:
    """A question's photo, and milliseconds of what was done for it; None for what did not happen."""

    photo: QueryPhoto
    decode_ms: float | None = None
    embed_ms: float | None = None
    tag_ms: float | None = None


def list_subjects(question: PhotoQuestion, upload: bytes | None) -> list[str]:
    """What the question is about: nothing, or one name.

    Raises:
        QueryError: `ambiguous_query` where it is about several things.
    """
    sources: Mapping[str, object] = {
        "item_id": question.item_id,
        "photo": question.photo,
        "photo_base64": question.photo_base64,
        "the file": upload,
    }
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise QueryError(
            f"the question names {' and '.join(given)}; ask with one of them",
            code="ambiguous_query",
            pointer=f"/{given[0]}",
        )
    return given


async def find_photo(question: PhotoQuestion, upload: bytes | None, backend: Backend) -> AskedPhoto | None:
    """The question's photo, embedded now or before; None where it has none.

    Raises:
        QueryError: it is about several things.
        NotFoundError: a photo that is not kept any more.
        PhotoError: a photo that cannot be read, or is refused.
        OverloadedError: too many photos at once.
    """
    list_subjects(question, upload)
    if question.photo is not None:
        return AskedPhoto(photo=backend.photos.read(question.photo.removeprefix("sha256:")))
    if question.photo_base64 is not None:
        upload = decode_base64(question.photo_base64, "/photo_base64")
    if upload is None:
        return None
    return await embed_upload(upload, None, backend)


async def embed_upload(data: bytes, region: Box | None, backend: Backend, *, known_as: str | None = None) -> AskedPhoto:
    """A photo, or a region of it, embedded now.

    Raises:
        PhotoError: it cannot be read, or is refused.
        OverloadedError: too many photos at once.
    """
    embedded = await backend.embed_photo(data, region, known_as=known_as)
    return AskedPhoto(
        photo=QueryPhoto.from_embedded(embedded),
        decode_ms=embedded.decode_ms,
        embed_ms=embedded.embed_ms,
        tag_ms=None if embedded.tagging is None else embedded.tag_ms,
    )


async def find_kept_photo(photo: str, region: Box | None, backend: Backend) -> AskedPhoto:
    """A photo sent before, or a region of it, which is embedded from the copy that is kept where it was not yet.

    Args:
        photo: `sha256:` and the hash.

    Raises:
        NotFoundError: `photo_expired`.
        OverloadedError: too many photos at once.
    """
    sha256 = photo.removeprefix("sha256:")
    whole = backend.photos.read(sha256)
    if region is None:
        return AskedPhoto(photo=whole)
    kept = backend.photos.find(sha256, region)
    if kept is not None:
        return AskedPhoto(photo=kept)
    return await embed_upload(whole.picture, region, backend, known_as=sha256)
