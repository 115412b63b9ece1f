"""How products of a colour are best ranked: by palettes and CIEDE2000, by the colour space, or by both.

    python -m bench.color_study [--feed FILE] [--split NAME,NAME]

Every colour name that is read as a colour and stands on at least ten rows is a query; relevant is what has it as its
label. Each line is a way of ranking: P@10 as the mean over names, and weighted by how common a name is. The last part
compares what names mean: to a shop, and in CSS.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from bench.networks import DEFAULT_FEED
from search.color_difference import Palette, measure_delta_e, to_lab
from search.color_names import read_color
from search.color_query import SMALLEST_SHARE, embed_colors, rank_by_color
from search.color_sample import sample_colors
from search.embedding import normalise_rows
from search.encoders.color import ColorEncoder
from search.errors import QueryError
from search.palette import measure_sample
from search.photo import decode_photo

K = 10
WIDE_CLASS = 10
CANDIDATES = 200

Numbers = NDArray[np.float64]


def main() -> None:
    """Measure the photos' palettes and embeddings, rank, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feed", type=Path, default=DEFAULT_FEED, help="CSV with the columns image and split")
    parser.add_argument("--label", default="baseColour", help="column")
    parser.add_argument("--split", default="train", help="rows that are ranked, by commas")
    options = parser.parse_args()
    with options.feed.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in options.split.split(",")]
    palettes, vectors = measure_rows(rows, options.feed.parent)
    labels = np.array([row[options.label] for row in rows])
    counts = {name: n for name, n in Counter(labels.tolist()).items() if n >= WIDE_CLASS and is_color(name)}
    print(f"{len(rows)} photos, {len(counts)} names")
    ranked = {name: rank_all(read_color(name), palettes, vectors) for name in counts}
    for way in next(iter(ranked.values())):
        print_line(way, {name: ranked[name][way] for name in counts}, labels, counts)
    named = {name: n for name, n in counts.items() if name.lower().replace(" ", "") in ImageColor.colormap}
    print(f"\n{len(named)} names that CSS has too, whole palette, within the {CANDIDATES} nearest in the space")
    css = {name: str(ImageColor.colormap[name.lower().replace(" ", "")]) for name in named}
    for meaning, colors in (("a shop's", {name: read_color(name) for name in named}), ("CSS's", css)):
        best = {name: rank_all(colors[name], palettes, vectors)["both: space, then whole palette"] for name in named}
        print_line(meaning, best, labels, named)


def measure_rows(rows: Sequence[Mapping[str, str]], folder: Path) -> tuple[list[Palette], NDArray[np.float32]]:
    """Palettes and unit vectors in the colour space of the rows' photos."""
    encoder = ColorEncoder()
    palettes: list[Palette] = []
    vectors = []
    for row in rows:
        picture = decode_photo((folder / row["image"]).read_bytes()).picture
        palettes.append(measure_sample(sample_colors(picture)))
        vectors.append(encoder.prepare(picture)[0].astype(np.float32))
    return palettes, normalise_rows(np.stack(vectors))


def rank_all(color: str, palettes: Sequence[Palette], vectors: NDArray[np.float32]) -> dict[str, Numbers]:
    """Distances of every photo to a colour by each way of ranking."""
    asked = [(color, 1.0)]
    lab = to_lab(asked)
    apart = [measure_delta_e(to_lab(palette), lab) for palette in palettes]
    main = np.array([each[0] for each in apart])
    near = np.array(
        [
            min(e for e, (_, share) in zip(each, palette, strict=True) if share >= SMALLEST_SHARE)
            for each, palette in zip(apart, palettes, strict=True)
        ]
    )
    whole = rank_by_color(palettes, asked)
    space = -(vectors @ embed_colors(asked)).astype(np.float64)
    far = np.argsort(np.argsort(space, kind="stable")) >= CANDIDATES
    return {
        "nearest colour of a tenth or more": near,
        "main colour": main,
        "whole palette": whole,
        "colour space": space,
        "both: space, then nearest colour": near + 1e3 * far,
        "both: space, then main colour": main + 1e3 * far,
        "both: space, then whole palette": whole + 1e3 * far,
        "both: whole palette + 20 (1 - cosine)": whole + 20 * space,
    }


def print_line(way: str, distances: Mapping[str, Numbers], labels: NDArray[np.str_], counts: Mapping[str, int]) -> None:
    """P@10 of one way of ranking."""
    precision = [float((labels[np.argsort(distances[name], kind="stable")[:K]] == name).mean()) for name in counts]
    mean, weighted = np.mean(precision), np.average(precision, weights=list(counts.values()))
    print(f"{way:40} {mean:.3f} {weighted:.3f}")


def is_color(name: str) -> bool:
    """Whether it is read as a colour."""
    try:
        read_color(name)
    except QueryError:
        return False
    return True


if __name__ == "__main__":
    main()
