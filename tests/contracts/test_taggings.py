"""What every store does with what a classifier says: its vectors, its predictions, and the change to another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from search.embedding import Space, normalise_rows
from search.errors import MismatchError
from search.filters import AnyOf, Between, Filter, NoneOf, Source
from search.item import Item
from search.store import Leg, Point, ScoredPoint, Store
from search.tagging import Prediction, Tagging
from tests.contracts.opened_stores import SPACES, legs, make_point, make_points

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

FIRST = Space(name="classifier", dimension=6, weights_sha256="1" * 64, trained=True)
SECOND = Space(name="classifier", dimension=9, weights_sha256="2" * 64, trained=True)
MATERIALS = ("wool", "silk ☃", 'the "best"')
Taggings = dict[tuple[str, int], Tagging]


def make_shop(count: int) -> list[Point]:
    """Points of a shop that leaves colours, years and one more column out here and there."""
    points = make_points(count)
    for n, point in enumerate(points):
        left_out = {"color": n % 3 == 0, "year": n % 4 == 0, "Body (HTML)": n % 5 < 2}
        kept = {name: value for name, value in point.item.attributes.items() if not left_out.get(name)}
        points[n] = replace(point, item=replace(point.item, attributes=kept))
    return points


def make_taggings(points: Sequence[Point], space: Space) -> Taggings:
    """What a classifier says of every point but each seventh one; of every fifth colour it is not sure."""
    rng = np.random.default_rng(space.dimension)
    vectors = normalise_rows(rng.normal(size=(len(points), space.dimension)).astype(np.float32))
    taggings = {}
    for n, point in enumerate(points):
        colors = (("Red", 0.75), ("Many", 0.125)) if n % 2 else (("Violet", 0.5), ("Red", 0.25))
        accepted = () if n % 5 == 0 else ("Red", "Many") if n % 4 == 1 else (colors[0][0],)
        material = MATERIALS[n % 3]
        predictions = {
            "year": Prediction(values=((str(2000 + n % 3), 0.9),), accepted=(str(2000 + n % 3),)),
            "color": Prediction(values=colors, accepted=accepted),
            "Body (HTML)": Prediction(values=((material, 1.0),), accepted=(material,)),
        }
        tagging = Tagging(
            vector=vectors[n], predictions=predictions, out_of_catalogue=0.1, model=space.weights_sha256[:8]
        )
        if n % 7 != 6:
            taggings[point.item.id, point.photo.index] = tagging
    return taggings


def tag(store: Store, points: Sequence[Point], space: Space) -> Taggings:
    """Tag the points and search in the classifier's space from now on."""
    taggings = make_taggings(points, space)
    store.prepare_space(space)
    store.write_taggings(taggings, space)
    store.use_spaces([*SPACES, space])
    return taggings


def list_found(found: Sequence[ScoredPoint]) -> list[tuple[str, float]]:
    return [(hit.point.item.id, round(hit.score, 5)) for hit in found]


def ask(store: Store, points: Sequence[Point], taggings: Taggings) -> None:
    """A query over all three spaces is answered as numpy answers it, with or without a vector in the trained one."""
    query = points[3]
    of_query = taggings["item 3", 0].vector
    asked = [*legs(query, 0.4), Leg(space="classifier", vector=of_query, weight=0.5)]
    expected = {}
    for point in points:
        tagging = taggings.get((point.item.id, 0))
        parts = {leg.space: float(point.vectors[leg.space] @ leg.vector) for leg in asked[:2]}
        expected[point.item.id] = parts | {"classifier": float(tagging.vector @ of_query) if tagging else 0.0}
    scores = {i: sum(leg.weight * parts[leg.space] for leg in asked) for i, parts in expected.items()}
    found = store.find_nearest(asked, (), limit=len(points))
    assert [hit.point.item.id for hit in found] == sorted(scores, key=lambda i: -scores[i])
    for hit in found:
        assert hit.score == pytest.approx(scores[hit.point.item.id], abs=1e-5)
        assert hit.parts == pytest.approx(expected[hit.point.item.id], abs=1e-5)
    alone = store.find_nearest(asked[2:], (), limit=len(points))
    assert {hit.point.item.id for hit in alone} == {item_id for item_id, _ in taggings}


