"""A catalogue, open: its manifest, its encoders, its classifier, its store and its thumbnails behind a few verbs.

Put together in `vitrine/wiring.py`. Knows nothing of settings, feeds or HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from search.attributes import AttributeSchema
from search.calibration import FILE_NAME, Calibration, load_calibration
from search.embedder import EmbeddedPhoto, Embedder
from search.embedding import Embeddings, Space
from search.encoder import Encoder
from search.errors import MismatchError, NotFoundError
from search.facets import count_facets
from search.filters import Filter, Source
from search.groups import GroupCounter
from search.manifest import ClassifierRecord, Manifest, TextRecord, load_manifest, read_stamp, save_manifest
from search.pool_cache import PoolCache
from search.query import Query, Result
from search.ranking import run_query
from search.region import Box
from search.store import FacetCount, Store
from search.suggestions import Suggestion, Vocabulary
from search.tagging import Tagger
from search.text_encoder import TextEncoder
from search.thumbnails import Thumbnails


class Catalogue:
    """One catalogue, ready to be asked and written. Safe to use from several threads.

    Args:
        folder: data directory, where its manifest is.
        open_encoders: opens the encoders; called at the first photo.
        open_tagger: opens the classifier of a record; called when the first photo is to be tagged, and again once
            another classifier has become the live one.
        open_text: opens the text tower of a record for these spaces; without it there is none.
        open_clip_text: opens the text side of an encoder of these spaces that has one, where there is no text tower.
    """

    def __init__(
        self,
        *,
        folder: Path,
        manifest: Manifest,
        store: Store,
        open_encoders: Callable[[], Sequence[Encoder]],
        open_tagger: Callable[[ClassifierRecord], Tagger],
        thumbnails: Thumbnails,
        open_text: Callable[[TextRecord, Sequence[Space]], TextEncoder] | None = None,
        open_clip_text: Callable[[Sequence[Space]], TextEncoder | None] = lambda _spaces: None,
    ) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tagger_lock = threading.Lock()
        self._manifest = manifest
        self._written = read_stamp(folder)
        self._open_tagger = open_tagger
        self._tagger: Tagger | None = None
        self._open_text = open_text or _open_no_text
        self._calibration: tuple[object, Calibration | None] | None = None
        self._open_clip_text = open_clip_text
        self._text: tuple[tuple[TextRecord | None, Sequence[Space]], TextEncoder] | None = None
        self.store = store
        self.embedder = Embedder(open_encoders, self.find_tagger)
        self.thumbnails = thumbnails
        self._vocabulary = Vocabulary(store)
        self._counter = GroupCounter(store)

    @property
    def folder(self) -> Path:
        """The data directory: what is kept beside the store is in it."""
        return self._folder

    @property
    def manifest(self) -> Manifest:
        """What the catalogue was built with, read again when another process has changed it."""
        stamp = read_stamp(self._folder)
        if stamp != self._written:
            before, self._manifest, self._written = self._manifest, load_manifest(self._folder), stamp
            if self._manifest.spaces != before.spaces:
                self.store.use_spaces(self._manifest.spaces)
        return self._manifest

    @property
    def pool_cache(self) -> PoolCache:
        """Pools of the photos that were embedded, as far as they are kept."""
        manifest = self.manifest
        return PoolCache(self._folder / "generations" / manifest.generation / "pools", manifest.list_encoder_spaces())

    def find_tagger(self) -> Tagger | None:
        """The live classifier, opened now if it was not yet; None where nothing has been tagged.

        Raises:
            IntegrityError: its artefact is damaged, or is not the one recorded.
        """
        record = self.manifest.classifier
        if record is None:
            return None
        with self._tagger_lock:
            if self._tagger is None or self._tagger.version != record.version:
                self._tagger = self._open_tagger(record)
            return self._tagger

    def embed_photo(self, data: bytes, region: Box | None = None) -> EmbeddedPhoto:
        """A photo, or a region of it, through every encoder, and its pools through the live classifier.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        return self.embedder.embed_photo(data, region)

    def search(self, query: Query) -> Result:
        """Hits for a query.

        Raises:
            QueryError: a limit, weight, facet or cursor that makes no sense.
            NotFoundError: the item to be similar to is not there.
            StoreUnavailableError: the store does not answer.
        """
        return run_query(query, self.store, self.manifest, self.find_calibration(), counter=self._counter)

    def find_calibration(self) -> Calibration | None:
        """What makes probabilities of this catalogue's scores, as it is now; None where nobody has calibrated them.

        Raises:
            IntegrityError: its file is damaged.
        """
        manifest = self.manifest
        state = (read_stamp(self._folder, FILE_NAME), manifest.spaces, manifest.text)
        with self._tagger_lock:
            if self._calibration is None or self._calibration[0] != state:
                version = manifest.text.version if manifest.text else ""
                found = load_calibration(self._folder, manifest.spaces, text_encoder=version)
                self._calibration = (state, found)
            return self._calibration[1]

    def embed_text(self, text: str) -> Embeddings:
        """A text in spaces of photos, not of unit length.

        Raises:
            NotFoundError: `no_text_encoder`.
            MismatchError: `text_encoder_stale`: the text tower was trained beside another classifier.
            IntegrityError: its artefact is damaged.
        """
        return self.find_text_encoder().embed(text)

    def embed_text_or_not(self, text: str) -> Embeddings:
        """As `embed_text`, and nothing where there is no text encoder, or a stale one: the answer of a search says that
        words alone were compared.

        Raises:
            IntegrityError: its artefact is damaged.
        """
        try:
            return self.embed_text(text)
        except (NotFoundError, MismatchError):
            return {}

    def find_text_encoder(self) -> TextEncoder:
        """What embeds texts, opened now if it was not yet: the text tower, else the text side of a CLIP.

        Raises:
            NotFoundError, MismatchError, IntegrityError: see `embed_text`.
        """
        manifest = self.manifest
        record = manifest.text
        with self._tagger_lock:
            wanted = (record, manifest.spaces)
            if self._text is None or self._text[0] != wanted:
                opened = self._open_text(record, manifest.spaces) if record else self._open_clip_text(manifest.spaces)
                if opened is None:
                    raise NotFoundError(
                        "this catalogue has no text encoder; 'vitrine train text FEED' makes one",
                        code="no_text_encoder",
                    )
                self._text = (wanted, opened)
            return self._text[1]

    def adopt_text(self, record: TextRecord) -> None:
        """Make a text tower the live one."""
        with self._lock:
            save_manifest(replace(self.manifest, text=record), self._folder)
            self._manifest, self._written = load_manifest(self._folder), read_stamp(self._folder)

    def suggest_filters(self, text: str) -> Sequence[Suggestion]:
        """Filters that the words of a text name; see `search.suggestions`."""
        return self._vocabulary.suggest_filters(text, self.manifest)

    def count_facets(
        self, attributes: Sequence[str], conditions: Filter, *, limit: int, source: Source = Source.EITHER
    ) -> Mapping[str, Sequence[FacetCount]]:
        """Values of each attribute by falling count; see `search.facets.count_facets`."""
        return count_facets(attributes, conditions, self.store, self.manifest, limit=limit, source=source)

    def adopt_attributes(self, kinds: AttributeSchema) -> None:
        """Add attributes to the manifest and their indexes to the store; those it has already keep their kind."""
        with self._lock:
            manifest = self.manifest
            fresh = {name: kind for name, kind in kinds.items() if name not in manifest.attributes}
            if fresh:
                self.store.index_attributes(fresh)
                save_manifest(replace(manifest, attributes={**manifest.attributes, **fresh}), self._folder)

    def adopt_classifier(self, record: ClassifierRecord, space: Space, weights: Mapping[str, float]) -> None:
        """Make a classifier the live one, once its taggings are written: manifest first, then the store follows.

        Args:
            space: where its vectors are; takes the place of a former classifier's.
            weights: of the fusion, by space.
        """
        with self._lock:
            manifest = self.manifest
            spaces = (*manifest.list_encoder_spaces(), space)
            changed = replace(manifest, spaces=spaces, weights=dict(weights), classifier=record)
            save_manifest(changed, self._folder)
            self._manifest, self._written = changed, read_stamp(self._folder)
            self.store.use_spaces(spaces)

    def close(self) -> None:
        """Release the store."""
        self.store.close()


def _open_no_text(record: TextRecord, _spaces: Sequence[Space]) -> TextEncoder:
    raise NotFoundError(f"nothing here opens the text tower {record.version}", code="no_text_encoder")
