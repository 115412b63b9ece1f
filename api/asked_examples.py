"""What a question is about: its examples, from wherever the question has them, checked and embedded.

At most one decode and one forward pass a photo. Knows nothing of what is asked of the hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from api.asked_photo import embed_upload, find_kept_photo
from api.backend import Backend
from api.query_photos import QueryPhoto
from api.questions import MAX_PHOTOS, ExampleRequest, SearchRequest
from api.request_body import decode_base64
from search.color_query import read_color_example
from search.errors import QueryError
from search.query import MAX_EXAMPLES, ColorExample, Example, ItemExample, PhotoExample, TextExample
from search.region import Box, read_box

LESS = -0.5
"""Weight of what hits should be less like: at -1 beside one positive example, what is unlike both would come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One example of a question, as it was written.

    Attributes:
        upload: the bytes of a photo that came with the question.
        pointer: where in the question it stands.
    """

    request: ExampleRequest
    pointer: str
    region: Box | None = None
    upload: bytes | None = None
    color: ColorExample | None = None


@dataclass(slots=True, kw_only=True)
class AskedExamples:
    """The examples, embedded.

    Attributes:
        examples: of the query.
        photos: the photo of each example that is one; None for the others.
        decode_ms, embed_ms, tag_ms: milliseconds of what was done for photos and texts; None for what did not happen.
    """

    examples: list[Example] = field(default_factory=list)
    photos: list[QueryPhoto | None] = field(default_factory=list)
    decode_ms: float | None = None
    embed_ms: float | None = None
    tag_ms: float | None = None

    def add(self, example: Example, photo: QueryPhoto | None = None) -> None:
        """One more example."""
        self.examples.append(example)
        self.photos.append(photo)

    def find_photo(self) -> QueryPhoto | None:
        """The first photo that hits should be like: what the classifier is asked about."""
        pairs = zip(self.examples, self.photos, strict=True)
        return next((photo for example, photo in pairs if photo is not None and example.weight > 0), None)


def list_asked(question: SearchRequest, uploads: Sequence[bytes]) -> list[Asked]:
    """The examples of a question, before anything is decoded.

    Raises:
        QueryError: too many of them, one that is nothing or several things, a region of what is no photo or outside it,
            a colour nobody knows, a file that is not there.
    """
    asked = [_read_example(example, uploads, f"/examples/{place}") for place, example in enumerate(question.examples)]
    named = {example.upload for example in question.examples if example.upload is not None}
    rest = [place for place in range(len(uploads)) if place not in named]
    shortcuts: list[tuple[ExampleRequest, str]] = [
        (ExampleRequest(item_id=question.item_id), "/item_id"),
        (ExampleRequest(photo=question.photo), "/photo"),
        (ExampleRequest(photo_base64=question.photo_base64), "/photo_base64"),
        *((ExampleRequest(upload=place), "/photo") for place in rest),
        (ExampleRequest(text=question.text), "/text"),
        (ExampleRequest(color=question.color), "/color"),
        *((ExampleRequest(item_id=i), f"/more_like/{n}") for n, i in enumerate(question.more_like)),
        *((ExampleRequest(item_id=i, weight=LESS), f"/less_like/{n}") for n, i in enumerate(question.less_like)),
    ]
    given = [(example, pointer) for example, pointer in shortcuts if _list_subjects(example)]
    if question.region is not None:
        photos = [place for place, (example, _) in enumerate(given) if _is_photo(example)]
        if len(photos) != 1:
            raise QueryError(
                f"region is a part of one photo, and the question has {len(photos)} beside its examples; "
                "give each example its own region",
                code="ambiguous_region",
                pointer="/region",
            )
        example, pointer = given[photos[0]]
        given[photos[0]] = (example.model_copy(update={"region": question.region}), pointer)
    asked.extend(_read_example(example, uploads, pointer) for example, pointer in given)
    if len(asked) > MAX_EXAMPLES:
        raise QueryError(f"{len(asked)} examples are given; a question has at most {MAX_EXAMPLES}", pointer="/examples")
    if sum(_is_photo(each.request) for each in asked) > MAX_PHOTOS:
        raise QueryError(f"a question has at most {MAX_PHOTOS} photos", code="too_many_photos", pointer="/examples")
    return asked


async def embed_examples(asked: Sequence[Asked], backend: Backend) -> AskedExamples:
    """The examples with their embeddings; photos that were kept are not embedded again.

    Raises:
        NotFoundError: a photo that is not kept any more.
        PhotoError: a photo that cannot be read, or is refused.
        OverloadedError: too many photos at once.
    """
    found = AskedExamples()
    for each in asked:
        request = each.request
        if each.color is not None:
            found.add(each.color)
        elif request.item_id is not None:
            found.add(ItemExample(item_id=request.item_id, weight=request.weight))
        elif request.text is not None:
            embeddings, took_ms = await backend.embed_text(request.text)
            found.embed_ms = (found.embed_ms or 0.0) + took_ms
            found.add(TextExample(text=request.text, embeddings=embeddings, weight=request.weight))
        else:
            photo = await _embed_photo(each, backend, found)
            found.add(
                PhotoExample(
                    embeddings=photo.embeddings, sha256=photo.sha256, region=each.region, weight=request.weight
                ),
                photo,
            )
    return found


async def _embed_photo(each: Asked, backend: Backend, found: AskedExamples) -> QueryPhoto:
    if each.request.photo is not None:
        asked = await find_kept_photo(each.request.photo, each.region, backend)
    else:
        assert each.upload is not None
        asked = await embed_upload(each.upload, each.region, backend)
    for name in ("decode_ms", "embed_ms", "tag_ms"):
        took = getattr(asked, name)
        if took is not None:
            setattr(found, name, (getattr(found, name) or 0.0) + took)
    return asked.photo


def _read_example(example: ExampleRequest, uploads: Sequence[bytes], pointer: str) -> Asked:
    subjects = _list_subjects(example)
    if len(subjects) != 1:
        raise QueryError(
            f"an example is one thing, and this one names {' and '.join(subjects) or 'nothing'}; "
            "give it one of item_id, photo, photo_base64, upload, text and color",
            code="ambiguous_query",
            pointer=pointer,
        )
    region = None
    if example.region is not None:
        if not _is_photo(example):
            raise QueryError(
                f"only a photo has a region, not {subjects[0]}", code="invalid_region", pointer=f"{pointer}/region"
            )
        region = read_box(example.region, f"{pointer}/region" if pointer.startswith("/examples") else "/region")
    upload = None
    if example.upload is not None:
        if example.upload >= len(uploads):
            raise QueryError(
                f"there is no file {example.upload}: the form has {len(uploads)}, counted from 0",
                code="photo_missing",
                pointer=f"{pointer}/upload",
            )
        upload = uploads[example.upload]
    if example.photo_base64 is not None:
        upload = decode_base64(example.photo_base64, pointer.removesuffix("/photo_base64") + "/photo_base64")
    color = None
    if example.color is not None:
        color = read_color_example(
            example.color, weight=example.weight, pointer=pointer.removesuffix("/color") + "/color"
        )
    return Asked(request=example, pointer=pointer, region=region, upload=upload, color=color)


def _list_subjects(example: ExampleRequest) -> list[str]:
    names = ("item_id", "photo", "photo_base64", "upload", "text", "color")
    return [name for name in names if getattr(example, name) is not None]


def _is_photo(example: ExampleRequest) -> bool:
    return example.photo is not None or example.photo_base64 is not None or example.upload is not None
