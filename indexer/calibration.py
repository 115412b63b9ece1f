"""What a catalogue's scores are calibrated on: validation items searched for among training items.

Every question is held against every photo of the gallery; kept are the pairs that are near in some space, and a sample
of the others by how near they are. Test items are neither asked about nor found. Main photos only. Works with a store
through its port. Knows nothing of how a curve is fitted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.data.splitting import TRAIN, VAL, assign_splits
from indexer.grouping import name_group, read_split
from indexer.rankings import StoredCatalogue, check_relevant
from indexer.relevance import Gallery, list_values
from search.calibration import PHOTO, TEXT, Calibration, Pairs
from search.embedding import Embeddings
from search.errors import InputError
from search.item import Item
from search.paging import read_points

MAX_QUESTIONS = 600
MAX_GALLERY = 20_000
"""Of a larger catalogue a part is drawn by the hash of the id: it is as if a filter let only those through."""

MIN_QUESTIONS = 20

TOP = 40
"""The nearest photos of a question that are kept for certain: in each space, in the fusion, and in even weights."""

MIDDLE = 500
SAMPLED = 60
"""So many of the pairs up to that rank of the fusion are kept besides, and so many of those behind it."""

_TITLE = "title"

EmbedText = Callable[[str], Embeddings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Items with their embeddings.

    Attributes:
        vectors: by space, float32, shape (items, dimension); zeros where an item has none.
    """

    items: Sequence[Item]
    vectors: Mapping[str, NDArray[np.float32]]


