"""Evaluating a classifier: all figures of all attributes, with intervals.

Works with predictions beside the truth, of the same items in every attribute. What gave the probabilities, heads on
pools or a network on pixels, makes no difference and is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.calibration import (
    Bins,
    Statements,
    bin_by_count,
    bin_by_width,
    calibration_error,
    draw_reliability,
    list_statements,
)
from classifier.evaluation.figures import MEASURES, AttributeFigures, Evaluation, Figure, LabelFigures
from classifier.evaluation.measures import (
    Floats,
    Weights,
    average_labels,
    average_precisions,
    count_confusions,
    count_labels,
    f1_score,
    mean_of_known,
    precision,
    recall,
    sum_labels,
    weigh_equally,
    weighted_mean,
)
from classifier.evaluation.predictions import AttributePredictions
from search.errors import InputError
from search.metrics import bootstrap_interval

RESAMPLES = 1_000
LEVEL = 0.95

_WEIGHTS_AT_ONCE = 4_000_000
"""How many weights of resamples are held at a time: 16 MB, and as much again a few times while they are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """An attribute's predictions for the items that count, and what every resample needs of them."""

    predictions: AttributePredictions
    rows: NDArray[np.int64]
    right: NDArray[np.bool_]
    statements: Statements
    bins: Bins


def evaluate_predictions(
    attributes: Mapping[str, AttributePredictions], *, resamples: int = RESAMPLES, seed: int = 0
) -> Evaluation:
    """All figures, over the items that count, with 95 % intervals.

    The intervals are those of the percentile bootstrap over items, the same items drawn anew for every attribute,
    moved by the bootstrap's own estimate of its bias. They say how far a figure would move with other items of the
    same kind. A label no item of a resample has is left out of that resample's mean average precision.

    Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, sections 13.3 and 10.2.

    Args:
        attributes: predictions of the same items, in the same order.
        resamples: how many times the items are drawn anew, with replacement.
        seed: same seed and predictions, same figures.

    Raises:
        InputError: the attributes are of different numbers of items, or there is no item that counts.
    """
    sizes = {name: len(each.known) for name, each in attributes.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"the attributes have different numbers of items: {sizes}; give the same items to all")
    ready = {name: _prepare(each) for name, each in attributes.items() if each.known.any()}
    if not ready:
        raise InputError("no item has a label the classifier has learnt: there is nothing to measure it by")
    items = next(iter(sizes.values()))
    plain = {name: _measure(each, weigh_equally(len(each.rows))) for name, each in ready.items()}
    drawn = _measure_resamples(ready, items, resamples, seed)
    matches, complete = _mark_matches(attributes, ready)
    return Evaluation(
        attributes={name: _to_attribute(each, plain[name], drawn[name]) for name, each in ready.items()},
        overall={measure: _average_attributes(measure, plain, drawn) for measure in MEASURES},
        exact_match=_to_mean(matches, resamples, seed),
        exact_match_n=len(matches),
        complete_match=_to_mean(complete, resamples, seed),
        complete_match_n=len(complete),
        not_measured={name: each.left_out for name, each in attributes.items() if name not in ready},
        n=items,
    )


