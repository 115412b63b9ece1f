"""What the routes work with: the catalogue, and the threads that may touch it.

Everything that computes or waits for the store runs in a thread, never on the event loop: photos in as many threads
as there are places behind the admission, store calls in a few of their own, so that neither holds up the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar, TypeVarTuple, cast

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from api.engines import EngineDoor
from api.limits import Admission
from api.metrics import Metrics
from api.predictions import refuse_classifying
from api.query_photos import QueryPhoto, QueryPhotos
from search.catalogue import Catalogue
from search.embedder import EmbeddedPhoto
from search.embedding import Embeddings
from search.errors import StoreUnavailableError
from search.query import PhotoExample, Query, Result
from search.region import Box

STORE_THREADS = 8

Arguments = TypeVarTuple("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One application's parts.

    Attributes:
        photos: what is kept of photos asked about before.
        admission: the door photo work goes through.
        max_body_bytes: largest body taken, for those who ask.
        auth: whether a key is wanted, for those who ask.
        door: to the engines that classify from pixels.
    """

    catalogue: Catalogue
    version: str
    photos: QueryPhotos
    admission: Admission
    metrics: Metrics
    max_body_bytes: int
    auth: bool
    photo_threads: anyio.CapacityLimiter
    store_threads: anyio.CapacityLimiter
    door: EngineDoor

    async def ask_store(self, call: Callable[[*Arguments], Answer], *arguments: *Arguments) -> Answer:
        """The answer of a call that waits for the store, from a thread."""
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self.store_threads)

    async def ask_store_within(
        self, seconds: float, call: Callable[[*Arguments], Answer], *arguments: *Arguments
    ) -> Answer:
        """The same with an end to the waiting; the thread itself is left to finish.

        Raises:
            StoreUnavailableError: no answer in time.
        """
        try:
            with anyio.fail_after(seconds):
                return await anyio.to_thread.run_sync(
                    call, *arguments, limiter=self.store_threads, abandon_on_cancel=True
                )
        except TimeoutError:
            raise StoreUnavailableError(f"the store did not answer within {seconds:g} seconds") from None

    async def do_photo_work(self, call: Callable[[*Arguments], Answer], *arguments: *Arguments) -> Answer:
        """The answer of a call that decodes or embeds photos, from a thread, when there is a place.

        Raises:
            OverloadedError: too many are waiting already, or it took too long to get in.
        """
        async with self.admission.enter():
            return await anyio.to_thread.run_sync(call, *arguments, limiter=self.photo_threads)

    async def embed_photo(
        self, data: bytes, region: Box | None = None, *, known_as: str | None = None
    ) -> EmbeddedPhoto:
        """One decode and one forward pass; what a later question needs of the photo is kept.

        Args:
            known_as: hash of the photo that the bytes are a copy of; their own where left out.

        Raises:
            PhotoError: a photo that cannot be read, or is refused.
            OverloadedError: too many at once.
        """

        def embed_and_keep() -> EmbeddedPhoto:
            embedded = self.catalogue.embed_photo(data, region)
            if known_as is not None:
                embedded = replace(embedded, sha256=known_as)
            self.photos.keep(QueryPhoto.from_embedded(embedded))
            return embedded

        return await self.do_photo_work(embed_and_keep)

    async def embed_text(self, text: str) -> tuple[Embeddings, float]:
        """A text in spaces of photos, and milliseconds it took; nothing where the catalogue has no text encoder.

        Raises:
            QueryError: no text to speak of, or one that is too long.
        """
        started = time.perf_counter()
        embeddings = await self.ask_store(self.catalogue.embed_text_or_not, text)
        return embeddings, 1e3 * (time.perf_counter() - started)

    async def tag_photo(self, photo: QueryPhoto) -> QueryPhoto:
        """The photo with a tagging of the live classifier: from its pools, where another one tagged it before.

        Raises:
            NotFoundError: `no_classifier`.
        """

        def tag_and_keep() -> QueryPhoto:
            tagged = photo.tag(self.catalogue.find_tagger())
            if tagged is not photo:
                self.photos.keep(tagged)
            return tagged

        tagged = await self.ask_store(tag_and_keep)
        if tagged.tagging is None:
            raise refuse_classifying()
        return tagged

    async def search(
        self, query: Query, photos: Sequence[QueryPhoto | None]
    ) -> tuple[Result, Sequence[QueryPhoto | None]]:
        """The answer to a question, and its photos as the classifier that was live then sees them.

        A photo that was kept, or is still under way, while another classifier became the live one is tagged again:
        vectors of two classifiers are never compared.

        Args:
            photos: of each of the query's examples that is one.
        """

        def search_as_tagged() -> tuple[Result, Sequence[QueryPhoto | None]]:
            while True:
                tagger = self.catalogue.find_tagger()
                tagged = [photo and photo.tag(tagger) for photo in photos]
                examples = [
                    replace(example, embeddings=photo.embeddings)
                    if photo is not None and isinstance(example, PhotoExample)
                    else example
                    for example, photo in zip(query.examples, tagged, strict=True)
                ]
                result = self.catalogue.search(replace(query, examples=examples))
                if self.catalogue.find_tagger() is tagger:
                    return result, tagged

        if not any(photos):
            return await self.ask_store(self.catalogue.search, query), photos
        result, tagged = await self.ask_store(search_as_tagged)
        for before, after in zip(photos, tagged, strict=True):
            if after is not None and after is not before:
                self.photos.keep(after)
        return result, tagged


async def _find_backend(request: Request) -> Backend:
    # A coroutine, because FastAPI sends a plain function through a thread.
    return cast(Backend, request.app.state.backend)


CurrentBackend = Annotated[Backend, Depends(_find_backend)]
"""What a route declares to get the application's `Backend`."""
