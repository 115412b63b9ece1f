"""How good a classifier is on a catalogue's own items, by the labels of the shop's feed.

Works with pools and labels already gathered, and a classifier through two ports. The measures are those of
`classifier.evaluation`. Knows nothing of how figures are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.data.splitting import SPLITS, TEST, TRAIN, VAL
from classifier.evaluation.evaluation import evaluate_predictions
from classifier.evaluation.figures import Evaluation
from classifier.evaluation.predictions import AttributePredictions, Marks, compare_predictions
from classifier.evaluation.truth import Truth, number_values
from indexer.training_data import LabelledPools
from search.errors import QueryError
from search.filters import Filter
from search.manifest import ClassifierRecord
from search.paging import read_points
from search.pools import PoolBatch
from search.store import Store
from search.tagging import Tagger, Tagging

_BATCH = 512


class Predictor(Protocol):
    """What gives the probability of every label, where a tagger gives the likeliest ones."""

    def predict(self, pools: PoolBatch) -> Mapping[str, NDArray[Any]]:
        """Calibrated probabilities by attribute, shape (photos, labels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which of the feed's items are measured.

    Attributes:
        rows: their numbers.
        parts: how many of them are for training, for choosing and for testing.
        notes: sentences whoever reads the figures has to know.
    """

    rows: NDArray[np.int64]
    parts: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found.

    Attributes:
        foreign: by attribute, values of the measured items that the classifier has not learnt, with how many have each.
        unused: by attribute, labels of the classifier that no item of the feed has.
    """

    evaluation: Evaluation
    predictions: Mapping[str, AttributePredictions]
    foreign: Mapping[str, Mapping[str, int]]
    unused: Mapping[str, tuple[str, ...]]


def choose_part(store: Store, labelled: LabelledPools, *, split: str | None, queries: Filter, own: bool) -> Part:
    """The items to measure: those of a split, those a filter lets through, or those of both.

    Args:
        split: `train`, `val` or `test`; None for the test part, or, with `queries`, for all items that match.
        queries: conditions on the items.
        own: whether the feed says itself which split an item is in.

    Raises:
        QueryError: the split is none, or no item is left.
    """
    if split is not None and split not in SPLITS:
        raise QueryError(f"split {split!r} is none; a catalogue's items are in {', '.join(SPLITS)}")
    wanted = split or (None if queries else TEST)
    rows = np.arange(len(labelled)) if wanted is None else labelled.list_rows(wanted)
    if queries:
        matching = {point.item.id for point in read_points(store, queries)}
        rows = rows[[labelled.items[row] in matching for row in rows]]
    if not len(rows):
        where = f"in split {wanted}" if wanted else "among those the filters let through"
        raise QueryError(
            f"none of the feed's {len(labelled)} items is {where}; name another split (--split {VAL}) or other filters"
        )
    counts = Counter(labelled.splits[row] for row in rows)
    parts = {name: counts[name] for name in SPLITS if counts[name]}
    placed = "as the feed says" if own else "dealt by a hash of their ids, as for training"
    notes = [f"{len(rows)} items measured: " + ", ".join(f"{n} {name}" for name, n in parts.items()) + f", {placed}"]
    if TRAIN in parts:
        notes.append(f"{parts[TRAIN]} of them are for training: figures on those say little of new photos")
    if VAL in parts:
        notes.append(f"{parts[VAL]} of them are for choosing thresholds and temperatures: a little flattering")
    for count, what in ((labelled.not_indexed, "not in the catalogue"), (labelled.without_pools, "without pools")):
        if count:
            notes.append(f"{count} items of the feed are {what} and not measured")
    return Part(rows=rows, parts=parts, notes=tuple(notes))


def measure_part(
    labelled: LabelledPools, part: Part, record: ClassifierRecord, tagger: Tagger, predictor: Predictor
) -> Measured:
    """All figures of all attributes the classifier names.

    What counts as accepted is what the tagger accepts: the tags an item in the catalogue would get.
    """
    labels = {name: each.labels for name, each in record.attributes.items()}
    multi = frozenset(name for name, each in record.attributes.items() if each.multi_valued)
    values = [{name: labelled.labels[name][row] for name in labels} for row in part.rows]
    truths = number_values(values, labels, multi)
    probabilities, taggings = _predict(labelled, part.rows, tagger, predictor)
    predictions = {
        name: _compare(probabilities[name], truths[name], labels[name], _mark_accepted(taggings, name, labels[name]))
        for name in labels
    }
    there = {name: {value for values in labelled.labels[name] for value in values} for name in labels}
    unused = {name: tuple(label for label in labels[name] if label not in there[name]) for name in labels}
    return Measured(
        evaluation=evaluate_predictions(predictions),
        predictions=predictions,
        foreign={name: truth.foreign for name, truth in truths.items() if truth.foreign},
        unused={name: left for name, left in unused.items() if left},
    )


def describe_labels(measured: Measured) -> list[str]:
    """A sentence for each attribute whose labels are not those of the feed."""
    sentences = [
        f"{name}: {len(foreign)} values of the feed are none of the classifier's labels ({_list_some(list(foreign))}); "
        f"{measured.predictions[name].left_out} items are not counted for it"
        for name, foreign in measured.foreign.items()
    ]
    sentences += [
        f"{name}: {len(unused)} of the classifier's labels are nowhere in the feed ({_list_some(unused)})"
        for name, unused in measured.unused.items()
    ]
    return sentences


def _predict(
    labelled: LabelledPools, rows: NDArray[np.int64], tagger: Tagger, predictor: Predictor
) -> tuple[Mapping[str, NDArray[Any]], Sequence[Tagging]]:
    given: list[Mapping[str, NDArray[Any]]] = []
    taggings: list[Tagging] = []
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        pools = {name: each[some].astype(np.float32) for name, each in labelled.pools.items()}
        given.append(predictor.predict(pools))
        taggings += tagger.tag(pools)
    return {name: np.concatenate([batch[name] for batch in given]) for name in given[0]}, taggings


def _mark_accepted(taggings: Sequence[Tagging], attribute: str, labels: Sequence[str]) -> Marks:
    numbers = {label: number for number, label in enumerate(labels)}
    marks = np.zeros((len(taggings), len(labels)), dtype=np.bool_)
    for row, tagging in enumerate(taggings):
        marks[row, [numbers[label] for label in tagging.predictions[attribute].accepted]] = True
    return marks


def _compare(probabilities: NDArray[Any], truth: Truth, labels: Sequence[str], accepted: Marks) -> AttributePredictions:
    return compare_predictions(
        probabilities, truth.labels, labels=labels, accepted=accepted, known=truth.known, left_out=truth.left_out
    )


def _list_some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:5]) + (" ..." if len(texts) > 5 else "")
