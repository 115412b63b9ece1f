"""Bulk indexing: what ends in the store, what ends in the report, and that a second run does what is left to do."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.feed import FeedRow
from indexer.journal import open_journal
from indexer.pipeline import QUESTION_BATCH, WRITE_BATCH, Rows
from search.errors import StoreUnavailableError
from search.item import Item
from search.query import Query, like_photo
from search.store import Leg
from tests.contracts.drawn_shop import Row, draw_photo, draw_shop, write_csv, write_json_lines
from tests.indexer.conftest import assert_adds_up, assert_same_points, read_points, spoil

SPACES = ("pixels", "color")


def test_every_row_is_indexed_with_all_of_its_photos(shop, tmp_path):
    rows = draw_shop(tmp_path, 40, second_photos=True)
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.read, report.indexed, report.failed, report.photos) == (40, 40, 0, 54)
    assert report.finished
    assert report.problems == {}
    assert report.problems_file is None
    assert report.photos_per_second == pytest.approx(report.photos / report.seconds, rel=0.01)
    assert shop.store.count_items() == 40
    points = read_points(shop)
    assert sorted(points) == sorted(
        (str(row["id"]), index) for row in rows for index in range(1 + bool(row["additional_image_link"]))
    )
    point = points["item-3", 1]
    assert point.item.attributes["title"] == "Black Tshirts no. 3"
    assert point.item.attributes["price"] == 13.5
    assert point.photo.link == "photos/3-back.jpg"
    assert shop.catalogue.thumbnails.read(point.photo.sha256)[:2] == b"\xff\xd8"
    for each in points.values():
        assert {name: float(np.linalg.norm(each.vectors[name])) for name in SPACES} == pytest.approx(
            dict.fromkeys(SPACES, 1.0), abs=1e-5
        )


def test_a_second_run_finds_everything_unchanged(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 70, second_photos=True))
    shop.index(feed)
    before, prepared = read_points(shop), shop.pixels.prepared
    report = shop.index(feed)
    assert (report.read, report.unchanged, report.indexed, report.updated) == (70, 70, 0, 0)
    assert report.photos == 0
    assert shop.pixels.prepared == prepared
    assert read_points(shop) == before


def test_changed_attributes_are_written_without_embedding(shop, tmp_path):
    rows = draw_shop(tmp_path, 30, second_photos=True)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    embedded = shop.pixels.embedded
    before = read_points(shop)
    rows[4]["title"] = "A new name"
    rows[6]["price"] = ""
    rows[9]["color"] = "Red/Blue"
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.updated, report.unchanged, report.indexed) == (3, 27, 0)
    assert_adds_up(report)
    assert shop.pixels.embedded == embedded
    points = read_points(shop)
    assert points["item-4", 0].item.attributes["title"] == "A new name"
    for index in (0, 1):  # on every photo of the item
        assert "price" not in points["item-6", index].item.attributes
        assert points["item-9", index].item.attributes["color"] == ("Red", "Blue")
    for key, point in points.items():
        assert all((point.vectors[space] == before[key].vectors[space]).all() for space in SPACES)
    assert shop.index(tmp_path / "feed.csv").unchanged == 30


def test_a_changed_photo_is_embedded_again(shop, tmp_path):
    rows = draw_shop(tmp_path, 20)
    feed = write_csv(tmp_path / "feed.csv", rows)
    shop.index(feed)
    before, embedded = read_points(shop), shop.pixels.embedded
    draw_photo(tmp_path / "photos" / "7.jpg", 500)  # the same file, another picture
    report = shop.index(feed)
    assert (report.indexed, report.unchanged, report.photos) == (1, 19, 1)
    assert shop.pixels.embedded == embedded + 1
    after = read_points(shop)
    assert after["item-7", 0].photo.sha256 != before["item-7", 0].photo.sha256
    assert float(after["item-7", 0].vectors["pixels"] @ before["item-7", 0].vectors["pixels"]) < 0.999


def test_a_photo_under_another_name_is_no_other_photo(shop, tmp_path):
    rows = draw_shop(tmp_path, 5)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    embedded = shop.pixels.embedded
    (tmp_path / "photos" / "2.jpg").rename(tmp_path / "photos" / "moved.jpg")
    rows[2]["image_link"] = "photos/moved.jpg"
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.updated, report.unchanged) == (1, 4)
    assert shop.pixels.embedded == embedded
    assert read_points(shop)["item-2", 0].item.photos == ("photos/moved.jpg",)


@pytest.mark.parametrize("engine", ["shop", "edge_shop"])
def test_an_item_that_lost_a_photo_loses_its_point(engine, tmp_path, request):
    shop = request.getfixturevalue(engine)
    rows = draw_shop(tmp_path, 4, second_photos=True)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    vector = shop.store.read_items(["item-3"], spaces=["pixels"])["item-3"].vectors["pixels"]
    leg = Leg(space="pixels", vector=vector, weight=1.0)

    def list_photos() -> list[tuple[str, int]]:
        return sorted((p.point.item.id, p.point.photo.index) for p in shop.store.find_nearest([leg], (), limit=50))

    every = [("item-0", 0), ("item-0", 1), ("item-1", 0), ("item-2", 0), ("item-3", 0), ("item-3", 1)]
    assert list_photos() == every
    rows[3]["additional_image_link"] = ""
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.indexed, report.unchanged) == (1, 3)
    assert list_photos() == every[:-1]


def test_the_main_photo_can_change_places_with_the_second(shop, tmp_path):
    rows = draw_shop(tmp_path, 1, second_photos=True)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    before = read_points(shop)
    row = rows[0]
    row["image_link"], row["additional_image_link"] = row["additional_image_link"], row["image_link"]
    assert shop.index(write_csv(tmp_path / "feed.csv", rows)).indexed == 1
    after = read_points(shop)
    for index in (0, 1):
        assert after["item-0", index].photo.sha256 == before["item-0", 1 - index].photo.sha256
        np.testing.assert_allclose(
            after["item-0", index].vectors["pixels"], before["item-0", 1 - index].vectors["pixels"], atol=1e-6
        )


@pytest.mark.parametrize("engine", ["shop", "edge_shop"])
def test_a_catalogue_photo_searched_for_finds_itself_first(engine, tmp_path, request):
    shop = request.getfixturevalue(engine)
    rows = draw_shop(tmp_path, 40)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    for row in rows[::5]:
        photo = shop.catalogue.embed_photo((tmp_path / str(row["image_link"])).read_bytes())
        stored = shop.store.read_items([str(row["id"])], spaces=SPACES)[str(row["id"])]
        assert stored.photo.sha256 == photo.sha256
        assert (stored.photo.width, stored.photo.height) == (photo.width, photo.height)
        for space in SPACES:
            np.testing.assert_allclose(stored.vectors[space], photo.embeddings[space], atol=1e-6)
        hits = shop.catalogue.search(Query(examples=like_photo(photo.embeddings, photo.sha256))).hits
        assert hits[0].item.id == row["id"]
        assert hits[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_run_that_is_stopped_and_run_again_equals_one_run(make_shop, tmp_path, after):
    rows = draw_shop(tmp_path, 90, second_photos=True)
    spoil(rows, tmp_path)
    feed = write_csv(tmp_path / "feed.csv", rows)
    whole = make_shop("whole")
    usable = whole.index(feed).indexed
    stopped = make_shop("stopped")
    asked = iter(range(1_000))
    report = stopped.index(feed, stop=lambda: next(asked) + 1 >= after)
    assert not report.finished
    assert report.indexed == stopped.store.count_items()
    assert after * WRITE_BATCH * 0.5 < report.indexed < usable
    with open_journal(stopped.folder) as journal:
        assert journal.read_last_run().state == "stopped"
    again = stopped.index(feed)
    assert again.finished
    assert (again.unchanged, again.indexed) == (report.indexed, usable - report.indexed)
    assert_adds_up(again)
    assert_same_points(read_points(stopped), read_points(whole))


def test_a_run_without_anything_new_can_be_stopped_too(shop, tmp_path):
    rows = draw_shop(tmp_path, 8)
    items = [
        FeedRow(row=n + 1, item=Item(id=f"copy-{n}", attributes={}, photos=(str(rows[n % 8]["image_link"]),)))
        for n in range(8 * QUESTION_BATCH)
    ]
    feed = Rows(name="copies", root=tmp_path, rows=items)
    assert shop.index_rows(feed).indexed == len(items)
    report = shop.index_rows(feed, stop=lambda: True)
    assert not report.finished
    assert report.unchanged == QUESTION_BATCH


def test_a_store_that_fails_ends_the_run_and_the_next_one_goes_on(shop, make_shop, tmp_path, monkeypatch):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 60))
    upsert, calls = shop.store.upsert, []

    def fail(points) -> None:
        calls.append(len(points))
        if len(calls) == 2:
            raise StoreUnavailableError("the disk is full", code="disk_full")
        upsert(points)

    monkeypatch.setattr(shop.store, "upsert", fail)
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        shop.index(feed)
    with open_journal(shop.folder) as journal:
        assert journal.read_last_run().state == "failed"
        assert journal.read_last_run().counts["indexed"] == shop.store.count_items() == WRITE_BATCH
    report = shop.index(feed)
    assert (report.unchanged, report.indexed) == (WRITE_BATCH, 60 - WRITE_BATCH)
    whole = make_shop("whole")
    whole.index(feed)
    assert_same_points(read_points(shop), read_points(whole))


def test_items_of_many_photos_stay_whole(shop, tmp_path):
    rows = draw_shop(tmp_path, 3)
    links = [f"photos/many-{n}.jpg" for n in range(20)]
    for n, link in enumerate(links):
        draw_photo(tmp_path / link, 100 + n)
    rows[1] |= {"image_link": links[0], "additional_image_link": links[1:]}
    report = shop.index(write_json_lines(tmp_path / "feed.jsonl", rows))
    assert (report.indexed, report.photos) == (3, 22)
    found = {index: point for (item_id, index), point in read_points(shop).items() if item_id == "item-1"}
    assert [found[n].photo.link for n in range(20)] == links
    assert len({found[n].photo.sha256 for n in range(20)}) == 20
    assert {(p.photos_sha256, p.row_sha256) for p in found.values()} == {
        shop.store.read_fingerprints(["item-1"])["item-1"]
    }


def test_the_same_photo_on_many_items_is_on_every_one(shop, tmp_path):
    draw_photo(tmp_path / "same.jpg", 1)
    rows: list[Row] = [{"id": str(n), "image_link": "same.jpg"} for n in range(50)]
    report = shop.index(write_json_lines(tmp_path / "feed.jsonl", rows), workers=8)
    assert (report.indexed, report.failed) == (50, 0)
    assert len({p.photo.sha256 for p in read_points(shop).values()}) == 1


def test_a_feed_without_rows_is_read_to_its_end(shop, tmp_path):
    (tmp_path / "feed.csv").write_text("id,title,image_link\n")
    report = shop.index(tmp_path / "feed.csv")
    assert (report.read, report.indexed, report.photos, report.problems) == (0, 0, 0, {})
    assert report.finished
    assert report.problems_file is None
    assert list((shop.folder / "reports").iterdir()) == []


def test_progress_is_told_after_every_batch_and_never_goes_back(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 80))
    told: list[dict[str, int]] = []
    shop.index(feed, progress=lambda tally: told.append(dict(tally.counts)))
    indexed = [counts.get("indexed", 0) for counts in told]
    assert indexed == sorted(indexed)
    assert indexed[0] == WRITE_BATCH
    assert indexed[-1] == 80
    assert len(told) > 80 // WRITE_BATCH


def test_the_feed_is_read_only_as_far_as_the_window(shop, tmp_path):
    """However long a feed is, what is in memory is a window of it."""
    draw_photo(tmp_path / "same.jpg", 1)
    taken = 0

    def count_rows():
        nonlocal taken
        for n in range(5_000):
            taken += 1
            yield FeedRow(row=n + 1, item=Item(id=str(n), attributes={}, photos=("same.jpg",)))

    report = shop.index_rows(Rows(name="long", root=tmp_path, rows=count_rows()), stop=lambda: True)
    assert report.indexed == WRITE_BATCH
    assert taken < 600


def test_a_folder_of_photos_is_a_feed(shop, tmp_path):
    folder = tmp_path / "photos"
    for n in range(6):
        draw_photo(folder / ("shirts", "shoes")[n % 2] / f"{n}.jpg", n)
    report = shop.index(folder)
    assert report.indexed == 6
    assert shop.store.read_items(["shirts/4"])["shirts/4"].item.attributes["product_type"] == "shirts"


def test_workers_make_no_difference(make_shop, tmp_path):
    rows = draw_shop(tmp_path, 40, second_photos=True)
    spoil(rows, tmp_path)
    feed = write_csv(tmp_path / "feed.csv", rows)
    one, many = make_shop("one"), make_shop("many")
    reports = [one.index(feed, workers=1), many.index(feed, workers=7)]
    assert reports[0].indexed == reports[1].indexed > 25
    assert reports[0].first_problems == reports[1].first_problems != ()
    assert_same_points(read_points(many), read_points(one))