def test_another_classifier_changes_nothing_until_it_is_used(store: Store) -> None:
    points = make_shop(30)
    store.upsert(points)
    before = list_found(store.find_nearest(legs(points[3]), (), limit=30))
    in_use: Taggings = {}
    for space in (FIRST, SECOND):
        taggings = make_taggings(points, space)
        store.prepare_space(space)
        store.prepare_space(space)
        for key in taggings:
            store.write_taggings({key: taggings[key]}, space)
        assert list_found(store.find_nearest(legs(points[3]), (), limit=30)) == before
        if in_use:
            ask(store, points, in_use)
        else:
            assert store.read_items(["item 3"], spaces=["classifier"])["item 3"].vectors == {}
        store.use_spaces([*SPACES, space])
        store.use_spaces([*SPACES, space])
        assert list_found(store.find_nearest(legs(points[3]), (), limit=30)) == before
        ask(store, points, taggings)
        in_use = taggings


def test_a_second_tagging_is_the_first_one_again(store: Store) -> None:
    points = make_shop(12)
    store.upsert(points)
    taggings = tag(store, points, FIRST)
    names = ["classifier", "shape"]
    once = store.scan((), limit=50, spaces=names).points
    tag(store, points, FIRST)
    twice = store.scan((), limit=50, spaces=names).points
    assert [replace(p, vectors={}) for p in once] == [replace(p, vectors={}) for p in twice]
    for a, b in zip(once, twice, strict=True):
        assert {name: v.tobytes() for name, v in a.vectors.items()} == {n: v.tobytes() for n, v in b.vectors.items()}
    ask(store, points, taggings)


def test_predictions_come_back_with_the_points(store: Store) -> None:
    points = make_shop(10)
    store.upsert(points)
    assert store.read_items(["item 1"])["item 1"].model == ""
    taggings = tag(store, points, FIRST)
    hits = store.find_nearest(legs(points[1]), (), limit=10)
    found = [*store.scan((), limit=20).points, *(hit.point for hit in hits), *store.read_items(["item 1"]).values()]
    assert len(found) == 21
    for point in found:
        tagging = taggings.get((point.item.id, 0))
        assert point.predictions == (tagging.predictions if tagging else {})
        assert point.model == ("11111111" if tagging else "")
    vectors = store.read_items(["item 1", "item 6"], spaces=["classifier", "nowhere"])
    assert np.allclose(vectors["item 1"].vectors["classifier"], taggings["item 1", 0].vector, atol=1e-6)
    assert vectors["item 6"].vectors == {}


def test_taggings_of_photos_that_are_not_there_are_left_out(store: Store) -> None:
    points = make_shop(3)
    store.upsert(points)
    taggings = make_taggings(points, FIRST)
    store.prepare_space(FIRST)
    store.write_taggings({("nobody", 0): taggings["item 0", 0], ("item 0", 4): taggings["item 0", 0]}, FIRST)
    store.write_taggings({}, FIRST)
    store.use_spaces([*SPACES, FIRST])
    assert [point.model for point in store.scan((), limit=9).points] == ["", "", ""]
    assert len(store.list_photos(limit=9).photos) == 3


def test_a_tagging_of_another_classifier_is_refused(store: Store) -> None:
    points = make_shop(3)
    store.upsert(points)
    store.prepare_space(SECOND)
    with pytest.raises(MismatchError, match="11111111"):
        store.write_taggings(make_taggings(points, FIRST), SECOND)
    assert [point.model for point in store.scan((), limit=9).points] == ["", "", ""]