def learn_calibration(
    catalogue: StoredCatalogue,
    relevant: Sequence[str],
    *,
    embed_text: EmbedText | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Pairs of a catalogue's own items, marked by the shop's labels.

    An item answers another where they agree in all of the `relevant` attributes; items that lack one of them are left
    out. Validation and training items are those `classifier.data.splitting.assign_splits` makes, as for the classifier.

    Args:
        embed_text: a text in spaces of photos, as `Catalogue.embed_text`; with it, titles are asked about too.
        progress: told (questions done, questions in all).

    Raises:
        QueryError: an attribute the catalogue does not have.
        InputError: too few items to learn from.
    """
    check_relevant(catalogue.manifest, relevant)
    questions, gallery = _read_samples(catalogue, relevant)
    generator = np.random.default_rng(seed)
    shelf = Gallery(gallery.items, relevant)
    marks = [shelf.mark_relevant(item)[None] for item in questions.items]
    weights = _list_weightings(catalogue)
    texts = _embed_titles(questions, embed_text) if embed_text else []
    total = len(marks) + len(texts)
    photos = _Collector(tuple(questions.vectors), generator)
    for row, mark in enumerate(marks):
        cosines = np.stack(
            [gallery.vectors[name] @ vectors[row] for name, vectors in questions.vectors.items()], axis=1
        )
        photos.add(cosines, [cosines @ factors for factors in weights], mark)
        if progress is not None:
            progress(row + 1, total)
    kinds = {PHOTO: photos.collect()}
    if texts:
        asked = _Collector((TEXT,), generator)
        for done, (row, vectors_of) in enumerate(texts):
            score = sum(gallery.vectors[name] @ vector for name, vector in vectors_of.items())
            asked.add(np.asarray(score)[:, None], [np.asarray(score)], marks[row])
            if progress is not None:
                progress(len(marks) + done + 1, total)
        kinds[TEXT] = asked.collect()
    return Calibration(kinds, tuple(relevant))


class _Collector:
    """Pairs question by question."""

    def __init__(self, columns: tuple[str, ...], generator: np.random.Generator) -> None:
        self._columns = columns
        self._generator = generator
        self._parts: list[tuple[NDArray[np.float16], NDArray[np.float32], NDArray[np.bool_]]] = []

    def add(
        self, cosines: NDArray[np.float32], rankings: Sequence[NDArray[np.float32]], mark: NDArray[np.bool_]
    ) -> None:
        """One question.

        Args:
            cosines: shape (gallery, columns).
            rankings: scores of the gallery by which the nearest are kept; the first decides how others are drawn.
        """
        near = np.zeros(len(mark), dtype=bool)
        for scores in rankings:
            near[np.argpartition(-scores, min(TOP, len(scores)) - 1)[:TOP]] = True
        order = np.argsort(-rankings[0], kind="stable")
        rows, copies = [np.flatnonzero(near)], [np.ones(int(near.sum()))]
        for stratum in (order[:MIDDLE], order[MIDDLE:]):
            rest = stratum[~near[stratum]]
            if len(rest):
                drawn = self._generator.choice(rest, size=min(SAMPLED, len(rest)), replace=False)
                rows.append(drawn)
                copies.append(np.full(len(drawn), len(rest) / len(drawn)))
        kept = np.concatenate(rows)
        self._parts.append((cosines[kept].astype(np.float16), np.concatenate(copies).astype(np.float32), mark[kept]))

    def collect(self) -> Pairs:
        """All pairs so far."""
        scores, copies, marks = zip(*self._parts, strict=True)
        return Pairs(
            columns=self._columns,
            scores=np.concatenate(scores),
            questions=np.repeat(np.arange(len(marks)), [len(mark) for mark in marks]).astype(np.int32),
            stand_for=np.concatenate(copies),
            relevant=np.concatenate(marks),
        )


def _read_samples(catalogue: StoredCatalogue, relevant: Sequence[str]) -> tuple[Sample, Sample]:
    """Validation items to ask about, training items to find."""
    split: dict[str, str] = {}
    points = [(p.item, p.photo.sha256) for p in read_points(catalogue.store)]
    groups = [name_group(item) for item, _ in points]
    placed = assign_splits(groups, [sha256 for _, sha256 in points], [read_split(item) for item, _ in points])
    chosen: dict[str, list[str]] = {TRAIN: [], VAL: []}
    for (item, _), name in zip(points, placed, strict=True):
        if name in chosen and all(list_values(item, attribute) for attribute in relevant):
            chosen[name].append(item.id)
    for name, most in ((TRAIN, MAX_GALLERY), (VAL, MAX_QUESTIONS)):
        split |= dict.fromkeys(sorted(chosen[name], key=_draw)[:most], name)
    found = {name: sum(value == name for value in split.values()) for name in (TRAIN, VAL)}
    if found[VAL] < MIN_QUESTIONS or found[TRAIN] < MIN_QUESTIONS:
        raise InputError(
            f"there are {found[VAL]} validation and {found[TRAIN]} training items with {', '.join(relevant)}; "
            f"a calibration needs {MIN_QUESTIONS} of both: index more of the catalogue, or name other attributes"
        )
    return _read_vectors(catalogue, split)


def _read_vectors(catalogue: StoredCatalogue, split: Mapping[str, str]) -> tuple[Sample, Sample]:
    spaces = {space.name: space.dimension for space in catalogue.manifest.spaces}
    items: dict[str, list[Item]] = {TRAIN: [], VAL: []}
    rows: dict[str, dict[str, list[NDArray[np.float32]]]] = {n: {space: [] for space in spaces} for n in items}
    for point in read_points(catalogue.store, spaces=list(spaces)):
        name = split.get(point.item.id)
        if name is None or (name == VAL and any(space not in point.vectors for space in spaces)):
            continue
        items[name].append(point.item)
        for space, dimension in spaces.items():
            rows[name][space].append(point.vectors.get(space, np.zeros(dimension, np.float32)))
    questions, gallery = (
        Sample(
            items=items[name], vectors={space: np.stack(vectors) for space, vectors in rows[name].items() if vectors}
        )
        for name in (VAL, TRAIN)
    )
    if not questions.items:
        raise InputError("no validation item has an embedding in every space; tag the catalogue with 'vitrine tag'")
    return questions, gallery


def _list_weightings(catalogue: StoredCatalogue) -> list[NDArray[np.float32]]:
    """By column: the catalogue's own weights, even ones, and each space alone."""
    names = [space.name for space in catalogue.manifest.spaces]
    own = np.array([catalogue.manifest.weights.get(name, 0.0) for name in names], dtype=np.float32)
    return [own, np.full(len(names), 1 / len(names), np.float32), *np.eye(len(names), dtype=np.float32)]


def _embed_titles(questions: Sample, embed_text: EmbedText) -> list[tuple[int, Embeddings]]:
    titles = [(row, item.attributes.get(_TITLE)) for row, item in enumerate(questions.items)]
    return [(row, embed_text(title)) for row, title in titles if isinstance(title, str) and title.strip()]


def _draw(item_id: str) -> bytes:
    return hashlib.sha256(item_id.encode("utf-8", "surrogatepass")).digest()
