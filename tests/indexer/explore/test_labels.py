"""What an item says of itself, and filters on it: as a store would answer."""

from __future__ import annotations

import random

import pytest

from indexer.explore.labels import check_attribute, matches, read_labels
from search.errors import QueryError
from search.filters import AnyOf, Between, NoneOf, Source
from search.item import Item, PhotoRecord
from search.store import StoredPoint
from search.tagging import Prediction
from tests.contracts import memory_store


def make_point(attributes, accepted):
    predictions = {name: Prediction(values=(), accepted=labels) for name, labels in accepted.items()}
    photo = PhotoRecord(index=0, link="a.jpg", sha256="0" * 64, width=1, height=1)
    item = Item(id="a", attributes=attributes, photos=("a.jpg",))
    return StoredPoint(item=item, photo=photo, photos_sha256="", row_sha256="", predictions=predictions)


def test_the_shop_speaks_before_the_classifier():
    point = make_point(
        {"color": ("Red", "Blue"), "year": 2012, "gender": ""}, {"color": ("Green",), "gender": ("Men",)}
    )
    assert read_labels(point, "color") == ("Red", "Blue")
    assert read_labels(point, "year") == ("2012",)
    assert read_labels(point, "gender") == ("Men",)
    assert read_labels(point, "brand") == ()


def test_filters_answer_as_a_store_does():
    """1,000 random items against random conditions, beside the plain reading of the store's contract."""
    chance = random.Random(5)
    words = ("Red", "Blue", "2012")
    sides = [0, 0]
    for _ in range(1_000):
        attributes = {}
        if chance.random() < 0.7:
            attributes["color"] = chance.choice([chance.choice(words), tuple(chance.sample(words, 2))])
        if chance.random() < 0.7:
            attributes["year"] = chance.randint(2010, 2014)
        accepted = {"color": tuple(chance.sample(words, chance.randint(0, 2)))} if chance.random() < 0.6 else {}
        point = make_point(attributes, accepted)
        low = chance.randint(2009, 2015)
        conditions = (
            chance.choice([AnyOf, NoneOf])(
                attribute="color", values=tuple(chance.sample(words, 2)), source=chance.choice(list(Source))
            ),
            chance.choice(
                [Between(attribute="year", gte=low, lt=low + 2), AnyOf(attribute="year", values=(low, 2012))]
            ),
        )[: chance.randint(1, 2)]
        merchant = {n: v if isinstance(v, tuple) else (v,) for n, v in attributes.items()}
        found = matches(conditions, merchant, accepted)
        assert found == memory_store.matches(point, conditions)
        sides[found] += 1
    assert min(sides) > 100  # both answers were asked for


def test_an_attribute_there_is_none_of_is_named_with_those_there_are(drawn):
    manifest = drawn.catalogue.manifest
    check_attribute("color", manifest, "/color_by")
    for name, why in (("hue", "is not an attribute here"), ("title", "is free text")):
        with pytest.raises(QueryError, match=why) as refused:
            check_attribute(name, manifest, "/color_by")
        assert (refused.value.code, refused.value.pointer) == ("unknown_attribute", "/color_by")
        assert "color" in refused.value.message
