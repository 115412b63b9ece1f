"""Axes of one's own: from one text to another, or from the items with one value to those with another.

Works with a table of embeddings and a function that embeds texts. Knows nothing of encoders or pictures.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.explore.labels import read_labels
from indexer.explore.projection import reduce_rows
from indexer.explore.vectors import Matrix, VectorTable
from search.embedding import Embeddings
from search.errors import NotFoundError, QueryError

EmbedText = Callable[[str], Embeddings]
"""A text as vectors in spaces of photos, by space; raises `NotFoundError` where there is no text encoder."""

MAX_TEXT_LENGTH = 1_000
SHOWN = 8

_VALUES = re.compile(r"\s*(?P<name>[^=]+?)\s*=\s*(?P<low>.+?)\s*\.\.\s*(?P<high>.+?)\s*", re.DOTALL)
_DOTTED = re.compile(r"\s*(?P<low>.+?)\s*\.\.\s*(?P<high>.+?)\s*", re.DOTALL)
_PAIRED = re.compile(r"\s*(?P<low>[^,]+?)\s*,\s*(?P<high>[^,]+?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAxis:
    """From the items with one value of an attribute to those with another; the two groups' means lie at -1 and 1."""

    attribute: str
    low: str
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAxis:
    """From what one text describes to what another does: the second's score less the first's."""

    low: str
    high: str


Axis = ValueAxis | TextAxis


def parse_axis(text: str) -> Axis:
    """An axis from `color=Red..Blue` (two values of an attribute), or `plain, printed` (two texts).

    Two texts that have commas themselves are kept apart by two dots: `a shirt, red..a shirt, blue`.

    Raises:
        QueryError: it is neither.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise QueryError(f"an axis has at most {MAX_TEXT_LENGTH} characters, this one {len(text)}", pointer="/axis")
    if match := _VALUES.fullmatch(text):
        axis: Axis = ValueAxis(attribute=match["name"], low=match["low"], high=match["high"])
    elif match := _DOTTED.fullmatch(text) or _PAIRED.fullmatch(text):
        axis = TextAxis(low=match["low"], high=match["high"])
    else:
        raise QueryError(
            f"the axis {text!r} is neither two values of an attribute, such as color=Red..Blue, nor two texts, such as "
            "'plain, printed'",
            pointer="/axis",
        )
    if axis.low == axis.high:
        raise QueryError(f"the axis {text!r} goes from {axis.low!r} to the same; name two ends", pointer="/axis")
    return axis


def place_items(axis: Axis, table: VectorTable, texts: Mapping[str, Embeddings]) -> NDArray[np.float32]:
    """Where each item of the table lies on an axis, shape (items,).

    Args:
        texts: the vectors of a text axis's two texts, by text.

    Raises:
        QueryError: no item has one of the values.
    """
    return _place_by_texts(axis, table, texts) if isinstance(axis, TextAxis) else _place_by_values(axis, table)


def embed_ends(axes: tuple[Axis, ...], embed_text: EmbedText) -> Mapping[str, Embeddings]:
    """The vectors of all texts of these axes, by text.

    Raises:
        NotFoundError: `no_text_encoder`.
    """
    texts = [end for axis in axes if isinstance(axis, TextAxis) for end in (axis.low, axis.high)]
    try:
        return {text: embed_text(text) for text in dict.fromkeys(texts)}
    except NotFoundError as error:
        raise NotFoundError(
            f"{error.message}; or take two values of an attribute, such as color=Red..Blue",
            code=error.code,
            pointer="/axis",
        ) from error


def place_across(rows: Matrix, along: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.float32]:
    """A second axis for a first one: where the items differ most in what the first does not explain."""
    centred = rows - rows.mean(axis=0)
    first = along - along.mean()
    weight = float(first @ first)
    rest = centred - np.outer(first, first @ centred) / np.float32(weight) if weight else centred
    return reduce_rows(np.asarray(rest, dtype=np.float32), 1, seed=seed)[:, 0]


def _place_by_values(axis: ValueAxis, table: VectorTable) -> NDArray[np.float32]:
    rows = table.fuse()
    values = [read_labels(point, axis.attribute) for point in table.points]
    low, high = (_find_mean(rows, values, axis.attribute, end) for end in (axis.low, axis.high))
    direction = high - low
    length = float(direction @ direction)
    if not length:
        raise QueryError(
            f"the items with {axis.attribute} {axis.low!r} are those with {axis.high!r}; name two values that differ",
            pointer="/axis",
        )
    return np.asarray(2 * ((rows - (low + high) / 2) @ direction) / length, dtype=np.float32)


def _find_mean(rows: Matrix, values: list[tuple[str, ...]], attribute: str, value: str) -> Matrix:
    mark = np.array([value in own for own in values])
    if not mark.any():
        counts = Counter(each for own in values for each in own).most_common(SHOWN)
        there = ", ".join(f"{name} ({count})" for name, count in counts) or "none at all"
        raise QueryError(
            f"no item of the map has {attribute} {value!r}; there are {there}", code="unknown_value", pointer="/axis"
        )
    return np.asarray(rows[mark].mean(axis=0), dtype=np.float32)


def _place_by_texts(axis: TextAxis, table: VectorTable, texts: Mapping[str, Embeddings]) -> NDArray[np.float32]:
    low, high = texts[axis.low], texts[axis.high]
    placed = np.zeros(len(table), dtype=np.float32)
    for name in low.keys() & high.keys():
        placed += table.blocks[name] @ np.asarray(high[name] - low[name], dtype=np.float32)
    return placed
