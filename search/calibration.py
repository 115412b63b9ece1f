"""What turns a search's score into a probability of being relevant, for any weights of the spaces.

Kept beside the catalogue are pairs of a question and a photo: the photo's cosine in each space, and whether the two are
relevant to each other. What the spaces' weights make of the cosines is fitted when first asked for. The probability is
over the hits people see: those on the first page of a search, half of the time without a filter and half of the time
under one that lets through 30, 10, 3 or 1 % of the catalogue, relevant or not. Works with arrays and one file. Knows
nothing of stores or items; `indexer/calibration.py` gathers the pairs.
"""

from __future__ import annotations

import json
import os
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.calibration_curve import Curve, Floats, fit_curve, observe
from search.embedding import Space
from search.errors import IntegrityError, QueryError

FILE_NAME = "calibration.npz"
FORMAT = 1

PAGE = 24
"""Hits of a page, as `search.query.Query` has them."""

SELECTIVITIES: Mapping[float, float] = {1.0: 0.5, 0.3: 0.125, 0.1: 0.125, 0.03: 0.125, 0.01: 0.125}
"""Share of the catalogue that a filter lets through, and how often that is so."""

PHOTO, TEXT = "photo", "text"
"""Kinds of questions; a text's scores are one column, `text`."""

_KEPT_CURVES = 64
_RANKS = np.unique(np.geomspace(1, 1e6, 400).astype(np.int64)) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Questions beside photos that could answer them: a sample of all there are, the nearest ones certainly in it.

    Attributes:
        columns: names of the spaces.
        scores: cosine in each space, float16, shape (pairs, columns).
        questions: number of each pair's question, shape (pairs,).
        stand_for: how many pairs of its question each one stands for, at least 1; shape (pairs,).
        relevant: shape (pairs,).
    """

    columns: tuple[str, ...]
    scores: NDArray[np.float16]
    questions: NDArray[np.int32]
    stand_for: NDArray[np.float32]
    relevant: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.relevant)

    def pick(self, rows: NDArray[np.bool_]) -> Pairs:
        """Some of the pairs; all of a question's, or none of them."""
        return Pairs(
            columns=self.columns,
            scores=self.scores[rows],
            questions=self.questions[rows],
            stand_for=self.stand_for[rows],
            relevant=self.relevant[rows],
        )

    def fuse(self, weights: Mapping[str, float]) -> Floats:
        """The score of each pair: the sum over spaces of weight times cosine; shape (pairs,)."""
        factors = np.array([weights.get(name, 0.0) for name in self.columns], dtype=np.float32)
        return np.asarray(self.scores.astype(np.float32) @ factors, dtype=np.float64)

    def weigh(self, scores: Floats, selectivities: Mapping[float, float] = SELECTIVITIES) -> Floats:
        """How often each pair, and those it stands for, are on the first page of a search; shape (pairs,)."""
        order = np.lexsort((-scores, self.questions))
        copies = self.stand_for[order].astype(np.float64)
        before = np.cumsum(copies) - copies
        first = np.r_[True, np.diff(self.questions[order]) != 0]
        starts = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
        # A pair that stands for others stands in their middle.
        above = before - before[starts] + (copies - 1) / 2
        weights = np.empty(len(order))
        weights[order] = copies * np.interp(above, _RANKS, _share_shown(selectivities))
        return weights


class Calibration:
    """Probabilities of being relevant. Safe to use from several threads.

    Args:
        pairs: by kind of question, `photo` and, where texts are calibrated too, `text`.
        relevant: attributes in which two items agree that are relevant to each other.
    """

    def __init__(self, pairs: Mapping[str, Pairs], relevant: tuple[str, ...]) -> None:
        self.pairs = pairs
        self.relevant = relevant
        self._curves: OrderedDict[tuple[str, tuple[float, ...]], Curve] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def knows_text(self) -> bool:
        """Whether scores of texts are calibrated too."""
        return TEXT in self.pairs

    def measure(self, score: float, weights: Mapping[str, float]) -> float:
        """Probability that a hit with this score is relevant to the photo or item asked about.

        Args:
            score: weighted mean of the cosines in the spaces, with these weights.
            weights: by space, any positive numbers.

        Raises:
            QueryError: a space that is not calibrated, or no weight above zero.
        """
        return float(self.find_curve(weights).measure(np.array(score)))

    def find_threshold(self, probability: float, weights: Mapping[str, float]) -> float:
        """The least score that means this probability; infinite where none does, minus infinite where all do.

        Raises:
            QueryError: as for `measure`.
        """
        return self.find_curve(weights).find_score(probability)

    def measure_text(self, score: float) -> float:
        """Probability that a hit is relevant to a text.

        Args:
            score: product of the text's vectors with the photo's, summed over spaces.

        Raises:
            QueryError: texts are not calibrated.
        """
        return float(self.find_text_curve().measure(np.array(score)))

    def find_curve(self, weights: Mapping[str, float]) -> Curve:
        """From a photo's or item's scores to probabilities; kept for the next one who asks.

        Raises:
            QueryError: as for `measure`.
        """
        columns = self.pairs[PHOTO].columns
        unknown = sorted(name for name, weight in weights.items() if weight and name not in columns)
        total = sum(weights.values())
        if unknown or not total > 0:
            raise QueryError(
                f"scores in {unknown or 'no space'} are not calibrated; calibrated are {', '.join(columns)}",
                code="not_calibrated",
            )
        return self._fit(PHOTO, tuple(round(weights.get(name, 0.0) / total, 6) for name in columns))

    def find_text_curve(self) -> Curve:
        """From a text's scores to probabilities.

        Raises:
            QueryError: texts are not calibrated.
        """
        if not self.knows_text:
            raise QueryError(
                "scores of texts are not calibrated; run 'vitrine calibrate FEED' with a text encoder",
                code="not_calibrated",
            )
        return self._fit(TEXT, (1.0,))

    def _fit(self, kind: str, factors: tuple[float, ...]) -> Curve:
        with self._lock:
            if (curve := self._curves.get((kind, factors))) is None:
                pairs = self.pairs[kind]
                curve = fit_to_pairs(pairs, dict(zip(pairs.columns, factors, strict=True)))
                self._curves[kind, factors] = curve
                if len(self._curves) > _KEPT_CURVES:
                    self._curves.popitem(last=False)
            self._curves.move_to_end((kind, factors))
            return curve


