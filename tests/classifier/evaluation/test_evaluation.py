"""A whole evaluation: who counts, what abstaining does, intervals, JSON, and a real classifier of real pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, classification_report, f1_score

from classifier.evaluation.evaluation import draw_resamples, evaluate_predictions
from classifier.evaluation.figures import MEASURES
from classifier.evaluation.predictions import accept_labels, compare_predictions
from classifier.evaluation.truth import number_values
from search.errors import InputError
from search.metrics import bootstrap_interval

DIGITS = [str(n) for n in range(10)]


@pytest.fixture(scope="module")
def digits():
    """(probabilities, truth) of 600 handwritten digits, by a logistic regression of the others."""
    pictures, truth = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=500, C=0.01).fit(pictures[600:] / 16, truth[600:])
    return model.predict_proba(pictures[:600] / 16), truth[:600].astype(np.int64)


def test_a_logistic_regression_on_digits_gets_the_figures_scikit_learn_gives_it(digits) -> None:
    probabilities, truth = digits
    found = evaluate_predictions({"digit": compare_predictions(probabilities, truth, labels=DIGITS)})
    own = found.attributes["digit"]
    guess = probabilities.argmax(axis=1)
    report = classification_report(truth, guess, output_dict=True)
    values = {name: figure.value for name, figure in own.figures.items()}
    assert values["accuracy"] == pytest.approx(report["accuracy"], abs=1e-9)
    assert 0.85 < values["accuracy"] < 0.99
    assert values["macro_f1"] == pytest.approx(f1_score(truth, guess, average="macro"), abs=1e-9)
    assert values["precision"] == pytest.approx(report["macro avg"]["precision"], abs=1e-9)
    assert values["recall"] == pytest.approx(report["macro avg"]["recall"], abs=1e-9)
    areas = [average_precision_score(truth == n, probabilities[:, n]) for n in range(10)]
    assert values["map"] == pytest.approx(np.mean(areas), abs=1e-9)
    for label, area in zip(DIGITS, areas, strict=True):
        assert own.per_label[label].average_precision == pytest.approx(area, abs=1e-9)
        assert own.per_label[label].f1 == pytest.approx(report[label]["f1-score"], abs=1e-9)
        assert own.per_label[label].support == report[label]["support"]
    assert own.confusion is not None
    assert np.diag(own.confusion).sum() == (guess == truth).sum()
    # strongly regularised: far less sure of itself than it could be
    assert values["ece"] == pytest.approx((guess == truth).mean() - probabilities.max(axis=1).mean(), abs=0.02)
    assert values["ece"] > 0.2


def test_every_interval_holds_its_figure_and_is_the_same_for_the_same_seed(digits) -> None:
    probabilities, truth = digits
    predictions = {"digit": compare_predictions(probabilities, truth, labels=DIGITS)}
    first, again, other = (evaluate_predictions(predictions, resamples=200, seed=seed) for seed in (1, 1, 2))
    for name in ("accuracy", "map", "macro_f1", "ece", "precision"):
        figure = first.attributes["digit"].figures[name]
        assert figure.low < figure.value < figure.high, name
    assert first.attributes["digit"].figures == again.attributes["digit"].figures
    assert first.attributes["digit"].figures != other.attributes["digit"].figures


def test_the_interval_of_a_mean_is_that_of_the_bootstrap_of_search_metrics(digits) -> None:
    probabilities, truth = digits
    found = evaluate_predictions({"digit": compare_predictions(probabilities, truth, labels=DIGITS)})
    figure = found.attributes["digit"].figures["accuracy"]
    low, high = bootstrap_interval(probabilities.argmax(axis=1) == truth, seed=5)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=0.004)


def test_an_interval_holds_its_figure_where_every_label_is_rare() -> None:
    """An item drawn twice ranks beside itself: the plain percentiles of average precision would miss their figure."""
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.full(60, 0.3), 200)
    truth = np.array([random.choice(60, p=row) for row in scores])
    own = evaluate_predictions({"a": compare_predictions(scores, truth, labels=[str(n) for n in range(60)])})
    figure = own.overall["map"]
    assert figure.low < figure.value < figure.high


def test_resamples_draw_as_many_items_as_there_are() -> None:
    blocks = list(draw_resamples(7, 20, seed=3))
    weights = np.concatenate(blocks)
    assert weights.shape == (20, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert len(np.unique(weights, axis=0)) > 10


def test_items_without_a_known_label_do_not_count_and_those_left_out_are_reported() -> None:
    scores = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    own = compare_predictions(scores, np.array([0, -1, -1, 1]), labels=["a", "b"], left_out=1)
    figures = evaluate_predictions({"x": own}).attributes["x"]
    assert (figures.n, figures.n_left_out) == (2, 1)
    assert figures.figures["accuracy"].value == 0.5


def test_abstaining_lowers_coverage_and_leaves_accuracy_alone() -> None:
    scores = np.array([[0.9, 0.1], [0.55, 0.45], [0.2, 0.8], [0.6, 0.4]])
    truth = np.array([0, 1, 1, 1])
    accepted = accept_labels(scores, [0.58, 0.7], multi_valued=False)
    own = evaluate_predictions({"x": compare_predictions(scores, truth, labels=["a", "b"], accepted=accepted)})
    values = {name: figure.value for name, figure in own.attributes["x"].figures.items()}
    assert values["accuracy"] == 0.5
    assert values["coverage"] == 0.75
    assert values["accepted_precision"] == pytest.approx(2 / 3)


def test_a_second_best_label_is_never_accepted() -> None:
    accepted = accept_labels([[0.6, 0.4]], [0.9, 0.1], multi_valued=False)
    assert not accepted.any()
    assert accept_labels([[0.6, 0.4]], [0.9, 0.1], multi_valued=True).tolist() == [[False, True]]


def test_where_nothing_is_accepted_its_precision_is_unknown_and_not_zero() -> None:
    own = compare_predictions([[0.6, 0.4]], np.array([0]), labels=["a", "b"], accepted=[[False, False]])
    wire = evaluate_predictions({"x": own}).to_wire()["attributes"]["x"]
    assert wire["coverage"] == 0
    assert wire["accepted_precision"] is None
    assert "accepted_precision" not in wire["interval"]


def test_exact_match_asks_for_every_known_attribute() -> None:
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    first = compare_predictions(scores, np.array([0, 0, 1, -1]), labels=["a", "b"])
    second = compare_predictions(scores, np.array([0, 1, -1, -1]), labels=["c", "d"])
    found = evaluate_predictions({"first": first, "second": second})
    assert (found.exact_match.value, found.exact_match_n) == (pytest.approx(1 / 3), 3)
    assert (found.complete_match.value, found.complete_match_n) == (0.5, 2)


def test_overall_is_the_mean_over_attributes_and_an_unmeasured_one_is_named(digits) -> None:
    probabilities, truth = digits
    good = compare_predictions(probabilities, truth, labels=DIGITS)
    bad = compare_predictions(probabilities[:, ::-1], truth, labels=DIGITS)
    empty = compare_predictions(probabilities, np.full_like(truth, -1), labels=DIGITS, left_out=4)
    found = evaluate_predictions({"good": good, "bad": bad, "empty": empty}, resamples=50)
    each = [found.attributes[name].figures["map"].value for name in ("good", "bad")]
    assert found.overall["map"].value == pytest.approx(np.mean(each))
    assert found.not_measured == {"empty": 4}
    assert "empty" not in found.attributes


def test_json_has_the_shape_that_is_promised(digits) -> None:
    probabilities, truth = digits
    own = compare_predictions(probabilities, truth, labels=DIGITS)
    many = compare_predictions(probabilities, np.eye(10, dtype=np.uint8)[truth], labels=DIGITS)
    wire = json.loads(json.dumps(evaluate_predictions({"digit": own, "many": many}, resamples=50).to_wire()))
    digit = wire["attributes"]["digit"]
    assert set(MEASURES) <= digit.keys()
    assert digit["labels"] == 10
    assert digit["n"] == wire["n"] == 600
    assert digit["interval"]["map"][0] < digit["map"] < digit["interval"]["map"][1]
    assert set(digit["per_label"]) == set(DIGITS)
    worst = digit["confusions"][0]
    assert worst["true"] != worst["predicted"]
    assert worst["count"] >= digit["confusions"][-1]["count"] > 0
    assert wire["attributes"]["many"]["multi_valued"]
    assert wire["attributes"]["many"]["confusions"] == []
    assert 0 < wire["exact_match"] < 1


def test_values_become_label_numbers_and_what_was_not_learnt_is_counted() -> None:
    items = [{"color": ("Red",)}, {"color": ("Mauve",)}, {}, {"color": ("Blue",), "material": ("Silk", "Wool", "Tin")}]
    labels = {"color": ["Blue", "Red"], "material": ["Silk", "Wool"]}
    truths = number_values(items, labels, frozenset({"material"}))
    assert truths["color"].labels.tolist() == [1, -1, -1, 0]
    assert (truths["color"].left_out, truths["color"].foreign) == (1, {"Mauve": 1})
    assert truths["material"].labels.tolist() == [[0, 0], [0, 0], [0, 0], [1, 1]]
    assert truths["material"].known.tolist() == [False, False, False, True]
    assert (truths["material"].left_out, truths["material"].foreign) == (0, {"Tin": 1})


@pytest.mark.parametrize(
    ("scores", "truth", "what"),
    [
        ([[0.5, 0.5]], [0, 1], "do not fit"),
        ([[0.5, 0.5, 0.5]], [0], "do not fit"),
        ([[0.5, float("nan")]], [0], "not finite"),
        ([[0.5, 0.5]], [2], "label numbers"),
        ([[0.5, 0.5]], [-2], "label numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(scores, truth, what) -> None:
    with pytest.raises(InputError, match=what):
        compare_predictions(scores, np.array(truth), labels=["a", "b"])


def test_attributes_of_different_items_and_items_without_labels_are_refused() -> None:
    one = compare_predictions([[0.5, 0.5]], np.array([0]), labels=["a", "b"])
    two = compare_predictions([[0.5, 0.5]] * 2, np.array([0, 1]), labels=["a", "b"])
    with pytest.raises(InputError, match="different numbers of items"):
        evaluate_predictions({"one": one, "two": two})
    with pytest.raises(InputError, match="nothing to measure"):
        evaluate_predictions({"one": compare_predictions([[0.5, 0.5]], np.array([-1]), labels=["a", "b"])})
