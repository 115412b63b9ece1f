"""Plots of unusual data: many labels, none that occurs, histories with holes; and a light import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from classifier.evaluation.curves import trace_precision_recall
from classifier.evaluation.predictions import compare_predictions
from classifier.report.canvas import MAX_TEXT, open_figure, to_plot_text, to_png
from classifier.report.content import Example
from classifier.report.curve_plots import plot_history, plot_precision_recall
from classifier.report.example_grid import plot_examples
from classifier.report.label_plots import plot_confusion, plot_distribution

MANY = [f"label {n}" for n in range(100)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_the_curve_is_that_of_scikit_learn(seed: int, items: int) -> None:
    random = np.random.default_rng(seed)
    relevant = random.integers(0, 2, items).astype(bool)
    relevant[0] = True
    scores = np.round(random.random(items), 1)
    ours = trace_precision_recall(relevant, scores)
    precision, recall, _ = precision_recall_curve(relevant, scores)
    assert ours.precision.tolist() == pytest.approx(precision[::-1].tolist(), abs=1e-9)
    assert ours.recall.tolist() == pytest.approx(recall[::-1].tolist(), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_drawn(text: str) -> None:
    shown = to_plot_text(text)
    assert len(shown.replace(r"\$", "$")) <= MAX_TEXT + 1
    assert "\n" not in shown
    figure = open_figure(2, 1)
    figure.text(0.5, 0.5, shown)
    assert to_png(figure).startswith(b"\x89PNG")


def test_of_many_labels_the_commonest_are_shown_and_the_page_says_so() -> None:
    counts = np.arange(100)
    distribution = plot_distribution("color", MANY, counts, {})
    assert "the 30 commonest of 100 labels" in distribution.caption
    assert "label 99 with 99 to label 70 with 70" in distribution.alt
    confusion = np.diag(counts)
    confusion[99, 98] = 7
    matrix = plot_confusion("color", MANY, confusion)
    assert "the 30 commonest of 100 labels" in matrix.caption
    assert "label 99 taken for label 98, 7 times" in matrix.alt


def test_a_classifier_without_a_mistake_and_one_without_a_known_label_are_drawn() -> None:
    assert "there is no mistake" in plot_confusion("x", ["a", "b"], np.diag([3, 4])).alt
    nobody = compare_predictions([[0.2, 0.8]], np.zeros((1, 2), np.uint8), labels=["a", "b"])
    assert "0 labels" in plot_precision_recall("x", nobody).alt


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([{"epoch": 1, "train_loss": 0.5}], "train loss 0.500"),
        ([{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "val_loss": 0.25, "rate": 0.1}], "val loss 0.250"),
        ([{"epoch": 1, "loss": 0.5, "val_loss": 0.4, "score": 0.9, "attributes": {"a": 0.9}}], "score 0.900"),
    ],
)
def test_a_history_may_lack_values(history, said) -> None:
    assert said in plot_history(history).alt


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (9, 7, 3)])
def test_photos_of_every_shape_are_drawn(shape) -> None:
    photo = np.zeros(shape, np.uint8)
    examples = [
        Example(photo=photo, predicted="a", true="a", confidence=0.9, right=True),
        Example(photo=photo, predicted="", true="$b", confidence=0.4, right=False),
    ]
    plot = plot_examples("color", examples)
    assert "1 right, 1 wrong" in plot.alt
    assert plot.png == plot_examples("color", examples).png


def test_nothing_heavy_is_loaded_before_something_is_drawn(repository: Path) -> None:
    code = (
        "import sys, classifier.report.folder, classifier.evaluation.evaluation; "
        "sys.exit([n for n in ('matplotlib', 'torch', 'sklearn') if n in sys.modules] != [])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=repository).returncode == 0
