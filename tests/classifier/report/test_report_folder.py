"""The report of a real classifier of real pictures: one page that needs nothing, and never half of it."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from classifier.evaluation.evaluation import evaluate_predictions
from classifier.evaluation.predictions import compare_predictions
from classifier.report import folder as report_folder
from classifier.report.content import Report, choose_examples, describe_example
from classifier.report.folder import write_report
from search.errors import InputError, SetupError

HOSTILE = [
    "<script>alert(1)</script>",
    '" onerror="alert(2)',
    "$\\frac{1}{$",
    "_hidden",
    "nul\x00 and half \ud800",
    "四季",
    "long " * 60,
    "</style></title>",
    "\u202edrow",
    "new\nline & more",
]
HISTORY = [{"epoch": n, "train_loss": 2 / n, "val_loss": 2 / n + 0.1, "val_accuracy": 1 - 1 / n} for n in range(1, 6)]


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def report() -> Report:
    """Digits under hostile names, as one label and as several, by a logistic regression."""
    pictures, truth = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=500, C=0.01).fit(pictures[300:] / 16, truth[300:])
    scores, truth = model.predict_proba(pictures[:300] / 16), truth[:300].astype(np.int64)
    many = np.stack([truth % 2 == 0, truth > 4], axis=1).astype(np.uint8)
    sums = np.stack([scores[:, ::2].sum(axis=1), scores[:, 5:].sum(axis=1)], axis=1).clip(0, 1)
    predictions = {
        "digit <b>": compare_predictions(scores, truth, labels=HOSTILE),
        "kind": compare_predictions(sums, many, labels=["even", "large"]),
    }
    photos = (pictures[:300].reshape(-1, 8, 8) * 15).astype(np.uint8)
    examples = {
        name: [describe_example(own, int(row), photos[row]) for row in choose_examples(own, 7)]
        for name, own in predictions.items()
    }
    return Report(
        title="Digits & <others>",
        evaluation=evaluate_predictions(predictions, resamples=50),
        predictions=predictions,
        facts={"model": "<i>logistic regression</i>"},
        notes=["1 < 2"],
        training_counts={"digit <b>": dict.fromkeys(HOSTILE, 100)},
        history=HISTORY,
        examples=examples,
    )


@pytest.fixture(scope="module")
def small() -> Report:
    """Two items, two labels: quickly drawn."""
    predictions = {"x": compare_predictions([[0.9, 0.1], [0.2, 0.8]], np.array([0, 1]), labels=["a", "b"])}
    evaluation = evaluate_predictions(predictions, resamples=20)
    return Report(title="first", evaluation=evaluation, predictions=predictions, history=HISTORY)


@pytest.fixture(scope="module")
def written(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("there") / "reports" / "digits", report)


def test_the_page_needs_nothing_and_does_nothing(written: Path) -> None:
    page = Page(written.read_text("utf-8"))
    assert not page.find("script")
    assert not [name for tag, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.find("img"))
    assert not page.find("link")
    policy = [meta["content"] for meta in page.find("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_names_are_shown_as_they_are_and_are_never_markup(written: Path) -> None:
    text = written.read_text("utf-8")
    page = Page(text)
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert "nul\N{REPLACEMENT CHARACTER} and half \N{REPLACEMENT CHARACTER}" in "".join(page.text)
    assert "\x00" not in text
    assert not page.find("i")
    assert not page.find("b")
    assert len(page.find("title")) == len(page.find("style")) == 1


def test_a_reader_without_eyes_gets_words_for_pictures_and_headings_for_tables(written: Path) -> None:
    page = Page(written.read_text("utf-8"))
    assert all(len(image["alt"]) > 20 for image in page.find("img"))
    tables = len(page.find("table"))
    assert tables == len(page.find("caption")) >= 4
    scopes = [heading["scope"] for heading in page.find("th")]
    assert set(scopes) == {"col", "row"}
    assert page.find("html")[0]["lang"] == "en"
    assert "prefers-color-scheme: dark" in written.read_text("utf-8")


def test_every_plot_that_is_promised_is_there_as_a_png(written: Path) -> None:
    names = {path.stem for path in written.parent.iterdir() if path.name != "index.html"}
    own = {"distribution", "confusion", "precision-recall", "reliability", "examples"}
    assert names == {
        "history",
        "co-occurrence-01",
        "co-occurrence-02",
        *(f"01-digit-b-{plot}" for plot in own),
        *(f"02-kind-{plot}" for plot in own - {"confusion"}),
    }
    for name in names:
        data = (written.parent / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", data[16:24])
        assert 150 < width < 1_600, name
        assert 150 < height < 1_600, name
    assert written.read_text("utf-8").count("<img ") == len(names)


def test_the_figures_on_the_page_are_those_of_the_evaluation(report: Report, written: Path) -> None:
    text = written.read_text("utf-8")
    for figures in report.evaluation.attributes.values():
        assert f"{figures.figures['map'].value:.3f}<small>" in text
        assert f"{figures.figures['accuracy'].low:.3f} to {figures.figures['accuracy'].high:.3f}" in text
    assert f"{report.evaluation.exact_match.value:.3f} [" in text
    assert "1 &lt; 2" in text


def test_right_and_wrong_examples_are_told_apart_in_words(report: Report, written: Path) -> None:
    given = [example for group in report.examples.values() for example in group]
    text = written.read_text("utf-8")
    assert text.count('<span class="right">') == sum(example.right for example in given)
    assert text.count('<span class="wrong">') == sum(not example.right for example in given)


def test_a_former_report_is_replaced_with_everything_in_it(small: Report, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.mkdir()
    write_report(target, small)
    assert (target / "history.png").exists()
    page = write_report(target, replace(small, title="second", history=()))
    assert "<h1>second</h1>" in page.read_text("utf-8")
    assert not (target / "history.png").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_with_anything_else_in_it_is_left_alone(small: Report, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="something else"):
        write_report(tmp_path, small)
    (tmp_path / "letter.txt").unlink()
    (tmp_path / "index.html").write_text("somebody's page")
    with pytest.raises(InputError, match="something else"):
        write_report(tmp_path, small)
    with pytest.raises(InputError, match="is a file"):
        write_report(tmp_path / "index.html", small)
    assert (tmp_path / "index.html").read_text() == "somebody's page"


def test_a_report_that_cannot_be_finished_leaves_the_former_one(
    small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report"
    write_report(target, small)
    rename = Path.rename

    def refuse(path: Path, to: Path) -> Path:
        if path.name.endswith(".part"):
            raise OSError(28, "No space left on device")
        return rename(path, to)

    monkeypatch.setattr(report_folder.Path, "rename", refuse)
    with pytest.raises(SetupError, match="No space left"):
        write_report(target, replace(small, title="second"))
    assert "<h1>first</h1>" in (target / "index.html").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_photos_are_drawn_by_a_seed_and_only_of_items_that_count() -> None:
    scores = np.tile([0.9, 0.1], (50, 1))
    own = compare_predictions(scores, np.array([0, -1] * 25), labels=["a", "b"])
    rows = choose_examples(own, 10)
    assert len(set(rows.tolist())) == 10
    assert (rows % 2 == 0).all()
    assert rows.tolist() == choose_examples(own, 10).tolist() != choose_examples(own, 10, seed=1).tolist()
    assert len(choose_examples(own, 100)) == 25


def test_the_page_names_no_file_beside_it(written: Path) -> None:
    assert not re.findall(r'(?:src|href)="(?!data:|#)', written.read_text("utf-8"))
