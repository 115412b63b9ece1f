"""What is learnt from a feed's labels, and what is left alone and why."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.heads.schema import UNKNOWN, encode_labels, learn_schema
from search.attributes import AttributeKind
from search.errors import InputError, QueryError


def repeat(*values: tuple[str, int]) -> list[tuple[str, ...]]:
    """Rows of one value each, so many of each; none where the value is empty."""
    return [(value,) if value else () for value, count in values for _ in range(count)]


SHOP = {
    "item_group_id": repeat(("a", 50), ("b", 50)),
    "size": repeat(("S", 50), ("M", 50)),
    "split": repeat(("train", 80), ("val", 20)),
    "product_type": repeat(("Shirt", 60), ("Shoe", 31), ("Tie", 9)),
    "google_product_category": repeat(("212", 60), ("187", 31), ("176", 9)),
    "color": repeat(("red", 30), ("blue", 30), ("", 40)),
    "material": repeat(("wool", 12), ("silk", 12), ("", 76)),
    "year": repeat(("2011", 50), ("2012", 50)),
    "brand": repeat(("Acme", 100)),
}


def test_by_default_what_a_photo_may_show_is_learnt():
    schema = learn_schema(SHOP, kinds={"year": AttributeKind.INTEGER})
    assert schema.names == ("product_type", "color")
    assert schema.attributes[0].labels == ("Shirt", "Shoe")
    assert schema.attributes[0].left_out == {"Tie": 9}
    assert schema.passed_over["google_product_category"] == "says the same as product_type"
    assert "24%" in schema.passed_over["material"]
    assert "integer" in schema.passed_over["year"]
    assert "1 of them" in schema.passed_over["brand"]
    assert {"item_group_id", "size", "split"} <= schema.passed_over.keys()


def test_what_is_asked_for_is_learnt_in_that_order():
    assert learn_schema(SHOP, ["material", "size"]).names == ("material", "size")


def test_more_labels_than_a_photo_can_tell_are_a_code():
    rows = repeat(*((f"code {n}", 10) for n in range(201)))
    with pytest.raises(InputError, match="201 labels, more than 200"):
        learn_schema({"sku": rows})
    assert len(learn_schema({"sku": rows}, ["sku"]).attributes[0].labels) == 201


def test_what_cannot_be_learnt_is_an_error_with_the_reason():
    with pytest.raises(InputError, match=r"brand cannot be learnt: has 1 values, 1 of them on 10 training photos"):
        learn_schema(SHOP, ["brand"])
    with pytest.raises(QueryError, match=r"pattern is not an attribute .* brand, color"):
        learn_schema(SHOP, ["pattern"])


def test_several_values_now_and_then_are_a_slip_and_often_a_kind():
    rows = repeat(("red", 500), ("blue", 500))
    slip = [("red", "blue"), *rows]
    attribute = learn_schema({"color": slip}).attributes[0]
    assert not attribute.multi_valued
    often = [("red", "blue")] * 11 + rows
    assert learn_schema({"color": often}).attributes[0].multi_valued


def test_labels_become_numbers_and_what_is_not_learnt_is_unknown():
    schema = learn_schema(SHOP, ["product_type"])
    rows = {"product_type": [("Shoe",), ("Tie",), (), ("Shirt",), ("Shirt", "Shoe")]}
    targets = encode_labels(rows, schema)["product_type"]
    assert targets.values.tolist() == [1, UNKNOWN, UNKNOWN, 0, UNKNOWN]
    assert targets.known.tolist() == [True, False, False, True, False]


def test_several_labels_become_rows_of_marks():
    rows = {"features": [("pocket", "stripes")] * 20 + [("stripes",)] * 20}
    schema = learn_schema(rows)
    targets = encode_labels({"features": [("stripes", "pocket"), ("zip",), ()]}, schema)["features"]
    assert targets.values.tolist() == [[1, 1], [0, 0], [0, 0]]
    assert targets.known.tolist() == [True, False, False]
    assert targets.values.dtype == np.uint8