def test_a_changed_row_keeps_its_predictions_and_a_changed_photo_brings_its_own(store: Store) -> None:
    points = make_shop(9)
    store.upsert(points)
    taggings = tag(store, points, FIRST)
    item = Item(id="item 2", attributes={"title": "new"}, photos=("2.jpg",))
    store.replace_attributes({"item 2": item}, {"item 2": "fresh"})
    stored = store.read_items(["item 2"], spaces=["classifier"])["item 2"]
    assert stored.item == item
    assert stored.predictions == taggings["item 2", 0].predictions
    assert "classifier" in stored.vectors

    tagged = replace(points[2], tagging=taggings["item 3", 0])
    foreign = replace(points[4], tagging=make_taggings(points, SECOND)["item 4", 0])
    store.upsert([tagged, replace(points[3], tagging=None), foreign])
    after = store.read_items(["item 2", "item 3", "item 4"], spaces=["classifier"])
    assert after["item 2"].predictions == taggings["item 3", 0].predictions
    assert np.allclose(after["item 2"].vectors["classifier"], taggings["item 3", 0].vector, atol=1e-6)
    assert (after["item 3"].model, after["item 3"].predictions, after["item 3"].vectors) == ("", {}, {})
    assert (after["item 4"].model, after["item 4"].vectors) == ("22222222", {})  # spaces are never mixed
    moved = {**taggings, ("item 2", 0): taggings["item 3", 0]}
    del moved["item 4", 0]
    leg = Leg(space="classifier", vector=taggings["item 3", 0].vector, weight=1.0)
    del moved["item 3", 0]
    assert {hit.point.item.id for hit in store.find_nearest([leg], (), limit=20)} == {i for i, _ in moved}
    assert len(store.find_nearest([leg, *legs(points[0])], (), limit=20)) == 9


def test_points_written_while_a_classifier_comes_are_found_by_it(store: Store) -> None:
    points = make_shop(20)
    store.upsert(points[:12])
    tag(store, points[:12], FIRST)
    taggings = make_taggings(points, SECOND)
    store.prepare_space(SECOND)
    store.write_taggings({key: taggings[key] for key in list(taggings)[:8]}, SECOND)
    again = [replace(point, tagging=taggings.get((point.item.id, 0))) for point in points[2:15]]
    store.upsert(again)
    store.upsert(points[15:])
    store.use_spaces([*SPACES, SECOND])
    there = {key: tagging for key, tagging in taggings.items() if key in {(p.item.id, 0) for p in points[:15]}}
    written = {f"item {n}" for n in (*range(2, 15), *range(8))}
    ask(store, points, {key: tagging for key, tagging in there.items() if key[0] in written})


def test_a_catalogue_can_go_back_to_its_encoders(store: Store) -> None:
    points = make_shop(12)
    store.upsert(points[:8])
    tag(store, points[:8], FIRST)
    store.upsert(points[8:])
    store.use_spaces(SPACES)
    shape, color = legs(points[3], 0.6)
    scores = [0.6 * p.vectors["shape"] @ shape.vector + 0.4 * p.vectors["color"] @ color.vector for p in points]
    lost = Leg(space="classifier", vector=np.ones(6, dtype=np.float32), weight=0.1)
    for asked in ([shape, color], [shape, color, lost]):
        found = store.find_nearest(asked, (), limit=20)
        assert [hit.point.item.id for hit in found] == [points[n].item.id for n in np.argsort(-np.array(scores))]
        assert all(hit.parts.get("classifier", 0.0) == 0.0 for hit in found)
    assert store.find_nearest([lost], (), limit=20) == []


def list_values(point: Point, taggings: Taggings, attribute: str, source: Source) -> tuple[str | int | float, ...]:
    """What a source says of an attribute, in Python."""
    value = point.item.attributes.get(attribute, ())
    merchant = value if isinstance(value, tuple) else (value,)
    tagging = taggings.get((point.item.id, 0))
    labels = tagging.predictions[attribute].accepted if tagging and attribute in tagging.predictions else ()
    tags = tuple(int(label) if attribute == "year" else label for label in labels)
    return {Source.MERCHANT: merchant, Source.PREDICTED: tags, Source.EITHER: merchant or tags}[source]


def matches(point: Point, taggings: Taggings, conditions: Filter) -> bool:
    for condition in conditions:
        values = list_values(point, taggings, condition.attribute, condition.source)
        if isinstance(condition, Between):
            holds = any(condition.gte <= value for value in values)  # type: ignore[operator]
        else:
            holds = any(value in condition.values for value in values) == isinstance(condition, AnyOf)
        if not holds:
            return False
    return True


