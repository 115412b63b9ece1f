"""The conflicts report: what counts as one, in which order, and that a page's end hides nothing."""

from __future__ import annotations

import json

import pytest

from indexer import conflicts as module
from indexer.conflicts import find_conflicts
from search import paging
from search.item import Item, PhotoRecord
from search.manifest import PredictedAttribute
from search.store import Page, StoredPoint
from search.tagging import Prediction

ATTRIBUTES = {
    "type": PredictedAttribute(labels=("Shirts", "Tops", "Jeans"), multi_valued=False),
    "color": PredictedAttribute(labels=("Red", "Blue"), multi_valued=False),
    "occasion": PredictedAttribute(labels=("Party", "Work"), multi_valued=True),
}


class ScannedList:
    """Points in the order given, in pages as a store gives them; filters are ignored."""

    def __init__(self, points):
        self._points = points
        self.pages = 0

    def scan(self, conditions, *, limit, after=None, spaces=()):
        self.pages += 1
        start = int(after or 0)
        end = start + limit
        return Page(points=self._points[start:end], next_after=str(end) if end < len(self._points) else None)


def predict(*values, accepted=None):
    """A prediction of (label, probability) pairs; the first one accepted where nothing else is said."""
    return Prediction(values=values, accepted=(values[0][0],) if accepted is None else accepted)


def make_point(item_id, attributes, **predictions):
    return StoredPoint(
        item=Item(id=item_id, attributes=attributes, photos=(f"{item_id}.jpg",)),
        photo=PhotoRecord(index=0, link=f"{item_id}.jpg", sha256="0" * 64, width=10, height=10),
        photos_sha256="",
        row_sha256="",
        predictions=predictions,
        model="abcd1234" if predictions else "",
    )


def find(*points, **options):
    return find_conflicts(ScannedList(list(points)), ATTRIBUTES, **options)


def test_a_disagreement_is_told_with_both_sides():
    point = make_point("a", {"title": "A top", "type": "Tops"}, type=predict(("Shirts", 0.93), ("Tops", 0.05)))
    (conflict,) = find(point).conflicts
    assert json.loads(json.dumps(conflict.to_wire())) == {
        "id": "a",
        "title": "A top",
        "image_link": "a.jpg",
        "attribute": "type",
        "shop": ["Tops"],
        "predicted": "Shirts",
        "confidence": 0.93,
        "shop_probability": 0.05,
        "unknown_label": False,
        "model": "abcd1234",
    }


def test_agreement_abstention_and_gaps_are_no_conflicts():
    report = find(
        make_point("agrees", {"type": "Tops"}, type=predict(("Tops", 0.9))),
        make_point("abstains", {"type": "Tops"}, type=predict(("Shirts", 0.4), accepted=())),
        make_point("nothing said", {}, type=predict(("Shirts", 0.9))),
        make_point("empty", {"type": ""}, type=predict(("Shirts", 0.9))),
        make_point("untagged", {"type": "Tops"}),
        make_point("one of two", {"type": ("Jeans", "Tops")}, type=predict(("Tops", 0.9))),
    )
    assert (report.found, report.found_unknown) == (0, 0)
    assert report.compared == {"type": 2, "color": 0}


def test_attributes_with_several_values_are_passed_over():
    report = find(make_point("a", {"occasion": "Party"}, occasion=predict(("Work", 0.99))))
    assert report.found == 0
    assert "occasion" not in report.compared


def test_the_surest_come_first_and_ties_in_one_order():
    points = [
        make_point("b", {"type": "Tops", "color": "Red"}, type=predict(("Jeans", 0.8)), color=predict(("Blue", 0.8))),
        make_point("a", {"type": "Tops"}, type=predict(("Jeans", 0.8))),
        make_point("c", {"type": "Tops"}, type=predict(("Jeans", 0.95))),
    ]
    expected = [("c", "type"), ("a", "type"), ("b", "color"), ("b", "type")]
    for order in (points, points[::-1]):
        assert [(each.item_id, each.attribute) for each in find(*order).conflicts] == expected


def test_a_label_the_classifier_does_not_know_is_apart():
    report = find(
        make_point("a", {"type": "Ponchos"}, type=predict(("Tops", 0.9))),
        make_point("b", {"type": ("Ponchos", "Jeans")}, type=predict(("Tops", 0.9))),
    )
    assert [each.item_id for each in report.unknown] == ["a"]
    assert [each.item_id for each in report.conflicts] == ["b"]
    assert report.unknown[0].shop_probability is None


def test_a_number_of_the_shop_s_is_compared_as_a_label():
    labels = {"year": PredictedAttribute(labels=("2011", "2012"), multi_valued=False)}
    points = [make_point(str(n), {"year": 2011}, year=predict((year, 0.9))) for n, year in enumerate(("2011", "2012"))]
    assert [each.item_id for each in find_conflicts(ScannedList(points), labels).conflicts] == ["1"]


def test_below_the_confidence_asked_nothing_is_found():
    points = [make_point(str(n), {"type": "Tops"}, type=predict(("Jeans", n / 10))) for n in range(5, 10)]
    report = find(*points, min_confidence=0.8)
    assert [each.confidence for each in report.conflicts] == [0.9, 0.8]
    assert report.found == 2


@pytest.mark.parametrize("limit", [1, 3, None])
def test_a_limit_keeps_the_worst_of_any_number(limit, monkeypatch):
    monkeypatch.setattr(module, "SLACK", 4)
    monkeypatch.setattr(paging, "POINTS", 4)
    points = [
        make_point(f"{n:03}", {"type": "Tops"}, type=predict(("Jeans", (n * 37 % 101) / 101))) for n in range(101)
    ]
    store = ScannedList(points)
    report = find_conflicts(store, ATTRIBUTES, limit=limit)
    expected = sorted((each.predictions["type"].values[0][1] for each in points), reverse=True)[:limit]
    assert [each.confidence for each in report.conflicts] == expected
    assert report.found == 101
    assert store.pages == 26
