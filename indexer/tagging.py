"""Tagging a whole catalogue: pools that are kept, through a classifier, into the store.

No photo is read or embedded. All points are written while the catalogue goes on answering as before; then the
classifier becomes the live one at once. A run that is killed has changed nothing a searcher sees, and the next one
starts over. Knows nothing of how a classifier works.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search.catalogue import Catalogue
from search.errors import NotFoundError
from search.manifest import ClassifierRecord
from search.paging import read_photos
from search.tagging import Tagger, Tagging

Place = tuple[str, int]
"""A photo's place in the catalogue: the item's id and the photo's index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagReport:
    """What a run did.

    Attributes:
        photos: tagged ones.
        without_pools: photos that could not be tagged, as their pools are not kept.
        accepted: by attribute, photos with a value above its threshold; the others abstain.
        outside: photos more probably outside the catalogue's world than in it.
    """

    version: str
    photos: int
    without_pools: int
    accepted: Mapping[str, int]
    outside: int
    seconds: float

    @property
    def photos_per_second(self) -> float:
        """Over the whole run, reading and writing included."""
        return self.photos / max(self.seconds, 1e-9)


def tag_catalogue(
    catalogue: Catalogue,
    tagger: Tagger,
    record: ClassifierRecord,
    weights: Mapping[str, float],
    *,
    skip_missing: bool,
    progress: Callable[[int], None] | None = None,
) -> TagReport:
    """Tag every photo and make the classifier the live one.

    Args:
        weights: of the fusion from now on, by space.
        skip_missing: go on where pools of some photos are missing: they get neither predictions nor a vector.
        progress: told how many photos are done.

    Raises:
        NotFoundError: with code `pools_missing`, where pools are missing; nothing has been changed.
    """
    started = time.perf_counter()
    places = _list_places(catalogue)
    missing = sum(len(places[sha256]) for sha256 in places.keys() - catalogue.pool_cache.list_hashes())
    if missing and not skip_missing:
        raise NotFoundError(
            f"{missing} of {sum(map(len, places.values()))} photos have no pools kept, which is what tagging reads; "
            "name the feed, 'vitrine tag FEED', and they are made again from its photos",
            code="pools_missing",
        )
    tally = _Tally(progress)
    catalogue.store.prepare_space(tagger.space)
    _write(catalogue, tagger, places, tally)
    catalogue.adopt_classifier(record, tagger.space, weights)
    # What another process indexed meanwhile was not tagged by it, as there was no live classifier yet.
    late = {sha256: each for sha256, each in _list_places(catalogue).items() if places.get(sha256) != each}
    _write(catalogue, tagger, late, tally)
    catalogue.store.optimize()
    return TagReport(
        version=tagger.version,
        photos=tally.photos,
        without_pools=missing,
        accepted=dict(tally.accepted),
        outside=tally.outside,
        seconds=time.perf_counter() - started,
    )


class _Tally:
    """Counts over the photos tagged so far."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.photos = 0
        self.outside = 0
        self.accepted: Counter[str] = Counter()
        self._progress = progress

    def note(self, taggings: Sequence[Tagging]) -> None:
        self.photos += len(taggings)
        for tagging in taggings:
            self.outside += tagging.outside
            self.accepted.update(name for name, prediction in tagging.predictions.items() if prediction.accepted)
        if self._progress is not None:
            self._progress(self.photos)


def _list_places(catalogue: Catalogue) -> dict[str, list[Place]]:
    """Where each photo stands, by its hash: the same picture may be in several places."""
    places: dict[str, list[Place]] = defaultdict(list)
    for photo in read_photos(catalogue.store):
        places[photo.sha256].append((photo.item_id, photo.index))
    return {sha256: sorted(each) for sha256, each in places.items()}


def _write(catalogue: Catalogue, tagger: Tagger, places: Mapping[str, Sequence[Place]], tally: _Tally) -> None:
    if not places:
        return
    for batch in catalogue.pool_cache.read_batches(places.keys()):
        tagged = tagger.tag(batch.pools)
        written: dict[Place, Tagging] = {
            place: tagging for sha256, tagging in zip(batch.hashes, tagged, strict=True) for place in places[sha256]
        }
        catalogue.store.write_taggings(written, tagger.space)
        tally.note(list(written.values()))
