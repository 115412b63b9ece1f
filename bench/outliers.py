"""Is this a garment at all: which score tells pictures of anything else from a catalogue's own photos.

    python -m bench.outliers [--part development|final] [--feed FILE] [--encoder NAME] [--cache FILE] [--models FOLDER]

Everything is fitted on the rows of split `train`. With `--part development` (the default) all candidates are compared:
rows of `val` against the outliers of development, and altered garments of `val`, which are no outliers. With
`--part final`, once and for the record, the shipped model: rows of `test` against the final outliers. Needs
scikit-image for its sample photos. The area under the ROC curve (AUROC) is the share of pairs of a photo and an outlier
in which the outlier has the higher score.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.altered_garments import alter_garments
from bench.measuring import print_report, summarise_ms, time_calls
from bench.networks import DEFAULT_FEED
from bench.outlier_pictures import DEVELOPMENT, FINAL, draw_outliers
from classifier.heads.outliers import THRESHOLD, OutlierModel, fit_outliers
from search.embedding import normalise_rows
from search.encoder import Encoder
from search.encoders.registry import choose_backbone, open_encoder
from search.photo import decode_photo

ALTERED = 100
RARE = 10
"""A class with fewer photos in train is rare."""

Pools = NDArray[np.float32]
"""Of whole pictures, not scaled: shape (pictures, dimension)."""

Score = Callable[[Pools, Pools], NDArray[np.floating[Any]]]
"""From pools of the backbone and of colour to a score that is higher for outliers, shape (pictures,)."""

Photos = tuple[Pools, Pools]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=(DEVELOPMENT, FINAL), default=DEVELOPMENT)
    parser.add_argument(
        "--feed", type=Path, default=DEFAULT_FEED, help="CSV with the columns image, split, articleType"
    )
    parser.add_argument("--encoder", default="auto")
    parser.add_argument(
        "--cache", type=Path, default=Path("outliers.npz"), help="pools of the photos; made where absent"
    )
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    options = parser.parse_args()
    splits = ("train", "val") if options.part == DEVELOPMENT else ("train", "val", "test")
    with options.feed.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in splits]
    name = choose_backbone(models=options.models)[0] if options.encoder == "auto" else options.encoder
    encoders = [open_encoder(each, models=options.models) for each in (name, "color")]
    photos = load_pools(options.cache, rows, options.feed.parent, encoders)
    drawn = list(draw_outliers(options.part))
    outliers = pool_pictures([each.picture for each in drawn], encoders)
    kinds = np.array([each.kind for each in drawn])
    if options.part == DEVELOPMENT:
        chosen = [row for row in rows if row["split"] == "val"]
        chosen = [chosen[n] for n in np.random.default_rng(5).permutation(len(chosen))[:ALTERED]]
        garments = [Image.open(options.feed.parent / row["image"]).convert("RGB") for row in chosen]
        altered = {way: pool_pictures(each, encoders) for way, each in alter_garments(garments).items()}
        print_candidates(rows, photos, outliers, altered)
    else:
        print_final(rows, photos, outliers, kinds)


def load_pools(cache: Path, rows: Sequence[Mapping[str, str]], folder: Path, encoders: Sequence[Encoder]) -> Photos:
    """The cached pools where the file is of these encoders and photos, else new ones, which it then holds."""
    key = np.array([*(encoder.space.name for encoder in encoders), *(row["image"] for row in rows)])
    if cache.is_file():
        with np.load(cache) as saved:
            if np.array_equal(saved["key"], key):
                return saved["backbone"], saved["color"]
    backbone, color = pool_pictures(
        [decode_photo((folder / row["image"]).read_bytes()).picture for row in rows], encoders
    )
    np.savez(cache, key=key, backbone=backbone, color=color)
    return backbone, color


def pool_pictures(pictures: Sequence[Image.Image], encoders: Sequence[Encoder]) -> Photos:
    """Pools of whole pictures by the backbone and by colour."""
    backbone, color = (
        np.concatenate([encoder.pool([encoder.prepare(picture)])[:, 0] for picture in pictures]) for encoder in encoders
    )
    return backbone, color


def fit_candidates(train: Photos, val: Photos, types: NDArray[np.str_]) -> dict[str, Score]:
    """Every score that was thought of, by name."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    photos, colors = normalise_rows(train[0]), normalise_rows(train[1])
    model = fit(train[0], val[0])
    sample = photos[np.random.default_rng(0).permutation(len(photos))[:2_000]]
    pca = PCA(128, random_state=0).fit(photos)
    mean, axes = pca.mean_, pca.components_.T
    deviations = np.sqrt(pca.explained_variance_ + pca.noise_variance_)
    head = LogisticRegression(max_iter=300).fit(pca.transform(photos) / deviations[0], types)

    def residual(pools: Pools, _: Pools) -> NDArray[np.floating[Any]]:
        centred = normalise_rows(pools) - mean
        return np.asarray((centred**2).sum(axis=1) - ((centred @ axes) ** 2).sum(axis=1))

    def decide(pools: Pools) -> NDArray[np.floating[Any]]:
        return np.asarray(head.decision_function(pca.transform(normalise_rows(pools)) / deviations[0]))

    def centroids(pools: Pools, _: Pools) -> NDArray[np.floating[Any]]:
        return np.asarray(model.score({"backbone": pools[:, None]}))

    def nearest(gallery: Pools, k: int, part: int = 0) -> Score:
        return lambda *pools: -np.partition(normalise_rows(pools[part]) @ gallery.T, -k, axis=1)[:, -k]

    fifth = nearest(sample, 5)
    scales = [(score, score(*val)) for score in (fifth, residual)]

    def both(*pools: Pools) -> NDArray[np.floating[Any]]:
        return np.asarray(sum((score(*pools) - own.mean()) / own.std() for score, own in scales))

    return {
        "128 centroids (shipped)": centroids,
        "nearest photo": nearest(photos, 1),
        "5th nearest photo": nearest(photos, 5),
        "5th nearest of 2,000": fifth,
        "Mahalanobis, 128 axes": lambda p, _: (((normalise_rows(p) - mean) @ axes / deviations) ** 2).sum(axis=1),
        "residual of 128 axes": residual,
        "5th of 2,000 + residual": both,
        "linear head: probability": lambda p, _: -softmax(decide(p)).max(axis=1),
        "linear head: energy": lambda p, _: -np.log(np.exp(decide(p)).sum(axis=1)),
        "length of the pool": lambda p, _: -np.linalg.norm(p, axis=1),
        "colour: 5th nearest": nearest(colors, 5, part=1),
    }


