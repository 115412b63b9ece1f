"""Planes: groups stay together, the same seed gives the same plane, and the figure of trust means what it says."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from indexer.explore.projection import MAX_TRUSTED, Method, measure_trust, project, reduce_rows
from search.errors import QueryError, SetupError

HAS_UMAP = importlib.util.find_spec("umap") is not None
METHODS = [Method.PCA, Method.TSNE, pytest.param(Method.UMAP, marks=pytest.mark.skipif(not HAS_UMAP, reason="no UMAP"))]


def draw_groups(groups=3, each=30, dimension=20):
    """Groups far from each other, and the group of each row."""
    chance = np.random.default_rng(0)
    centres = 10 * np.eye(groups, dimension)
    members = np.repeat(np.arange(groups), each)
    return (centres[members] + chance.normal(size=(len(members), dimension)) * 0.3).astype(np.float32), members


@pytest.mark.parametrize("method", METHODS)
def test_groups_stay_together(method):
    rows, members = draw_groups()
    xy = project(rows, method, seed=1)
    assert xy.shape == (90, 2)
    assert xy.dtype == np.float32
    centres = np.stack([xy[members == group].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(xy[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == members).all()
    assert measure_trust(rows, xy) > 0.9
    np.testing.assert_array_equal(xy, project(rows, method, seed=1))


def test_trust_is_one_for_a_plane_and_half_for_chance():
    chance = np.random.default_rng(3)
    plane = chance.normal(size=(400, 2)).astype(np.float32)
    turned = np.pad(plane, ((0, 0), (0, 5))) @ np.linalg.qr(chance.normal(size=(7, 7)))[0].astype(np.float32)
    assert measure_trust(turned, plane) == pytest.approx(1, abs=1e-6)
    assert measure_trust(turned, chance.permutation(plane)) == pytest.approx(0.5, abs=0.08)


def test_trust_of_many_is_taken_over_a_sample(monkeypatch):
    monkeypatch.setattr("indexer.explore.projection.MAX_TRUSTED", 50)
    rows, _ = draw_groups()
    xy = project(rows, Method.PCA)
    assert measure_trust(rows, xy, seed=1) == measure_trust(rows, xy, seed=1)
    assert MAX_TRUSTED == 5_000


def test_components_are_as_many_as_there_can_be():
    rows, _ = draw_groups(each=3)
    assert reduce_rows(rows, 50).shape == (9, 9)
    assert reduce_rows(rows, 2).shape == (9, 2)


def test_too_few_items_are_refused():
    rows, _ = draw_groups(each=1)
    with pytest.raises(QueryError, match="6 items or more, and here are 3"):
        project(rows, Method.PCA)


@pytest.mark.parametrize("method", METHODS)
def test_the_fewest_items_make_a_map(method):
    rows, _ = draw_groups(each=2)
    assert np.isfinite(project(rows, method)).all()


@pytest.mark.skipif(HAS_UMAP, reason="UMAP is installed")
def test_umap_says_how_to_install_it():
    rows, _ = draw_groups()
    with pytest.raises(SetupError, match=r"vitrine\[umap\]") as refused:
        project(rows, Method.UMAP)
    assert refused.value.code == "umap_missing"
