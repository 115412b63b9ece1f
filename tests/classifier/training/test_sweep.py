"""A sweep trains every cell once, goes on where it stopped, and puts the best on the validation images first."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from classifier.data.images import ArrayImages
from classifier.training.grid import CellResult, list_cells, parse_grid, rank_results, to_csv, to_markdown
from classifier.training.settings import Augmentation, Optimiser, Schedule, TrainingSettings
from classifier.training.sweep import run_sweep
from search.errors import InputError

BASE = TrainingSettings(
    epochs=2,
    batch=16,
    optimiser=Optimiser.ADAMW,
    schedule=Schedule.CONSTANT,
    augmentation=Augmentation.NONE,
    rate=0.003,
    threads=1,
)


def make_images(name, count=64):
    """Dark and light images: anything that learns tells them apart, and a rate of 0 does not."""
    labels = np.arange(count) % 2
    random = np.random.default_rng(len(name))
    pixels = random.integers(0, 100, (count, 8, 8, 1)) + labels[:, None, None, None] * 150
    return ArrayImages(pixels.astype(np.uint8), {"tone": labels}, name=name, attributes={"tone": ("dark", "light")})


TRAIN, VAL = make_images("train"), make_images("val", 32)


def sweep(folder, grid, **more):
    return run_sweep("spikeable", TRAIN, VAL, BASE, parse_grid(grid), folder=folder, **more)


def test_every_cell_is_trained_and_the_best_on_validation_is_first(tmp_path):
    outcome = sweep(tmp_path, ["rate=0,0.01", "batch=16,32"])
    assert outcome.complete
    assert outcome.trained == 4
    assert {(r.values["rate"], r.values["batch"]) for r in outcome.results} == {
        (0, 16),
        (0, 32),
        (0.01, 16),
        (0.01, 32),
    }
    scores = [result.score for result in outcome.results]
    assert scores == sorted(scores, reverse=True)
    assert outcome.results[0].values["rate"] == 0.01
    assert outcome.results[0].score > 0.9
    assert outcome.results[-1].values["rate"] == 0

    page = (tmp_path / "sweep.md").read_text()
    table = list(csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines()))
    wire = json.loads((tmp_path / "sweep.json").read_text())
    assert [float(row["score"]) for row in table] == [cell["score"] for cell in wire["cells"]] == scores
    assert wire["train"] == ["train", 64, TRAIN.fingerprint]
    assert page.index("| 0.01 |") < page.index("| 0 |")


def test_finished_cells_are_kept_and_only_new_ones_are_trained(tmp_path):
    first = sweep(tmp_path, ["rate=0,0.01"])
    wider = sweep(tmp_path, ["rate=0,0.01,0.02"])
    assert (first.trained, wider.trained) == (2, 1)
    kept = {result.values["rate"]: result for result in wider.results}
    assert all(kept[result.values["rate"]] == result for result in first.results)
    other = run_sweep("spikeable", TRAIN, make_images("other", 32), BASE, parse_grid(["rate=0"]), folder=tmp_path)
    assert other.trained == 1


def test_a_stopped_sweep_goes_on_within_the_cell_and_ends_as_if_it_had_not_stopped(tmp_path):
    whole = sweep(tmp_path / "whole", ["rate=0.005,0.01"])
    for steps in (3, 6):
        told = []
        stopped = sweep(
            tmp_path / "parts",
            ["rate=0.005,0.01"],
            tell=lambda *at, told=told: told.append(at),
            should_stop=lambda told=told, steps=steps: len(told) >= steps,
        )
        assert not stopped.complete
    told = []
    ended = sweep(tmp_path / "parts", ["rate=0.005,0.01"], tell=lambda *at: told.append(at))
    assert ended.complete
    assert len(told) == 2 * 2 * 4 - 3 - 6
    for one, other in zip(whole.results, ended.results, strict=True):
        assert (one.values, one.score, one.val_loss) == (other.values, other.score, other.val_loss)
    assert not list((tmp_path / "parts").rglob("checkpoint*"))


def test_a_cell_that_diverges_is_a_row_with_its_reason_and_the_sweep_goes_on(tmp_path):
    outcome = run_sweep(
        "spikeable",
        TRAIN,
        VAL,
        TrainingSettings(epochs=3, batch=16, optimiser=Optimiser.SGD, schedule=Schedule.CONSTANT, threads=1),
        parse_grid(["rate=100,0.01", "weight_decay=10"]),
        folder=tmp_path,
    )
    assert outcome.complete
    assert outcome.results[0].values["rate"] == 0.01
    assert outcome.results[1].score is None
    assert "too high" in outcome.results[1].problem
    assert "too high" in (tmp_path / "sweep.md").read_text()


def test_a_damaged_result_is_trained_again(tmp_path):
    sweep(tmp_path, ["rate=0.01"])
    (kept,) = (tmp_path / "cells").glob("*.json")
    kept.write_text(kept.read_text()[:40])
    assert sweep(tmp_path, ["rate=0.01"]).trained == 1


def test_a_grid_is_read_by_the_kinds_of_the_settings():
    grid = parse_grid(["batch=64, 128", "rate=1e-3,3e-3", "optimiser=sgd,adamw", "mirror=true,false"])
    assert grid == {
        "batch": (64, 128),
        "rate": (0.001, 0.003),
        "optimiser": ("sgd", "adamw"),
        "mirror": (True, False),
    }
    cells = list_cells(BASE, grid)
    assert len(cells) == 16
    assert cells[0][1].optimiser is Optimiser.SGD
    assert {settings.epochs for _, settings in cells} == {2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch", "NAME=VALUE"),
        ("batch=", "NAME=VALUE"),
        ("batches=3", "no training setting 'batches'; there are epochs, batch"),
        ("batch=1.5", "batch cannot be '1.5'; it is int"),
        ("optimiser=lion", "it is sgd, adam, adamw"),
        ("mirror=yes", "true or false"),
        ("batch=8,8", "twice"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        parse_grid([text])


def test_a_value_out_of_range_and_too_many_cells_are_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(InputError, match="rate is -1"):
        sweep(tmp_path, ["rate=0.01,-1"])
    with pytest.raises(InputError, match="1,600 cells"):
        list_cells(BASE, {"batch": range(1, 41), "seed": range(40)})
    assert list(tmp_path.iterdir()) == []


def make_result(name, score, **more):
    given = {"val_loss": None if score is None else 1 - score, "epoch": 1, "epochs": 1, "took_s": 1.0, **more}
    return CellResult(values={"loss": name}, score=score, attributes={"tone": score or 0.0}, **given)


def test_results_are_ranked_by_score_then_loss_with_failures_last():
    results = [
        make_result("failed", None, problem="the loss is nan | inf"),
        make_result("even", 0.5, val_loss=0.9),
        make_result("better", 0.5, val_loss=0.2),
        make_result("best", 0.8),
    ]
    assert [result.values["loss"] for result in rank_results(results)] == ["best", "better", "even", "failed"]
    assert [line.split(",")[0] for line in to_csv(results).splitlines()] == ["loss", "best", "better", "even", "failed"]
    assert r"nan \| inf" in to_markdown(results, title="t")
