"""A catalogue, open: its manifest, its encoders, its store and its thumbnails behind three verbs.

Put together in `vitrine/wiring.py`. Knows nothing of settings, feeds or HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from search.attributes import AttributeSchema
from search.embedder import EmbeddedPhoto, Embedder
from search.filters import Filter
from search.manifest import Manifest, load_manifest, read_stamp, save_manifest
from search.query import Query, Result
from search.ranking import count_facets, run_query
from search.store import FacetCount, Store
from search.thumbnails import Thumbnails


class Catalogue:
    """One catalogue, ready to be asked and written. Safe to use from several threads.

    Args:
        folder: data directory, where its manifest is.
    """

    def __init__(
        self, *, folder: Path, manifest: Manifest, store: Store, embedder: Embedder, thumbnails: Thumbnails
    ) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._manifest = manifest
        self._written = read_stamp(folder)
        self.store = store
        self.embedder = embedder
        self.thumbnails = thumbnails

    @property
    def manifest(self) -> Manifest:
        """What the catalogue was built with, read again when another process has changed it."""
        stamp = read_stamp(self._folder)
        if stamp != self._written:
            self._manifest, self._written = load_manifest(self._folder), stamp
        return self._manifest

    def embed_photo(self, data: bytes) -> EmbeddedPhoto:
        """A photo's bytes through every encoder.

        Raises:
            PhotoError: the photo cannot be read, or is refused.
        """
        return self.embedder.embed_photo(data)

    def search(self, query: Query) -> Result:
        """Hits for a query.

        Raises:
            QueryError: a limit, weight, facet or cursor that makes no sense.
            NotFoundError: the item to be similar to is not there.
            StoreUnavailableError: the store does not answer.
        """
        return run_query(query, self.store, self.manifest)

    def count_facets(
        self, attributes: Sequence[str], conditions: Filter, *, limit: int
    ) -> Mapping[str, Sequence[FacetCount]]:
        """Values of each attribute by falling count; see `search.ranking.count_facets`."""
        return count_facets(attributes, conditions, self.store, self.manifest, limit=limit)

    def adopt_attributes(self, kinds: AttributeSchema) -> None:
        """Add attributes to the manifest and their indexes to the store; those it has already keep their kind."""
        with self._lock:
            manifest = self.manifest
            fresh = {name: kind for name, kind in kinds.items() if name not in manifest.attributes}
            if fresh:
                self.store.index_attributes(fresh)
                save_manifest(replace(manifest, attributes={**manifest.attributes, **fresh}), self._folder)

    def close(self) -> None:
        """Release the store."""
        self.store.close()
