"""A map of a catalogue: every item a point on a plane, like items near each other or along axes of one's own.

Works with a catalogue through what it is asked. Knows nothing of files, pictures or how a map is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.explore.axes import Axis, EmbedText, TextAxis, ValueAxis, embed_ends, place_across, place_items
from indexer.explore.labels import check_attribute
from indexer.explore.projection import Method, check_size, measure_trust, project
from indexer.explore.vectors import FUSED, VectorTable, read_table
from search.errors import QueryError
from search.filters import Filter
from search.manifest import Manifest
from search.store import Store, StoredPoint

MAX_ITEMS = 200_000
AXES = "axes"
"""Name of the method of a map with axes of one's own."""


class MappedCatalogue(Protocol):
    """What a map asks of a catalogue."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def store(self) -> Store: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MapQuestion:
    """What map is wanted.

    Attributes:
        method: how the plane is made; where there are axes of one's own, how is said by them.
        axes: none, one (the second is then what differs most across it), or two: left to right, and bottom to top.
        space: `FUSED`, or the name of one.
        conditions: what every item of the map fulfils.
        limit: most items; of more, a sample drawn by the seed.
    """

    method: Method = Method.TSNE
    axes: tuple[Axis, ...] = ()
    space: str = FUSED
    conditions: Filter = ()
    limit: int = 5_000
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisEnds:
    """What an axis goes from and to; both are empty where it has no meaning of its own."""

    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueMap:
    """A map.

    Attributes:
        table: the items and their embeddings.
        xy: where each item lies, shape (items, 2), y upwards.
        method: `pca`, `tsne`, `umap` or `axes`.
        ends: of the two axes.
        trust: trustworthiness, 0 to 1, see `indexer.explore.projection.measure_trust`.
        seconds: what each stage took: `read`, `project`, `trust`.
    """

    table: VectorTable
    xy: NDArray[np.float32]
    method: str
    ends: tuple[AxisEnds, AxisEnds]
    trust: float
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def points(self) -> Sequence[StoredPoint]:
        """The items' main photos."""
        return self.table.points


def make_map(
    catalogue: MappedCatalogue,
    question: MapQuestion,
    *,
    embed_text: EmbedText,
    progress: Callable[[int], None] | None = None,
) -> CatalogueMap:
    """Make a map.

    Args:
        embed_text: called where an axis is made of texts.
        progress: told how many items were read.

    Raises:
        QueryError: a space, attribute or value there is none of, too few items, more than two axes.
        NotFoundError: an axis of texts, and no text encoder.
        SetupError: UMAP is asked for and not installed.
    """
    check_question(question, catalogue.manifest)
    started = time.perf_counter()
    texts = embed_ends(question.axes, embed_text)
    table = read_table(
        catalogue.store,
        catalogue.manifest,
        question.conditions,
        space=question.space,
        also=tuple({name for vectors in texts.values() for name in vectors}),
        limit=question.limit,
        seed=question.seed,
        progress=progress,
    )
    check_size(len(table))
    read = time.perf_counter()
    rows = table.fuse()
    placed = [place_items(axis, table, texts) for axis in question.axes]
    if len(placed) == 1:
        placed.append(place_across(rows, placed[0], seed=question.seed))
    xy = np.stack(placed, axis=1) if placed else project(rows, question.method, seed=question.seed)
    projected = time.perf_counter()
    trust = measure_trust(rows, xy, seed=question.seed)
    ends = [AxisEnds(low=_name(axis, axis.low), high=_name(axis, axis.high)) for axis in question.axes]
    x, y = [*ends, AxisEnds(), AxisEnds()][:2]
    return CatalogueMap(
        table=table,
        xy=np.asarray(xy, dtype=np.float32),
        method=AXES if question.axes else question.method.value,
        ends=(x, y),
        trust=trust,
        seed=question.seed,
        seconds={
            "read": read - started,
            "project": projected - read,
            "trust": time.perf_counter() - projected,
        },
    )


def check_question(question: MapQuestion, manifest: Manifest) -> None:
    """See that a map can be asked for so, before anything is read.

    Raises:
        QueryError: too many axes, an attribute the catalogue does not have, a limit out of bounds.
    """
    if len(question.axes) > 2:
        raise QueryError(f"a map has two axes, and {len(question.axes)} are given; leave some out", pointer="/axis")
    if not 1 <= question.limit <= MAX_ITEMS:
        raise QueryError(f"limit is {question.limit}; a map has 1 to {MAX_ITEMS} items", pointer="/limit")
    for axis in question.axes:
        if isinstance(axis, ValueAxis):
            check_attribute(axis.attribute, manifest, "/axis")


def _name(axis: Axis, end: str) -> str:
    return end if isinstance(axis, TextAxis) else f"{axis.attribute} {end}"
