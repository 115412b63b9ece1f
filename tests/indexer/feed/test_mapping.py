"""Columns to fields: profiles, what the caller asks for, what a former run recorded."""

from __future__ import annotations

import pytest

from indexer.feed import FeedRow, open_feed
from indexer.feed.profiles import PROFILES, find_profile
from search.attributes import AttributeKind
from search.errors import FeedError


def open_header(write, header, row="", **arguments):
    return open_feed(write("feed.csv", f"{header}\n{row}\n" if row else f"{header}\n"), **arguments)


@pytest.mark.parametrize(
    ("header", "profile", "mapping"),
    [
        (
            "ID,Title,Link,Image Link",
            "google",
            {"id": "ID", "title": "Title", "link": "Link", "image_link": "Image Link"},
        ),
        ("g:id,g:title,g:link,g:image_link", "google", {"id": "g:id", "image_link": "g:image_link"}),
        ("id,articleType,baseColour,productDisplayName,filename", "fashion", {"title": "productDisplayName"}),
        (
            "SKU,Name,Colour,Photo,Category",
            "generic",
            {"id": "SKU", "title": "Name", "color": "Colour", "image_link": "Photo", "product_type": "Category"},
        ),
        (
            "sku,id,image_url,image,images",
            "generic",
            {"id": "id", "image_link": "image", "additional_image_link": "images"},
        ),
        ("id,images", "generic", {"id": "id", "image_link": "images"}),
    ],
)
def test_profiles(header, profile, mapping, write):
    feed = open_header(write, header)
    assert feed.profile == profile
    assert dict(feed.mapping).items() >= mapping.items()


def test_every_profile_is_found_by_its_own_columns():
    for profile in PROFILES:
        assert find_profile(sorted(profile.recognised_by)) is profile


def test_what_is_asked_for_comes_first(write):
    feed = open_header(
        write,
        "id,sku,title,name,image_link,note",
        "1,A,Old,New,a.jpg,hm",
        mapping={"id": "sku", "Title": "name", "remark": "note"},
    )
    (entry,) = feed
    assert entry.item.id == "A"
    assert entry.item.attributes == {"title": "New", "remark": "hm"}
    assert set(feed.unused) == {"id", "title"}


def test_a_column_may_feed_two_fields(write):
    (entry,) = open_header(write, "sku,image", "A1,a.jpg", mapping={"mpn": "sku", "id": "sku"})
    assert (entry.item.id, entry.item.attributes) == ("A1", {"mpn": "A1"})


def test_an_unknown_column_is_refused_with_those_there_are(write):
    with pytest.raises(FeedError, match=r"'colr'.*id, image, colour") as caught:
        open_header(write, "id,image,colour", mapping={"color": "colr"})
    assert caught.value.code == "unknown_column"


@pytest.mark.parametrize(("header", "code"), [("nr,image", "no_id_column"), ("id,pic", "no_photo_column")])
def test_no_id_or_photo_column_names_the_way_out(header, code, write):
    with pytest.raises(FeedError, match=rf"{header.replace(',', ', ')}.*--map (id|image_link)=COLUMN") as caught:
        open_header(write, header)
    assert caught.value.code == code


def test_a_recorded_mapping_is_used_where_its_columns_are(write):
    recorded = {"id": "nr", "image_link": "pic", "color": "shade"}
    feed = open_header(write, "nr,pic,colour", recorded=recorded)
    assert feed.mapping == {"id": "nr", "image_link": "pic", "color": "colour"}


def test_a_recorded_schema_holds_and_new_columns_are_added(write):
    known = {"year": AttributeKind.KEYWORD, "brand": AttributeKind.KEYWORD}
    feed = open_header(write, "id,image,year,stars", "1,a.jpg,2011,4", schema=known)
    assert feed.schema == {**known, "stars": AttributeKind.INTEGER}
    (entry,) = feed
    assert entry.item.attributes == {"year": "2011", "stars": 4}


def test_columns_without_a_name_are_left_out(write):
    (entry,) = open_header(write, ",id,image,", "0,1,a.jpg,x")
    assert isinstance(entry, FeedRow)
    assert entry.item.attributes == {}


def test_kinds_of_undeclared_attributes(write):
    rows = "".join(
        f"{n},a.jpg,{n % 9},{n / 4},0{n},{'SML'[n % 3]},note number {n},https://x/{n % 3},\n" for n in range(200)
    )
    feed = open_feed(write("feed.csv", "id,image,year,weight,code,cut,note,site,void\n" + rows))
    assert dict(feed.schema) == {
        "year": AttributeKind.INTEGER,
        "weight": AttributeKind.NUMBER,
        "code": AttributeKind.TEXT,
        "cut": AttributeKind.KEYWORD,
        "note": AttributeKind.TEXT,
        "site": AttributeKind.TEXT,
        "void": AttributeKind.TEXT,
    }
