"""A feed as labelled images: the shop's values as labels, its splits, its groups, and what cannot be used."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from classifier.data.photo_splits import ImageOptions
from indexer.feed import open_feed
from indexer.labelled_feed import choose_attributes, load_labelled_feed
from search.attributes import AttributeKind
from search.errors import InputError


def write_feed(folder, rows):
    """A CSV of rows, each with a photo of its own colour unless it names one."""
    for n, row in enumerate(rows):
        row.setdefault("image_link", f"{n}.png")
        Image.new("RGB", (12, 12), (n % 256, n // 256, 90)).save(folder / f"{n}.png")
    with (folder / "feed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "feed.csv"


def make_rows(count=150):
    return [
        {"id": f"A{n}", "title": f"thing {n}", "product_type": ("Coats", "Bags", "Hats")[n % 3], "color": "red/blue"}
        for n in range(count)
    ]


@pytest.fixture
def options(tmp_path):
    return ImageOptions(side=8, cache=tmp_path / "cache")


def list_ids(splits):
    return [set(images.ids) for images in (splits.train, splits.val, splits.test)]


def test_every_row_is_an_image_with_the_shops_values(tmp_path, options):
    rows = make_rows()
    rows[0]["product_type"] = "Gloves"
    rows[1]["color"] = ""
    splits = load_labelled_feed(open_feed(write_feed(tmp_path, rows)), options)
    assert splits.train.attributes == {"product_type": ("Bags", "Coats", "Hats"), "color": ("blue", "red")}
    assert splits.train.multi == {"color"}
    assert set.union(*list_ids(splits)) == {f"A{n}/0" for n in range(150)}
    for images in (splits.train, splits.val, splits.test):
        labels = images.read_labels()
        for place, name in enumerate(images.ids):
            n = int(name[1:-2])
            assert (images.read_image(place) == (n, 0, 90)).all()
            assert labels["product_type"][place] == (-1 if n == 0 else (1, 0, 2)[n % 3])
            assert labels["color"][place].tolist() == ([0, 0] if n == 1 else [1, 1])


def test_the_feeds_own_split_is_taken(tmp_path, options):
    rows = [row | {"split": ("train", "train", "val", "test")[n % 4]} for n, row in enumerate(make_rows())]
    splits = load_labelled_feed(open_feed(write_feed(tmp_path, rows)), options, attributes=["product_type"])
    for found, names in zip(list_ids(splits), (("train",), ("val",), ("test",)), strict=True):
        assert found == {f"{row['id']}/0" for row in rows if row["split"] in names}


def test_photos_of_one_group_or_item_and_equal_photos_are_in_one_split(tmp_path, options):
    rows = make_rows(240)
    for n, row in enumerate(rows):
        row["item_group_id"] = f"G{n // 4}"
        row["additional_image_link"] = f"second {n}.png"
        Image.new("RGB", (12, 12), (n, 7, 7)).save(tmp_path / f"second {n}.png")
    path = write_feed(tmp_path, rows)
    shutil.copy(tmp_path / "0.png", tmp_path / "4.png")  # G0 and G1 show the same photo
    splits = load_labelled_feed(open_feed(path), options, attributes=["product_type"])
    groups = [{int(name[1:-2]) // 4 for name in ids} for ids in list_ids(splits)]
    assert sum(map(len, list_ids(splits))) == 480
    assert all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups)) == 60
    assert sum({0, 1} <= found for found in groups) == 1


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path, options):
    rows = make_rows()
    rows[3]["image_link"] = "gone.png"
    rows[4]["image_link"] = "https://shop.example/4.png"
    rows[5]["id"] = ""
    path = write_feed(tmp_path, rows)
    (tmp_path / "6.png").write_bytes(b"no photo")
    splits = load_labelled_feed(open_feed(path), options, attributes=["product_type"])
    assert len(splits.problems) == 4
    said = "\n".join(splits.problems)
    for part in ("row 4: there is no photo 'gone.png'", "row 5: https://", "row 6: ", "A6/0: "):
        assert part in said
    assert sum(map(len, list_ids(splits))) == 146


def test_an_attribute_that_cannot_be_learnt_is_refused_where_it_was_named_and_left_out_where_it_was_not(
    tmp_path, options
):
    rows = [row | {"gender": "unisex"} for row in make_rows()]
    feed = open_feed(write_feed(tmp_path, rows))
    splits = load_labelled_feed(feed, options)
    assert set(splits.train.attributes) == {"product_type", "color"}
    assert splits.left_out["gender"] == {"unisex": len(splits.train)}
    with pytest.raises(InputError, match="gender has 1 labels"):
        load_labelled_feed(feed, options, attributes=["gender"])


def test_attributes_are_those_named_or_those_a_photo_can_show():
    schema = {
        "title": AttributeKind.TEXT,
        "color": AttributeKind.KEYWORD,
        "brand": AttributeKind.KEYWORD,
        "product_type": AttributeKind.KEYWORD,
    }
    assert list(choose_attributes(schema, ())) == ["product_type", "color"]
    assert list(choose_attributes(schema, ("brand", "brand"))) == ["brand"]
    with pytest.raises(InputError, match="no attribute 'sleeve'; it has brand, color, product_type"):
        choose_attributes(schema, ("sleeve",))
    with pytest.raises(InputError, match="none of product_type"):
        choose_attributes({"title": AttributeKind.TEXT}, ())


def test_the_real_catalogue_keeps_its_own_splits(catalogue_dir, tmp_path):
    """Its first 400 rows, with 16 pixels a side: the figures of the whole are in its README."""
    lines = (catalogue_dir / "products.csv").read_text("utf-8").splitlines()[:401]
    (tmp_path / "products.csv").write_text("\n".join(lines), "utf-8")
    (tmp_path / "images").symlink_to(catalogue_dir / "images")
    splits = load_labelled_feed(
        open_feed(tmp_path / "products.csv"), ImageOptions(side=16, cache=tmp_path), attributes=["product_type"]
    )
    rows = list(csv.DictReader(lines))
    wanted = [{f"{row['id']}/0" for row in rows if row["split"] == split} for split in ("train", "val", "test")]
    assert list_ids(splits)[0] >= wanted[0]
    assert list_ids(splits)[2] <= wanted[2]
    assert sum(map(len, list_ids(splits))) == 400
    counts = np.bincount(splits.train.read_labels()["product_type"][splits.train.read_labels()["product_type"] >= 0])
    assert counts.min() >= 10
