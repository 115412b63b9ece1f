"""The table of embeddings: what its rows are worth, and which items are in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.explore.vectors import read_table
from search.embedding import Space
from search.errors import QueryError
from search.filters import AnyOf
from search.query import Query, like_item


def test_two_rows_give_the_score_of_the_search(drawn, read):
    table = read()
    rows = table.fuse()
    ids = [point.item.id for point in table.points]
    for item_id in ("item-1", "item-17", "item-58"):  # of one photo each, as are the hits compared below
        hits = drawn.catalogue.search(Query(examples=like_item(item_id), limit=50)).hits
        own = rows[ids.index(item_id)]
        mains = [hit for hit in hits if hit.photo.index == 0]
        assert len(mains) > 30
        for hit in mains:
            assert hit.score == pytest.approx(float(own @ rows[ids.index(hit.item.id)]), abs=1e-5)


def test_one_space_is_read_alone(drawn, read):
    table = read(space="color")
    assert table.weights == {"color": 1.0}
    assert set(table.blocks) == {"color"}
    points = drawn.store.read_items(["item-3"], spaces=["color"])
    row = [point.item.id for point in table.points].index("item-3")
    np.testing.assert_array_equal(table.fuse()[row], points["item-3"].vectors["color"])


def test_a_sample_does_not_depend_on_the_order_and_grows_with_its_limit(drawn, read):
    class Backwards:
        """The same store, read from its end."""

        def scan(self, conditions, *, limit, after=None, spaces=()):
            page = drawn.store.scan(conditions, limit=1_000, spaces=spaces)
            return replace(page, points=page.points[::-1])

    ten = [point.item.id for point in read(limit=10).points]
    back = read_table(Backwards(), drawn.catalogue.manifest, (), limit=10)
    assert [point.item.id for point in back.points] == ten == sorted(ten)
    assert set(ten) < {point.item.id for point in read(limit=30).points}
    assert ten != [point.item.id for point in read(limit=10, seed=1).points]
    assert read(limit=10).total == 60


def test_a_filter_is_kept(read):
    red = AnyOf(attribute="color", values=("Red",))
    table = read((red,))
    assert len(table) == table.total == 12
    assert {point.item.attributes["color"] for point in table.points} == {"Red"}


def test_nothing_found_says_why(drawn, read):
    with pytest.raises(QueryError) as none:
        read((AnyOf(attribute="color", values=("Mauve",)),))
    assert none.value.code == "no_items"
    assert "filter" in none.value.message
    trained = Space(name="classifier", dimension=4, weights_sha256="0" * 64, trained=True)
    manifest = replace(drawn.catalogue.manifest, spaces=(*drawn.catalogue.manifest.spaces, trained))
    with pytest.raises(QueryError, match="none of the 60 items has an embedding in 'classifier'"):
        read_table(drawn.store, manifest, (), space="classifier", limit=10)


def test_an_item_without_a_trained_vector_has_zeros_there(drawn):
    trained = Space(name="classifier", dimension=4, weights_sha256="0" * 64, trained=True)
    manifest = drawn.catalogue.manifest
    wider = replace(manifest, spaces=(*manifest.spaces, trained), weights={**manifest.weights, "classifier": 1.0})
    table = read_table(drawn.store, wider, (), limit=5)
    assert not table.blocks["classifier"].any()
    assert np.linalg.norm(table.fuse(), axis=1) == pytest.approx(np.sqrt(0.5), abs=1e-5)


def test_an_unknown_space_is_refused(read):
    with pytest.raises(QueryError, match="no space 'depth'; it has fused, pixels, color") as refused:
        read(space="depth")
    assert refused.value.code == "unknown_space"
