"""Learning what scores mean: which items are asked about, which are found, and whether the outcome holds elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.calibration import SAMPLED, TOP, learn_calibration
from indexer.calibration_report import judge_probabilities, measure_calibration
from search.calibration import PHOTO, TEXT
from search.errors import InputError, QueryError
from search.filters import AnyOf, NoneOf
from search.paging import read_points
from tests.indexer.sorted_shelf import MANIFEST, Shelf, fill_shelf

RELEVANT = ("product_type", "color")


def list_vectors(shelf: Shelf, split: str) -> dict[str, tuple[np.ndarray, list[tuple[object, object]]]]:
    points = list(read_points(shelf.store, (AnyOf(attribute="split", values=(split,)),), spaces=["shape", "tint"]))
    labels = [(p.item.attributes["product_type"], p.item.attributes["color"]) for p in points]
    return {name: (np.stack([p.vectors[name] for p in points]), labels) for name in ("shape", "tint")}


def test_validation_items_are_asked_about_training_items_found_and_test_items_neither() -> None:
    shelf = fill_shelf(400)
    pairs = learn_calibration(shelf, RELEVANT).pairs[PHOTO]
    asked, found = list_vectors(shelf, "val")["shape"][0], list_vectors(shelf, "train")["shape"][0]
    assert pairs.questions.max() + 1 == len(asked)
    totals = np.bincount(pairs.questions, pairs.stand_for)
    assert totals == pytest.approx([len(found)] * len(asked), rel=1e-4)
    possible = asked @ found.T
    for question in range(len(asked)):
        kept = np.sort(pairs.scores[pairs.questions == question, 0].astype(np.float64))
        nearest = np.abs(kept[:, None] - possible[question][None, :]).min(axis=1)
        assert nearest.max() < 1e-3


def test_nearest_photos_are_kept_for_certain_and_marked_as_the_labels_say() -> None:
    shelf = fill_shelf(800)
    pairs = learn_calibration(shelf, RELEVANT).pairs[PHOTO]
    asked, found = list_vectors(shelf, "val"), list_vectors(shelf, "train")
    weights = MANIFEST.weights
    scores = sum(weights[name] * asked[name][0] @ found[name][0].T for name in weights)
    for question in (0, 7, 30):
        rows = pairs.questions == question
        assert len(np.flatnonzero(rows)) < 4 * TOP + 2 * SAMPLED
        own = pairs.pick(rows)
        best = np.sort(own.fuse(weights)[own.stand_for == 1])[::-1][:TOP]
        assert best == pytest.approx(np.sort(scores[question])[::-1][:TOP], abs=2e-3)
        label = asked["shape"][1][question]
        share = (own.stand_for * own.relevant).sum() / own.stand_for.sum()
        assert share == pytest.approx(np.mean([each == label for each in found["shape"][1]]), abs=0.06)


def test_probabilities_hold_on_items_the_calibration_has_not_seen() -> None:
    shelf = fill_shelf(1_500)
    calibration = learn_calibration(shelf, RELEVANT)
    asked, found = list_vectors(shelf, "test"), list_vectors(shelf, "train")
    scores = sum(weight * asked[name][0] @ found[name][0].T for name, weight in MANIFEST.weights.items())
    order = np.argsort(-scores, axis=1)[:, :24]
    true = np.array([[found["shape"][1][n] == asked["shape"][1][q] for n in row] for q, row in enumerate(order)])
    said = calibration.find_curve(MANIFEST.weights).measure(np.take_along_axis(scores, order, axis=1))
    honest = judge_probabilities(said.ravel(), true.ravel(), np.ones(true.size))
    assert honest.error < 0.08
    assert honest.brier < honest.sharpness
    wrong = judge_probabilities(said.ravel() / 2, true.ravel(), np.ones(true.size))
    assert wrong.error > 2 * honest.error


def test_report_holds_every_weighing_against_questions_it_was_not_fitted_to() -> None:
    calibration = learn_calibration(fill_shelf(1_000), RELEVANT)
    report = measure_calibration(calibration, {"shape": {"shape": 1.0}, "fusion": MANIFEST.weights})
    assert list(report) == ["shape", "fusion"]
    for each in (report["fusion"].all, report["shape"].all):
        assert each.brier < each.sharpness
    assert report["fusion"].all.share > report["shape"].all.share
    assert report["fusion"].unfiltered.share > report["fusion"].filtered.share
    assert report["fusion"].all.error < 0.1


def test_titles_are_asked_about_where_there_is_a_text_encoder() -> None:
    shelf = fill_shelf(600)
    means: dict[str, dict[str, np.ndarray]] = {}
    for point in read_points(shelf.store, (NoneOf(attribute="split", values=("test",)),), spaces=["shape", "tint"]):
        means[str(point.item.attributes["title"])] = dict(point.vectors)
    calibration = learn_calibration(shelf, RELEVANT, embed_text=lambda title: means[title])
    assert calibration.knows_text
    pairs = calibration.pairs[TEXT]
    assert pairs.columns == (TEXT,)
    assert pairs.scores.max() > 1.2, "the sum over both spaces"
    assert calibration.measure_text(1.9) > calibration.measure_text(0.5)
    assert not learn_calibration(shelf, RELEVANT).knows_text


def test_same_seed_gives_the_same_pairs() -> None:
    shelf = fill_shelf(700)
    first, second, other = (learn_calibration(shelf, RELEVANT, seed=seed).pairs[PHOTO] for seed in (1, 1, 2))
    assert np.array_equal(first.scores, second.scores)
    assert not np.array_equal(first.scores, other.scores)


def test_too_few_items_and_unknown_attributes_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match="index more of the catalogue"):
        learn_calibration(fill_shelf(60), RELEVANT)
    with pytest.raises(QueryError, match="it has: color, gender"):
        learn_calibration(fill_shelf(60), ("colour",))


def test_item_without_a_label_is_neither_asked_about_nor_found() -> None:
    shelf = fill_shelf(400)
    points = list(read_points(shelf.store, spaces=["shape", "tint"]))
    before = learn_calibration(shelf, RELEVANT).pairs[PHOTO]
    for point in points[:100]:
        item = replace(point.item, attributes={n: v for n, v in point.item.attributes.items() if n != "color"})
        shelf.store.replace_attributes({item.id: item}, {item.id: "r"})
    after = learn_calibration(shelf, RELEVANT).pairs[PHOTO]
    assert after.questions.max() < before.questions.max()
    assert after.stand_for.sum() / (after.questions.max() + 1) < before.stand_for.sum() / (before.questions.max() + 1)
