"""A comparison shown: every row in the tables with the numbers it was given, JSON, and plots that say what differs."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classifier.spiking.compared import Comparison, LabelDifference, LayerActivity, Row, System
from classifier.spiking.comparison_tables import (
    HEADINGS,
    TITLES,
    list_rows,
    plot_activity,
    plot_energy,
    plot_scores,
    to_markdown,
    to_wire,
)
from classifier.spiking.energy import ASSUMPTIONS, Energy
from classifier.spiking.paired import PairedFigure


def measure(value, difference=0.0):
    """A figure with an interval of two points about its difference."""
    return PairedFigure(value=value, difference=difference, low=difference - 0.01, high=difference + 0.01)


def make_row(system, steps, score, *, spikes=None, **options) -> Row:
    """A row whose numbers are all made from its score and its spikes."""
    attributes = {
        name: {"accuracy": measure(score + more, -0.0325), "macro_f1": measure(score / 2), "map": measure(score / 4)}
        for name, more in (("shape", 0.0), ("color", 0.01))
    }
    return Row(
        system=system,
        steps=steps,
        score=score,
        attributes=attributes,
        agreement=0.875,
        mcnemar={"shape": 0.04},
        spikes=spikes,
        operations=None if spikes is None else spikes * 300,
        per_synapse=None if spikes is None else spikes * 300 / 2_500_000,
        energy={"fp32": Energy(low=1.25, high=77.4), "int8": Energy(low=0.5, high=33.3)},
        seconds_per_1000=None,
        **options,
    )


@pytest.fixture
def comparison() -> Comparison:
    """All six systems, two attributes."""
    rows = [
        replace(make_row(System.CNN, None, 0.93), seconds_per_1000=1.234),
        make_row(System.QUANTISED, None, 0.92, levels=4),
        make_row(System.QUANTISED, None, 0.925, levels=8),
        make_row(System.NENGO_DEFAULT, 4, 0.1, spikes=120),
        make_row(System.NENGO_DEFAULT, 8, 0.12, spikes=345),
        make_row(System.NENGO_SCALED, 4, 0.91, spikes=98_765),
        make_row(System.NENGO_SCALED, 8, 0.915, spikes=198_765),
        make_row(System.SNN, 4, 0.88, spikes=12_345),
        make_row(System.SNN, 8, 0.9, spikes=23_456),
        make_row(System.SNN_EARLY, 5.123, 0.895, spikes=15_000),
    ]
    energy = {
        name: {precision: Energy(low=low, high=10 * low) for precision in ("fp32", "int8")}
        for name, low in (("dense", 184.0), ("zero_skipping", 61.5))
    }
    return Comparison(
        images=10_000,
        chosen_steps=8,
        rows=rows,
        layers=[
            LayerActivity(
                name="conv1", neurons=25_088, threshold=0.4321, spikes=12_544.0, rate=0.0625, operations=2.5e6
            ),
            LayerActivity(name="conv2", neurons=12_544, threshold=1.5, spikes=3_136.0, rate=0.03125, operations=1e6),
        ],
        labels=[
            LabelDifference(attribute="shape", label="Coat", images=900, cnn=0.95, snn=0.94),
            LabelDifference(attribute="shape", label="Bag", images=1_000, cnn=0.9, snn=0.8),
            LabelDifference(attribute="color", label="Red", images=1_100, cnn=0.7, snn=0.75),
            LabelDifference(attribute="color", label="Blue", images=0, cnn=None, snn=None),
        ],
        macs=40_000_000,
        synapses=2_500_000,
        neurons=37_632,
        cnn_used_macs=13_400_000.0,
        cnn_energy=energy,
    )


def read_tables(markdown: str) -> list[list[list[str]]]:
    """The cells of every table."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in markdown.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
        inside = True
        tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return tables


def test_there_is_a_table_for_each_attribute_with_a_row_for_each_row(comparison):
    shape, color, layers, labels = read_tables(to_markdown(comparison))
    assert shape[0] == color[0] == list(HEADINGS)
    assert [row[0] for row in shape[2:]] == [TITLES[row.system] for row in comparison.rows]
    assert shape[2:] == list_rows(comparison, "shape")
    assert color[2:] == list_rows(comparison, "color")
    assert len(layers) == 2 + 2
    assert len(labels) == 2 + 3
    for table in (shape, color, layers, labels):
        assert len({len(row) for row in table}) == 1


def test_numbers_are_those_given(comparison):
    cells = [dict(zip(HEADINGS, row, strict=True)) for row in list_rows(comparison, "color")]
    assert cells[8] == {
        "system": "spiking, ours",
        "T": "8",
        "accuracy": "91.00",
        "to CNN, points": "-3.25 [-4.25, -2.25]",
        "macro-F1": "45.00",
        "mAP": "22.50",
        "agrees": "87.5 %",
        "spikes": "23,456",
        "synaptic operations": "7.04 M",
        "spikes a synapse": "2.815",
        "fp32 µJ": "1.25 to 77",
        "int8 µJ": "0.50 to 33",
        "s / 1,000": "",
    }
    assert (cells[0]["T"], cells[0]["to CNN, points"], cells[0]["spikes"], cells[0]["s / 1,000"]) == (
        "",
        "",
        "",
        "1.23",
    )
    assert [row["T"] for row in cells] == ["", "4 levels", "8 levels", "4", "8", "4", "8", "4", "8", "5.123"]