def fit_to_pairs(pairs: Pairs, weights: Mapping[str, float]) -> Curve:
    """The curve for these weights, which sum to 1; of two kinds the one that foretells other questions better."""
    scores = pairs.fuse(weights)
    return fit_curve(observe(scores, pairs.relevant, pairs.weigh(scores), pairs.questions % 2))


def save_calibration(
    folder: Path, calibration: Calibration, spaces: Sequence[Space], *, text_encoder: str = ""
) -> Path:
    """Write the pairs aside, then rename them into place; returns the file.

    Args:
        folder: the data directory.
        spaces: those of the catalogue.
        text_encoder: what tells the text encoder from another one.
    """
    record = {
        "format": FORMAT,
        "spaces": _name_spaces(spaces),
        "text_encoder": text_encoder,
        "relevant": calibration.relevant,
        "columns": {kind: pairs.columns for kind, pairs in calibration.pairs.items()},
    }
    arrays: dict[str, NDArray[Any]] = {"record": np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)}
    for kind, pairs in calibration.pairs.items():
        values = asdict(pairs)
        arrays |= {f"{kind}.{name}": values[name] for name in values if name != "columns"}
    aside = folder / f"{FILE_NAME}.{os.getpid()}.tmp"
    try:
        with aside.open("wb") as out:
            np.savez_compressed(out, allow_pickle=False, **arrays)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(folder / FILE_NAME)
    finally:
        aside.unlink(missing_ok=True)
    return folder / FILE_NAME


def load_calibration(folder: Path, spaces: Sequence[Space], *, text_encoder: str = "") -> Calibration | None:
    """The calibration of a catalogue; None where there is none, or it is of other spaces.

    Args:
        folder: the data directory.
        text_encoder: as it was saved with; the calibration of another one's scores is left out.

    Raises:
        IntegrityError: the file is damaged, or of a later version.
    """
    path = folder / FILE_NAME
    try:
        # Opened here, as numpy leaves a damaged file open.
        with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
            record = json.loads(file["record"].tobytes())
            if record["format"] != FORMAT:
                raise IntegrityError(
                    f"{path} has format {record['format']}, this version reads {FORMAT}: calibrate again"
                )
            if record["spaces"] != _name_spaces(spaces):
                return None
            pairs = {
                kind: _read_pairs(file, kind, tuple(columns))
                for kind, columns in record["columns"].items()
                if kind != TEXT or record["text_encoder"] == text_encoder
            }
            return Calibration(pairs, tuple(record["relevant"]))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise IntegrityError(
            f"{path} is damaged ({error}); run 'vitrine calibrate FEED' again, or delete it"
        ) from error


def _read_pairs(file: Mapping[str, NDArray[Any]], kind: str, columns: tuple[str, ...]) -> Pairs:
    pairs = Pairs(
        columns=columns,
        scores=file[f"{kind}.scores"],
        questions=file[f"{kind}.questions"],
        stand_for=file[f"{kind}.stand_for"],
        relevant=file[f"{kind}.relevant"],
    )
    if pairs.scores.shape != (len(pairs), len(columns)) or len(pairs.questions) != len(pairs):
        raise ValueError(f"{kind} has scores of shape {pairs.scores.shape}")
    return pairs


def _name_spaces(spaces: Sequence[Space]) -> list[list[str]]:
    return sorted([space.name, space.weights_sha256] for space in spaces)


def _share_shown(selectivities: Mapping[float, float]) -> Floats:
    """By the photos above it (`_RANKS`): how often a photo is on a page of its search.

    It passes a filter with probability s, and fewer than `PAGE` of the m above it do: s * P(Binomial(m, s) < PAGE).
    """
    shown = np.zeros(len(_RANKS))
    for passing, often in selectivities.items():
        if passing == 1:
            shown += often * (_RANKS < PAGE)
            continue
        term = np.exp(_RANKS * np.log1p(-passing))
        fewer = term.copy()
        for count in range(1, PAGE):
            term = term * np.maximum(_RANKS - count + 1, 0) / count * (passing / (1 - passing))
            fewer += term
        shown += often * passing * fewer
    return shown
