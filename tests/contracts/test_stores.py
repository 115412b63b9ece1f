"""What every store does, whatever engine is behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.attributes import AttributeKind
from search.embedding import Space
from search.errors import SetupError
from search.filters import AnyOf, Between, Filter, NoneOf
from search.item import Item
from search.store import Point, Store
from search.stores.edge import open_edge_store
from tests.contracts.opened_stores import SCHEMA, legs, make_point, make_points

# The client's local mode says at every turn that it has no indexes; that is known.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]


def matches(point: Point, conditions: Filter) -> bool:
    """What a filter means, said in Python."""
    for condition in conditions:
        value = point.item.attributes.get(condition.attribute, ())
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(condition, AnyOf):
            holds = any(v in condition.values for v in values)
        elif isinstance(condition, NoneOf):
            holds = not any(v in condition.values for v in values)
        else:
            assert isinstance(condition, Between)
            low = -np.inf if condition.gte is None else condition.gte
            above = -np.inf if condition.gt is None else condition.gt
            high = np.inf if condition.lte is None else condition.lte
            below = np.inf if condition.lt is None else condition.lt
            holds = any(low <= float(v) <= high and above < float(v) < below for v in values)
        if not holds:
            return False
    return True


FILTERS: list[Filter] = [
    (),
    (AnyOf(attribute="color", values=("Red",)),),
    (AnyOf(attribute="color", values=("Grün ☃", 'say "hi"')),),
    (AnyOf(attribute="color", values=("Many",)), NoneOf(attribute="color", values=("Red",))),
    (AnyOf(attribute="Body (HTML)", values=("x1",)),),
    (NoneOf(attribute="year", values=(2001, 2002)),),
    (AnyOf(attribute="year", values=(2003,)), Between(attribute="price", gte=10.5, lt=40)),
    (Between(attribute="price", gt=10.5, lte=30.5),),
    (AnyOf(attribute="price", values=(3.5, 7.5)),),
    (AnyOf(attribute="title", values=("title 11",)),),
    (AnyOf(attribute="color", values=("red",)),),
    (NoneOf(attribute="price", values=(1.5,)),),
]


@pytest.mark.parametrize("conditions", FILTERS, ids=str)
def test_filters_mean_what_they_say(store: Store, conditions: Filter) -> None:
    points = make_points(60)
    store.upsert(points)
    expected = {point.item.id for point in points if matches(point, conditions)}
    assert store.count_items(conditions) == len(expected)
    page = store.scan(conditions, limit=1_000)
    assert {point.item.id for point in page.points} == expected
    found = store.find_nearest(legs(points[0]), conditions, limit=1_000)
    assert {hit.point.item.id for hit in found} == expected
    single = store.find_nearest(legs(points[0])[:1], conditions, limit=1_000)
    assert {hit.point.item.id for hit in single} == expected


def test_scores_are_the_weighted_sum_of_cosines(store: Store) -> None:
    points = make_points(200)
    store.upsert(points)
    query = points[17]
    shape = np.stack([p.vectors["shape"] for p in points]) @ query.vectors["shape"]
    color = np.stack([p.vectors["color"] for p in points]) @ query.vectors["color"]
    for weight in (0.0, 0.3, 1.0):
        total = weight * shape + (1 - weight) * color
        order = np.argsort(-total, kind="stable")
        found = store.find_nearest(legs(query, weight), (), limit=25)
        assert [hit.point.item.id for hit in found] == [points[n].item.id for n in order[:25]]
        assert np.allclose([hit.score for hit in found], total[order[:25]], atol=1e-5)
        assert np.allclose([hit.parts["shape"] for hit in found], shape[order[:25]], atol=1e-5)
        assert np.allclose([hit.parts["color"] for hit in found], color[order[:25]], atol=1e-5)


def test_pages_join_into_the_longer_list(store: Store) -> None:
    points = make_points(50)
    store.upsert(points)
    for asked in (legs(points[3]), legs(points[3])[:1]):
        whole = [h.point.item.id for h in store.find_nearest(asked, (), limit=40)]
        pages = [h.point.item.id for o in range(0, 40, 7) for h in store.find_nearest(asked, (), limit=7, offset=o)]
        assert pages[:40] == whole
    scanned: list[str] = []
    after = None
    while True:
        page = store.scan((), limit=7, after=after)
        scanned += [point.item.id for point in page.points]
        after = page.next_after
        if after is None:
            break
    assert len(scanned) == len(set(scanned)) == 50


def test_facets_count_items_not_photos(store: Store) -> None:
    points = make_points(40)
    second = [make_point(p.item.id, n, p.vectors["shape"], p.vectors["color"], index=1) for n, p in enumerate(points)]
    store.upsert(points + second[:10])
    assert store.count_items() == 40
    counts = {c.value: c.count for c in store.count_facet("color", (), limit=20)}
    assert counts == {"Red": 10, "Blue": 10, "Grün ☃": 10, 'say "hi"': 10, "Many": 8}
    where = (Between(attribute="price", lt=20),)
    years = {c.value: c.count for c in store.count_facet("year", where, limit=20)}
    assert sum(years.values()) == store.count_items(where)
    assert [c.count for c in store.count_facet("year", (), limit=3)] == [6, 6, 6]
    assert store.count_facet("Body (HTML)", (AnyOf(attribute="color", values=("nothing",)),), limit=5) == []


def test_an_upsert_twice_is_an_upsert_once(store: Store) -> None:
    points = make_points(20)
    store.upsert(points)
    store.upsert(points)
    assert store.count_items() == 20
    stored = store.read_items(["item 3", "item 99"], spaces=["shape"])
    assert list(stored) == ["item 3"]
    assert stored["item 3"].item == points[3].item
    assert stored["item 3"].photo == points[3].photo
    assert np.allclose(stored["item 3"].vectors["shape"], points[3].vectors["shape"], atol=1e-6)
    assert store.read_fingerprints(["item 3", "nobody"]) == {"item 3": ("p3", "r3")}


def test_every_photo_of_an_item_can_be_read(store: Store) -> None:
    points = make_points(2)
    second = make_point("item 0", 0, points[1].vectors["shape"], points[1].vectors["color"], index=1)
    store.upsert([*points, second])
    assert store.read_items(["item 0", "item 1"], index=1).keys() == {"item 0"}
    stored = store.read_items(["item 0"], index=1, spaces=["shape"])["item 0"]
    assert stored.photo.index == 1
    assert np.allclose(stored.vectors["shape"], second.vectors["shape"], atol=1e-6)


def test_deleted_items_are_gone_with_every_photo(store: Store) -> None:
    points = make_points(12)
    extra = make_point("item 5", 5, points[5].vectors["shape"], points[5].vectors["color"], index=1)
    store.upsert([*points, extra])
    assert store.delete_items(["item 5", "item 6", "nobody"]) == 2
    assert store.delete_items(["item 5"]) == 0
    found = {hit.point.item.id for hit in store.find_nearest(legs(points[5]), (), limit=50)}
    assert found == {p.item.id for p in points} - {"item 5", "item 6"}
    assert store.count_items() == 10


def test_items_can_be_left_out(store: Store) -> None:
    points = make_points(30)
    store.upsert(points)
    for asked in (legs(points[3]), legs(points[3])[:1]):
        whole = [h.point.item.id for h in store.find_nearest(asked, (), limit=30)]
        assert whole[0] == "item 3"
        left = [h.point.item.id for h in store.find_nearest(asked, (), limit=30, without=["item 3", whole[5]])]
        assert left == [i for i in whole if i not in ("item 3", whole[5])]


def test_photos_from_an_index_on_can_be_removed(store: Store) -> None:
    points = make_points(3)
    more = [make_point("item 1", 1, points[1].vectors["shape"], points[1].vectors["color"], index=i) for i in (1, 2)]
    store.upsert(points + more)
    store.delete_photos_from("item 1", 1)
    found = [hit.point for hit in store.find_nearest(legs(points[1]), (), limit=50)]
    assert sorted((p.item.id, p.photo.index) for p in found) == [("item 0", 0), ("item 1", 0), ("item 2", 0)]


def test_attributes_are_replaced_and_vectors_kept(store: Store) -> None:
    points = make_points(4)
    extra = make_point("item 2", 2, points[2].vectors["color"].repeat(2), points[2].vectors["color"], index=1)
    store.upsert([*points, extra])
    item = Item(id="item 2", attributes={"title": "new", "color": "Blue"}, photos=("2.jpg",))
    store.replace_attributes({"item 2": item}, {"item 2": "fresh"})
    stored = store.read_items(["item 2"], spaces=["shape"])["item 2"]
    assert stored.item == item
    assert (stored.photos_sha256, stored.row_sha256) == ("p2", "fresh")
    assert np.allclose(stored.vectors["shape"], points[2].vectors["shape"], atol=1e-6)
    assert store.count_items((AnyOf(attribute="title", values=("title 2",)),)) == 0
    hits = store.find_nearest(legs(points[2]), (AnyOf(attribute="title", values=("new",)),), limit=9)
    assert sorted(hit.point.photo.index for hit in hits) == [0, 1]


@pytest.mark.parametrize("item_id", ["a/b/../c", "ünï ☃", " lead", "x" * 1_000, "'; drop", "0", "\u202eabc", "a\nb"])
def test_odd_ids_are_ids(store: Store, item_id: str) -> None:
    points = make_points(3)
    odd = make_point(item_id, 1, points[1].vectors["shape"], points[1].vectors["color"])
    store.upsert([points[0], odd])
    assert store.read_items([item_id])[item_id].item.id == item_id
    assert store.delete_items([item_id]) == 1
    assert store.count_items() == 1


def test_no_space_can_have_the_joint_vectors_name(tmp_path: Path) -> None:
    spaces = (Space(name="fusion", dimension=4, weights_sha256="c" * 64),)
    with pytest.raises(SetupError, match="fusion"):
        open_edge_store(tmp_path / "shard", spaces=spaces, schema={})


def test_new_attributes_can_be_indexed_later(store: Store) -> None:
    points = make_points(10)
    store.upsert(points)
    store.index_attributes({**SCHEMA, "brand": AttributeKind.KEYWORD})
    item = Item(id="item 0", attributes={"brand": "Acme"}, photos=("0.jpg",))
    store.replace_attributes({"item 0": item}, {"item 0": "r"})
    assert [(c.value, c.count) for c in store.count_facet("brand", (), limit=5)] == [("Acme", 1)]
