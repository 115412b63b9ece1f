"""The looks of a catalogue: groups of items that look alike, found by k-means, with names and covers.

Works with a table of embeddings. Knows nothing of stores, files or HTTP. scikit-learn is imported when it is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.explore.labels import read_labels
from indexer.explore.look_names import MAX_VALUES, Trait, name_groups, weigh_traits
from indexer.explore.projection import limit_threads
from indexer.explore.vectors import Matrix, VectorTable
from indexer.grouping import GROUP, SPLIT
from search.attributes import AttributeKind, AttributeSchema
from search.errors import QueryError
from search.item import PhotoRecord

MAX_LOOKS = 500
WHOLE = 20_000
"""Items up to which every one of them is looked at in each step; beyond, k-means goes by samples of them."""

STARTS = 4
"""Beginnings that are tried; the closest grouping is kept."""

EXAMPLES = 12
SHOWN_TRAITS = 6
NOT_SHOWN = (SPLIT, GROUP, "price_currency", "availability", "condition")
"""Attributes that say nothing of how an item looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A group of items that look alike.

    Attributes:
        number: its place among the looks, from 1; the largest look is the first.
        cover: main photo of the item nearest to the group's centre, whose id is the first of `item_ids`.
        traits: the values that tell it from the rest, most telling first.
        item_ids: its items, nearest to the centre first.
    """

    number: int
    name: str
    cover: PhotoRecord
    traits: tuple[Trait, ...]
    item_ids: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many items it has."""
        return len(self.item_ids)

    @property
    def examples(self) -> tuple[str, ...]:
        """Ids of the items in the middle of it."""
        return self.item_ids[:EXAMPLES]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """All looks of a catalogue.

    Attributes:
        items: how many items they are made of.
        state: of the catalogue when they were made, see `Manifest.name_state`.
        weights: how much each space counted.
    """

    looks: tuple[Look, ...]
    items: int
    seed: int
    state: str
    weights: Mapping[str, float]


def find_looks(table: VectorTable, kinds: AttributeSchema, *, count: int = 24, seed: int = 0) -> Looks:
    """Group the items of a table by what they look like. The same table and seed give the same looks.

    A look is never empty, so where many items are the same there can be fewer looks than asked for.

    Args:
        kinds: of the catalogue's attributes; names are made of those with a set of words.

    Raises:
        QueryError: fewer than two looks, or more than items.
    """
    check_count(count, len(table))
    rows = table.fuse()
    members, distances = _group_rows(rows, count, seed)
    numbers = [group for group, _ in sorted(Counter(members.tolist()).items(), key=lambda pair: (-pair[1], pair[0]))]
    order = {group: number for number, group in enumerate(numbers)}
    ranked = [order[group] for group in members.tolist()]
    traits = weigh_traits(gather_labels(table, kinds), ranked, len(numbers))
    names = name_groups(traits)
    looks = []
    for number, (name, own) in enumerate(zip(names, traits, strict=True)):
        inside = [row for row, group in enumerate(ranked) if group == number]
        inside.sort(key=lambda row: (float(distances[row]), table.points[row].item.id))
        looks.append(
            Look(
                number=number + 1,
                name=name,
                cover=table.points[inside[0]].photo,
                traits=tuple(trait for trait in own if trait.weight > 0)[:SHOWN_TRAITS],
                item_ids=tuple(table.points[row].item.id for row in inside),
            )
        )
    return Looks(looks=tuple(looks), items=len(table), seed=seed, state=table.state, weights=table.weights)


def check_count(count: int, items: int) -> None:
    """See that so many items can be grouped into so many looks.

    Raises:
        QueryError: they cannot.
    """
    if not 2 <= count <= MAX_LOOKS:
        raise QueryError(f"{count} looks are asked for; there can be 2 to {MAX_LOOKS}", pointer="/k")
    if count > items:
        raise QueryError(
            f"{count} looks are asked for, and there are {items} items; ask for fewer, or leave some of the filter out",
            code="too_few_items",
            pointer="/k",
        )


def gather_labels(table: VectorTable, kinds: AttributeSchema) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Each item's values of the attributes a name can be made of: words, more than one of them, fewer than many."""
    gathered = {}
    for name, kind in kinds.items():
        if kind is not AttributeKind.KEYWORD or name in NOT_SHOWN:
            continue
        values = [read_labels(point, name) for point in table.points]
        distinct = {value for own in values for value in own}
        if 2 <= len(distinct) <= min(MAX_VALUES, max(2, len(table) // 3)):
            gathered[name] = values
    return gathered


def measure_purity(looks: Looks, labels: Mapping[str, Sequence[str]]) -> float:
    """Share of the items whose look's commonest value is theirs, 0 to 1 (Manning et al., 2008, section 16.3).

    Args:
        labels: values by item id; of several the first counts, an item without any is left out.
    """
    right = known = 0
    for look in looks.looks:
        counts = Counter(labels[item_id][0] for item_id in look.item_ids if labels.get(item_id))
        right += max(counts.values(), default=0)
        known += sum(counts.values())
    return right / known if known else 0.0


def _group_rows(rows: Matrix, count: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Number of the group of each row, and its distance to the group's centre."""
    import warnings

    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    kind = KMeans if len(rows) <= WHOLE else MiniBatchKMeans
    with warnings.catch_warnings():
        # Fewer distinct rows than groups: there are fewer groups then, which is right.
        warnings.simplefilter("ignore", ConvergenceWarning)
        with limit_threads():
            found = kind(count, n_init=STARTS, random_state=seed).fit(rows)
    centres = np.asarray(found.cluster_centers_, dtype=np.float32)[found.labels_]
    return found.labels_, np.linalg.norm(rows - centres, axis=1)
