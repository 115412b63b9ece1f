"""Looks: groups of like items, their names, their covers, and the file they are kept in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from math import log

import numpy as np
import pytest

from indexer.explore.labels import read_labels
from indexer.explore.look_names import PRIOR, Trait, name_groups, weigh_traits
from indexer.explore.looks import check_count, find_looks, gather_labels, measure_purity
from indexer.explore.saved_looks import FILE_NAME, find_look, load_looks, save_looks
from search.errors import IntegrityError, NotFoundError, QueryError
from tests.contracts.drawn_shop import COLORS


@pytest.fixture
def kinds(drawn):
    return drawn.catalogue.manifest.attributes


@pytest.fixture
def looks(read, kinds):
    return find_looks(read(space="color"), kinds, count=5)


def test_five_colours_make_five_looks_with_their_names(looks, read):
    assert len(looks.looks) == 5
    assert {look.name.split()[0] for look in looks.looks} == set(COLORS)
    for look in looks.looks:
        assert look.traits[0].attribute == "color"
        assert (look.traits[0].inside, look.traits[0].outside) == (1.0, 0.0)
    labels = {point.item.id: read_labels(point, "color") for point in read().points}
    assert measure_purity(looks, labels) == 1.0
    types = {point.item.id: read_labels(point, "product_type") for point in read().points}
    assert 0.3 < measure_purity(looks, types) < 0.6
    assert measure_purity(looks, {}) == 0.0


def test_every_item_is_in_one_look_and_the_largest_is_first(looks):
    ids = [item_id for look in looks.looks for item_id in look.item_ids]
    assert sorted(ids) == sorted(f"item-{number}" for number in range(60))
    assert [look.number for look in looks.looks] == [1, 2, 3, 4, 5]
    sizes = [look.size for look in looks.looks]
    assert sizes == sorted(sizes, reverse=True)


def test_the_cover_is_nearest_to_the_middle(looks, read):
    table = read(space="color")
    rows, ids = table.fuse(), [point.item.id for point in table.points]
    for look in looks.looks:
        own = rows[[ids.index(item_id) for item_id in look.item_ids]]
        distances = np.linalg.norm(own - own.mean(axis=0), axis=1)
        assert np.all(np.diff(distances) >= -1e-5)
        assert look.cover == table.points[ids.index(look.item_ids[0])].photo
        assert look.examples == look.item_ids[:12]


def test_the_same_seed_gives_the_same_looks(looks, read, kinds):
    assert find_looks(read(space="color"), kinds, count=5) == looks


def test_more_looks_than_kinds_of_items_is_fewer_looks(read, kinds):
    """Twelve items of a colour differ in shape; asked for as many looks as items there are no more than differ."""
    looks = find_looks(read(), kinds, count=60)
    assert 5 < len(looks.looks) <= 60
    assert all(look.size for look in looks.looks)
    names = [look.name for look in looks.looks]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("count", "why"), [(1, "2 to 500"), (501, "2 to 500"), (61, "there are 60 items")])
def test_a_number_that_makes_no_sense_is_refused(count, why):
    with pytest.raises(QueryError, match=why) as refused:
        check_count(count, 60)
    assert refused.value.pointer == "/k"


def test_labels_are_words_that_tell(read, kinds):
    gathered = gather_labels(read(), kinds)
    assert {"color", "product_type", "brand"} <= set(gathered)
    assert not {"title", "price", "id"} & set(gathered)
    assert "availability" not in gathered


def test_looks_are_kept_and_read_back(looks, tmp_path):
    with pytest.raises(NotFoundError, match="vitrine looks") as refused:
        load_looks(tmp_path)
    assert refused.value.code == "no_looks"
    save_looks(looks, tmp_path)
    kept = load_looks(tmp_path)
    shown = [replace(look, cover=replace(look.cover, phash="")) for look in looks.looks]
    assert kept == replace(looks, looks=tuple(shown))
    assert load_looks(tmp_path) is kept  # read once
    assert find_look(kept, 2) is kept.looks[1]
    for number in (0, 6):
        with pytest.raises(NotFoundError, match="looks 1 to 5"):
            find_look(kept, number)
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 9}'])
def test_a_damaged_file_is_said_to_be(looks, tmp_path, text):
    save_looks(looks, tmp_path)
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(IntegrityError, match="vitrine looks"):
        load_looks(tmp_path)


def test_a_file_without_its_items_is_damaged(looks, tmp_path):
    save_looks(looks, tmp_path)
    document = json.loads((tmp_path / FILE_NAME).read_text())
    del document["looks"][2]["items"]
    (tmp_path / FILE_NAME).write_text(json.dumps(document))
    with pytest.raises(IntegrityError):
        load_looks(tmp_path)


# names


def test_a_weight_is_the_log_odds_ratio_of_the_paper():
    """Equations 18 to 22, by hand: 8 of 10 red inside, 10 of 40 outside."""
    values = [("Red",)] * 8 + [("Blue",)] * 2 + [("Red",)] * 10 + [("Blue",)] * 30
    members = [0] * 10 + [1] * 40
    trait = weigh_traits({"color": values}, members, 2)[0][0]
    prior = PRIOR * 18 / 50
    odds = log((8 + prior) / (10 + PRIOR - 8 - prior)) - log((10 + prior) / (40 + PRIOR - 10 - prior))
    assert (trait.value, trait.inside, trait.outside) == ("Red", 0.8, 0.25)
    assert trait.weight == pytest.approx(odds / (1 / (8 + prior) + 1 / (10 + prior)) ** 0.5, rel=1e-6)


def test_a_rare_value_says_less_than_a_common_one():
    """One item of its kind is all inside, which is chance; forty of fifty are not."""
    values = [("Common",)] * 40 + [("Rare",)] + [("Other",)] * 9 + [("Other",)] * 50
    traits = weigh_traits({"kind": values}, [0] * 50 + [1] * 50, 2)[0]
    assert [trait.value for trait in traits] == ["Common", "Rare", "Other"]
    assert traits[0].weight > 1.96 > traits[1].weight
    assert traits[2].weight < 0


def test_an_attribute_most_of_a_group_lack_is_left_out():
    values = [("Red",)] * 2 + [()] * 8 + [("Blue",)] * 10
    assert weigh_traits({"color": values}, [0] * 10 + [1] * 10, 2)[0] == []


def trait(attribute, value, inside=0.9, weight=9.0):
    return Trait(attribute=attribute, value=value, inside=inside, outside=0.1, weight=weight)


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ([trait("product_type", "Jeans"), trait("color", "Blue")], "Blue Jeans"),
        ([trait("color", "Red"), trait("gender", "Women", weight=20), trait("product_type", "Heels")], "Red Heels"),
        ([trait("masterCategory", "Footwear", weight=30), trait("product_type", "Heels")], "Heels"),
        ([trait("product_type", "Tops", 0.3), trait("subCategory", "Topwear")], "Topwear"),
        ([trait("product_type", "Tops", 0.4), trait("product_type", "Shirts", 0.3)], "Tops and Shirts"),
        ([trait("usage", "Sports", weight=30), trait("color", "Red"), trait("product_type", "Caps")], "Red Caps"),
        ([trait("usage", "Sports"), trait("product_type", "Sports Shoes")], "Sports Shoes"),
        ([trait("color", "Red", 0.3), trait("product_type", "Caps")], "Caps"),
        ([trait("color", "Red", 0.5), trait("color", "Pink", 0.4), trait("product_type", "Caps")], "Red and Pink Caps"),
        ([trait("color", "Red", 0.7), trait("color", "Pink", 0.2), trait("product_type", "Caps")], "Red Caps"),
        ([trait("color", "Red", weight=1), trait("product_type", "Caps")], "Caps"),
        ([trait("product_type", "caps"), trait("gender", "female")], "Female caps"),
        ([trait("product_type", "Caps", weight=-1)], "Mixed"),
        ([trait("color", "Red")], "Red"),
        ([], "Mixed"),
    ],
)
def test_a_name_is_a_noun_and_what_tells_most(traits, name):
    traits = sorted(traits, key=lambda t: -t.weight) if name != "Red Heels" else traits
    assert name_groups([traits]) == [name]


def test_groups_that_would_be_called_alike_say_more():
    jeans = trait("product_type", "Jeans")
    names = name_groups(
        [
            [jeans, trait("color", "Blue"), trait("gender", "Men")],
            [jeans, trait("color", "Blue"), trait("gender", "Women")],
            [jeans, trait("color", "Black")],
            [jeans, trait("color", "Black")],
        ]
    )
    assert names == ["Men Blue Jeans", "Women Blue Jeans", "Black Jeans", "Black Jeans (2)"]
    assert Counter(names).most_common(1)[0][1] == 1