def test_the_text_says_what_is_counted(comparison):
    text = to_markdown(comparison)
    assert text.startswith("10,000 images; 40.0 M multiplications with addition in the CNN, 13.4 M of them")
    assert "37,632 spiking neurons, 2.5 M synapses" in text
    assert "zero-skipping: fp32 61.50 to 615.0 µJ, int8 61.50 to 615.0 µJ." in text
    assert "estimated, not measured" in text
    layers, labels = read_tables(text)[2:]
    assert layers[2] == ["conv1", "25,088", "0.432", "0.500", "0.062", "2.50"]
    assert [row[1] for row in labels[2:]] == ["Bag", "Coat", "Red"]
    assert labels[2] == ["shape", "Bag", "1000", "0.900", "0.800", "-10.0"]
    assert labels[4][-1] == "+5.0"


def test_without_a_spiking_network_the_other_tables_are_there(comparison):
    few = replace(comparison, rows=comparison.rows[:1], layers=(), labels=())
    assert len(read_tables(to_markdown(few))) == 2
    assert plot_scores(few) != plot_scores(comparison)
    assert plot_energy(few) != plot_energy(comparison)


def test_a_label_with_a_bar_leaves_the_table_whole(comparison):
    odd = replace(comparison.labels[0], label="Coat | Jacket")
    labels = read_tables(to_markdown(replace(comparison, labels=[odd])).replace(r"\|", "/"))[3]
    assert {len(row) for row in labels} == {6}


def test_the_wire_holds_all_of_it_and_is_json(comparison):
    wire = json.loads(json.dumps(to_wire(comparison), allow_nan=False))
    assert wire["energy_assumptions"] == list(ASSUMPTIONS)
    assert [row["system"] for row in wire["rows"]] == [row.system.value for row in comparison.rows]
    for row, own in zip(wire["rows"], comparison.rows, strict=True):
        assert (row["steps"], row["levels"], row["spikes"]) == (own.steps, own.levels, own.spikes)
        assert row["attributes"]["color"]["accuracy"] == {
            "value": own.score + 0.01,
            "difference": -0.0325,
            "low": -0.0425,
            "high": -0.0225,
        }
        assert row["energy"]["int8"] == {"low": 0.5, "high": 33.3}
    assert wire["labels"][3] == {"attribute": "color", "label": "Blue", "images": 0, "cnn": None, "snn": None}
    assert wire["cnn_energy"]["zero_skipping"]["fp32"]["high"] == 615.0
    assert (wire["macs"], wire["chosen_steps"], wire["layers"][1]["rate"]) == (40_000_000, 8, 0.03125)


def open_plot(data: bytes) -> np.ndarray:
    """The pixels of a PNG."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def change_row(comparison, number, **fields) -> Comparison:
    rows = list(comparison.rows)
    rows[number] = replace(rows[number], **fields)
    return replace(comparison, rows=rows)


@pytest.mark.parametrize("plot", [plot_scores, plot_activity, plot_energy])
def test_plots_are_pictures_of_a_sensible_size_in_colour(comparison, plot):
    pixels = open_plot(plot(comparison))
    height, width, _ = pixels.shape
    assert 500 < width < 1_000
    assert 250 < height < 800
    assert 0.5 < (pixels == 255).all(axis=2).mean() < 0.98
    assert (np.ptp(pixels.astype(int), axis=2) > 60).sum() > 200
    assert plot(comparison) == plot(comparison)


@pytest.mark.parametrize(
    ("plot", "number", "fields"),
    [
        (plot_scores, 0, {"score": 0.5}),
        (plot_scores, 1, {"score": 0.5}),
        (plot_scores, 4, {"score": 0.5}),
        (plot_scores, 7, {"score": 0.5}),
        (plot_scores, 8, {"steps": 16}),
        (plot_scores, 9, {"score": 0.5}),
        (plot_activity, 4, {"per_synapse": 0.5}),
        (plot_activity, 7, {"per_synapse": 0.5}),
        (plot_energy, 7, {"energy": {name: Energy(low=30.0, high=60.0) for name in ("fp32", "int8")}}),
        (plot_energy, 9, {"steps": 3.0}),
    ],
)
def test_another_number_is_another_plot(comparison, plot, number, fields):
    """Compared as pixels: one that differs in a file's header alone would be the same."""
    one, other = open_plot(plot(comparison)), open_plot(plot(change_row(comparison, number, **fields)))
    assert one.shape != other.shape or (one != other).any(axis=2).sum() > 20


def test_the_energy_of_the_cnn_is_drawn_too(comparison):
    cheaper = {name: {p: Energy(low=1.0, high=2.0) for p in ("fp32", "int8")} for name in comparison.cnn_energy}
    assert plot_energy(replace(comparison, cnn_energy=cheaper)) != plot_energy(comparison)
    fewer = replace(comparison, rows=comparison.rows[:8])
    assert open_plot(plot_energy(fewer)).shape[0] < open_plot(plot_energy(comparison)).shape[0]