@pytest.mark.parametrize("source", Source)
def test_filters_and_counts_ask_the_source_they_name(store: Store, source: Source) -> None:
    points = make_shop(40)
    second = replace(points[0], photo=replace(points[0].photo, index=1))  # counts no second time
    store.upsert([*points, second])
    taggings = tag(store, [*points, second], FIRST)
    store.write_taggings({("item 0", 1): taggings["item 0", 0]}, FIRST)
    red = AnyOf(attribute="color", values=("Red", "Violet"), source=source)
    filters: list[Filter] = [
        (red,),
        (NoneOf(attribute="color", values=("Red",), source=source),),
        (AnyOf(attribute="year", values=(2001, 2005), source=source),),
        (NoneOf(attribute="year", values=(2001,), source=source), Between(attribute="price", gte=9.5)),
        (AnyOf(attribute="Body (HTML)", values=("x1", *MATERIALS[1:]), source=source), red),
        (AnyOf(attribute="color", values=("Grün ☃",)), AnyOf(attribute="year", values=(2002,), source=source)),
    ]
    for conditions in filters:
        expected = {point.item.id for point in points if matches(point, taggings, conditions)}
        assert expected
        assert store.count_items(conditions) == len(expected)
        assert {point.item.id for point in store.scan(conditions, limit=100).points} == expected
        found = {hit.point.item.id for hit in store.find_nearest(legs(points[0]), conditions, limit=100)}
        assert found == expected
    for attribute in ("color", "year", "Body (HTML)"):
        for conditions in ((), filters[3]):
            counts: Counter[str | int | float] = Counter()
            for point in points:
                if matches(point, taggings, conditions):
                    counts.update(set(list_values(point, taggings, attribute, source)))
            ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            facet = store.count_facet(attribute, conditions, limit=50, source=source)
            assert [(count.value, count.count) for count in facet] == ranked
            some = store.count_facet(attribute, conditions, limit=2, source=source)
            assert [(count.value, count.count) for count in some] == ranked[:2]


def test_photos_are_listed_page_by_page(store: Store) -> None:
    points = make_shop(9)
    more = [
        make_point("item 4", 4, points[4].vectors["shape"], points[4].vectors["color"], index=index) for index in (1, 2)
    ]
    more = [replace(point, photo=replace(point.photo, sha256=f"{point.photo.index}" * 64)) for point in more]
    store.upsert([*points, *more])
    after, seen = None, []
    while True:
        page = store.list_photos(limit=4, after=after)
        assert len(page.photos) <= 4
        seen += page.photos
        after = page.next_after
        if after is None:
            break
    expected = {(p.item.id, p.photo.index, p.photo.sha256) for p in [*points, *more]}
    assert {(photo.item_id, photo.index, photo.sha256) for photo in seen} == expected
    assert len(seen) == 11


def test_counts_follow_every_write(store: Store) -> None:
    """As those that were counted before are kept by some engines."""
    filters: list[Filter] = [
        (),
        (AnyOf(attribute="color", values=("Red",)),),
        (NoneOf(attribute="color", values=("Red",)),),
        (AnyOf(attribute="color", values=("Red",), source=Source.EITHER),),
    ]
    points, taggings = make_shop(40), Taggings()

    def check() -> None:
        main = [point for point in points if point.photo.index == 0]
        for conditions in filters:
            expected = sum(matches(point, taggings, conditions) for point in main)
            assert store.count_items(conditions) == store.count_items(conditions) == expected
        alone = sum("color" not in point.item.attributes for point in main)
        assert store.count_items((), lacking="color") == alone
        reds = {count.value: count.count for count in store.count_facet("color", (), limit=99)}.get("Red", 0)
        assert reds == sum(matches(point, taggings, filters[1]) for point in main)

    check_empty = store.count_items()
    assert check_empty == 0
    store.upsert(points)
    check()
    taggings |= tag(store, points, FIRST)
    check()
    further = replace(points[1], photo=replace(points[1].photo, index=1, sha256="f" * 64))
    store.upsert([further])
    points.append(further)
    check()
    painted = replace(points[0].item, attributes={**points[0].item.attributes, "color": "Red"})
    store.replace_attributes({painted.id: painted}, {painted.id: "r"})
    points[0] = replace(points[0], item=painted)
    check()
    store.delete_photos_from(further.item.id, 1)
    points.pop()
    check()
    store.delete_items([point.item.id for point in points[:7]])
    del points[:7]
    check()
