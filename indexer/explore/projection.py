"""Rows of many numbers to points on a plane: PCA, t-SNE and UMAP, and how far a plane can be trusted.

Works with matrices. Knows nothing of items. scikit-learn and UMAP are imported when they are needed.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import numpy as np

from indexer.explore.vectors import Matrix
from search.errors import QueryError, SetupError

MIN_ITEMS = 6
"""Fewer have no neighbourhoods worth a map."""

REDUCED = 50
"""Components that t-SNE and UMAP start from (van der Maaten and Hinton, 2008, section 4.2, take 30)."""

NEIGHBOURS = 15
"""Of the figure of trustworthiness, and of UMAP."""

MAX_TRUSTED = 5_000
"""Rows the figure is taken over; every one is compared with every other one."""


class Method(StrEnum):
    """How a plane is made.

    PCA: the two directions in which the items differ most; linear, so far apart on the map is far apart.
    TSNE: neighbours stay neighbours, distances between groups mean nothing (van der Maaten and Hinton, 2008).
    UMAP: much like it, quicker on large catalogues, an extra (McInnes, Healy and Melville, 2018).
    """

    PCA = "pca"
    TSNE = "tsne"
    UMAP = "umap"


def project(rows: Matrix, method: Method, *, seed: int = 0) -> Matrix:
    """A point for each row, shape (items, 2). The same rows and seed give the same points on the same machine.

    Raises:
        QueryError: fewer than `MIN_ITEMS` rows.
        SetupError: UMAP is asked for and not installed.
    """
    check_size(len(rows))
    if method is Method.PCA:
        return reduce_rows(rows, 2, seed=seed)
    start = reduce_rows(rows, REDUCED, seed=seed)
    return _project_tsne(start, seed) if method is Method.TSNE else _project_umap(start, seed)


def check_size(items: int) -> None:
    """See that there is enough to make a map of.

    Raises:
        QueryError: fewer than `MIN_ITEMS` rows.
    """
    if items < MIN_ITEMS:
        raise QueryError(
            f"a map is made of {MIN_ITEMS} items or more, and here are {items}; leave out some of the filter",
            code="too_few_items",
            pointer="/filter",
        )


def reduce_rows(rows: Matrix, components: int, *, seed: int = 0) -> Matrix:
    """The rows' principal components, most varied first; as many as there can be where that is fewer."""
    from sklearn.decomposition import PCA

    components = min(components, *rows.shape)
    reduced = PCA(components, svd_solver="randomized", random_state=seed).fit_transform(rows)
    return np.asarray(reduced, dtype=np.float32)


def measure_trust(rows: Matrix, points: Matrix, *, seed: int = 0) -> float:
    """Trustworthiness of the map, 0 to 1: 1 where the 15 nearest on it are near in truth (Venna and Kaski, 2001).

    About 0.5 is what a map at random gets. Of more than `MAX_TRUSTED` rows, over a sample drawn by the seed.
    """
    from sklearn.manifold import trustworthiness

    if len(rows) > MAX_TRUSTED:
        chosen = np.random.default_rng(seed).choice(len(rows), MAX_TRUSTED, replace=False)
        rows, points = rows[chosen], points[chosen]
    return float(trustworthiness(rows, points, n_neighbors=min(NEIGHBOURS, (len(rows) - 1) // 2)))


def limit_threads() -> AbstractContextManager[object]:
    """Half of the cores, at least one, for scikit-learn's loops.

    Their threads wait for each other at every step without giving way. Where something else runs on one of the cores,
    as many threads as cores take many times as long as one: 90 rows of t-SNE 17 s rather than 0.5 s, on 2 busy cores.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(max(1, (os.cpu_count() or 1) // 2))
    return limits


def _project_tsne(rows: Matrix, seed: int) -> Matrix:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(rows) - 1) / 3)
    with limit_threads():
        found = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(rows)
    return np.asarray(found, dtype=np.float32)


def _project_umap(rows: Matrix, seed: int) -> Matrix:
    neighbours = min(NEIGHBOURS, len(rows) - 1)
    # From the principal components, as the spectral start fails on a few items, or on groups far apart.
    umap = _load_umap()(n_neighbors=neighbours, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(umap.fit_transform(rows), dtype=np.float32)


def _load_umap() -> Any:
    """The class. Its package would load TensorFlow, where there is one, for a kind of UMAP that is not used here."""
    unused = "umap.parametric_umap"
    absent = unused not in sys.modules
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)
            if absent:
                sys.modules[unused] = None  # type: ignore[assignment]
            from umap import UMAP
    except ImportError as error:
        raise SetupError(
            "UMAP is not installed: pip install 'vitrine[umap]', or take --method tsne", code="umap_missing"
        ) from error
    finally:
        if absent:
            sys.modules.pop(unused, None)
    return UMAP