def draw_resamples(items: int, resamples: int, seed: int) -> Iterator[Weights]:
    """How often each item was drawn, in blocks of shape (some resamples, items)."""
    generator = np.random.default_rng(seed)
    rows = max(1, _WEIGHTS_AT_ONCE // items)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        picks = generator.integers(0, items, (count, items)) + np.arange(count)[:, None] * items
        yield np.bincount(picks.ravel(), minlength=count * items).reshape(count, items).astype(np.float32)


def _prepare(predictions: AttributePredictions) -> _Ready:
    counted = predictions.keep_known()
    statements = list_statements(counted)
    return _Ready(
        predictions=counted,
        rows=np.flatnonzero(predictions.known),
        right=counted.mark_right(),
        statements=statements,
        bins=bin_by_width(statements),
    )


def _measure(ready: _Ready, weights: Weights) -> dict[str, Floats]:
    """Every measure under every weighing, each of shape (weighings,); NaN where it has no meaning."""
    own = ready.predictions
    counts = count_labels(own.relevant, own.chosen, weights)
    pooled = sum_labels(counts)
    accepted = sum_labels(count_labels(own.relevant, own.accepted, weights))
    drawn = weights.sum(axis=1) > 0
    measured = {
        "accuracy": weighted_mean(ready.right, weights),
        "map": mean_of_known(average_precisions(own.relevant, own.probabilities, weights)),
        "macro_f1": average_labels(f1_score(counts), counts),
        "micro_f1": f1_score(pooled)[:, 0],
        "precision": average_labels(precision(counts), counts),
        "recall": average_labels(recall(counts), counts),
        "micro_precision": precision(pooled)[:, 0],
        "micro_recall": recall(pooled)[:, 0],
        "ece": calibration_error(ready.statements, ready.bins, weights),
        "coverage": weighted_mean(own.accepted.any(axis=1), weights),
        "accepted_precision": np.where(accepted.chosen[:, 0] > 0, precision(accepted)[:, 0], np.nan),
    }
    return {name: np.where(drawn, values, np.nan) for name, values in measured.items()}


def _measure_resamples(
    ready: Mapping[str, _Ready], items: int, resamples: int, seed: int
) -> Mapping[str, Mapping[str, Floats]]:
    blocks: dict[str, list[dict[str, Floats]]] = {name: [] for name in ready}
    for weights in draw_resamples(items, resamples, seed):
        for name, each in ready.items():
            blocks[name].append(_measure(each, weights[:, each.rows]))
    return {
        name: {measure: np.concatenate([block[measure] for block in own]) for measure in MEASURES}
        for name, own in blocks.items()
    }


def _to_figure(value: float, drawn: Floats) -> Figure:
    """A figure, and its interval from the resamples that have it.

    Resampling leans: an item drawn twice is ranked beside itself, which lifts average precision, and a calibration
    error grows with chance. Without taking that off, an interval may miss its own figure.
    """
    there = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not there.size:
        return Figure(value=None, low=None, high=None)
    bias = there.mean() - value
    low, high = np.clip(np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - bias, 0.0, 1.0)
    return Figure(value=float(value), low=float(low), high=float(high))


def _average_attributes(
    measure: str, plain: Mapping[str, Mapping[str, Floats]], drawn: Mapping[str, Mapping[str, Floats]]
) -> Figure:
    """The mean over the attributes that have this figure, resample by resample."""
    there = [name for name in plain if not np.isnan(plain[name][measure][0])]
    if not there:
        return Figure(value=None, low=None, high=None)
    value = np.mean([plain[name][measure][0] for name in there])
    return _to_figure(float(value), np.mean([drawn[name][measure] for name in there], axis=0))


def _mark_matches(
    attributes: Mapping[str, AttributePredictions], ready: Mapping[str, _Ready]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which items are right in every known attribute: of those with any, and of those with all of them."""
    known = np.stack([attributes[name].known for name in ready], axis=1)
    right = np.stack([attributes[name].mark_right() for name in ready], axis=1)
    matches = (right | ~known).all(axis=1)
    return matches[known.any(axis=1)], matches[known.all(axis=1)]


def _to_mean(values: NDArray[np.bool_], resamples: int, seed: int) -> Figure:
    if not values.size:
        return Figure(value=None, low=None, high=None)
    low, high = bootstrap_interval(values, level=LEVEL, samples=resamples, seed=seed)
    return Figure(value=float(values.mean()), low=low, high=high)


def _to_attribute(ready: _Ready, plain: Mapping[str, Floats], drawn: Mapping[str, Floats]) -> AttributeFigures:
    own, once = ready.predictions, weigh_equally(len(ready.rows))
    counts = count_labels(own.relevant, own.chosen, once)
    areas = average_precisions(own.relevant, own.probabilities, once)[0]
    columns = zip(
        own.labels, precision(counts)[0], recall(counts)[0], f1_score(counts)[0], areas, counts.relevant[0],
        counts.chosen[0], strict=True,
    )  # fmt: skip
    per_label = {
        label: LabelFigures(
            precision=float(precise),
            recall=float(recalled),
            f1=float(score),
            average_precision=None if np.isnan(area) else float(area),
            support=int(support),
            predicted=int(predicted),
        )
        for label, precise, recalled, score, area, support, predicted in columns
    }
    return AttributeFigures(
        figures={measure: _to_figure(float(plain[measure][0]), drawn[measure]) for measure in MEASURES},
        adaptive_ece=float(calibration_error(ready.statements, bin_by_count(ready.statements), once)[0]),
        per_label=per_label,
        confusion=None if own.multi_valued else count_confusions(own.relevant, own.chosen),
        reliability=draw_reliability(ready.statements),
        n=len(ready.rows),
        n_left_out=own.left_out,
        without_positive=tuple(label for label, each in per_label.items() if not each.support),
        multi_valued=own.multi_valued,
    )