def print_candidates(
    rows: Sequence[Mapping[str, str]], photos: Photos, outliers: Photos, altered: Mapping[str, Photos]
) -> None:
    """All candidates on development, then what the shipped one makes of altered garments.

    Columns: AUROC of outliers against val, and against altered garments; share of the outliers above the score of the
    highest 1 % of val, and share of val photos of rare classes above it; milliseconds a photo, alone.
    """
    split, types = (np.array([row[column] for row in rows]) for column in ("split", "articleType"))
    train, val = (tuple(part[split == name] for part in photos) for name in ("train", "val"))
    rare = np.array([np.sum(types[split == "train"] == each) < RARE for each in types[split == "val"]])
    customers = tuple(np.concatenate([each[n] for each in altered.values()]) for n in (0, 1))
    table: list[Sequence[object]] = [("score", "AUROC", "altered", "caught", "rare val", "ms")]
    figures: dict[str, object] = {}
    candidates = fit_candidates((train[0], train[1]), (val[0], val[1]), types[split == "train"])
    for name, score in candidates.items():
        own, strange, sent = (score(*each) for each in (val, outliers, customers))
        cut = np.quantile(own, 0.99)
        took = time_calls(lambda n, s=score: s(val[0][n : n + 1], val[1][n : n + 1]), range(100))  # type: ignore[misc]
        auroc = measure_auroc(own, strange)
        table.append(
            (
                *(name, f"{auroc:.4f}", f"{measure_auroc(sent, strange):.4f}", f"{np.mean(strange > cut):.3f}"),
                *(f"{np.mean(own[rare] > cut):.3f}", f"{summarise_ms(took)['median_ms']:.3f}"),
            )
        )
        figures[name] = {"auroc": auroc, "altered": measure_auroc(sent, strange)}
    shipped = next(iter(candidates.values()))
    called = {way: float(np.mean(shipped(*each) >= THRESHOLD)) for way, each in altered.items()}
    called |= {
        "val": float(np.mean(shipped(*val) >= THRESHOLD)),
        "rare val": float(np.mean(shipped(*val)[rare] >= 0.5)),
    }
    called["outliers"] = float(np.mean(shipped(*outliers) >= THRESHOLD))
    print_report("out of catalogue, development", {"scores": figures, "called outliers": called}, table)
    print_report("called outliers", called, [("pictures", "share"), *called.items()])


def print_final(rows: Sequence[Mapping[str, str]], photos: Photos, outliers: Photos, kinds: NDArray[np.str_]) -> None:
    """The shipped model on what was never looked at before."""
    split = np.array([row["split"] for row in rows])
    model = fit(photos[0][split == "train"], photos[0][split == "val"])
    own, strange = (model.score({"backbone": each[:, None]}) for each in (photos[0][split == "test"], outliers[0]))
    table: list[Sequence[object]] = [("pictures", "count", "AUROC against test", "called outliers")]
    table.append(("test photos", len(own), "", f"{np.mean(own >= model.threshold):.4f}"))
    for kind in ("all outliers", *dict.fromkeys(kinds.tolist())):
        these = strange if kind == "all outliers" else strange[kinds == kind]
        share = np.mean(these >= model.threshold)
        table.append((kind, len(these), f"{measure_auroc(own, these):.4f}", f"{share:.3f}"))
    figures = {"auroc": measure_auroc(own, strange), "false_positive_rate": float(np.mean(own >= model.threshold))}
    print_report("out of catalogue, final", figures, table)


def fit(train: Pools, val: Pools) -> OutlierModel:
    """The shipped model."""
    return fit_outliers(train[:, None], val[:, None], encoder="backbone")


def measure_auroc(inside: NDArray[np.floating[Any]], outside: NDArray[np.floating[Any]]) -> float:
    """Area under the ROC curve; a tie counts half."""
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
    return float(roc_auc_score(truth, np.r_[inside, outside]))


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Rows as probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
