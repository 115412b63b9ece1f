"""Rows that cannot be used: each in the report with its row, id, field and code, while the run goes on."""

from __future__ import annotations

import os

import pytest

from indexer.feed import FeedRow, RowProblem
from indexer.pipeline import Rows
from indexer.report import FIRST_PROBLEMS
from tests.contracts.drawn_shop import draw_photo, draw_shop, write_csv, write_json_lines
from tests.indexer.conftest import assert_adds_up, read_points, spoil


@pytest.mark.parametrize("write", [write_csv, write_json_lines])
def test_a_row_that_cannot_be_used_is_a_row_of_the_report(shop, tmp_path, write, read_problems):
    rows = draw_shop(tmp_path, 30)
    expected = spoil(rows, tmp_path)
    feed = write(tmp_path / ("feed.csv" if write is write_csv else "feed.jsonl"), rows)
    report = shop.index(feed)
    problems = read_problems(report)
    assert [(p.row, p.id, p.field, p.code) for p in problems] == expected
    assert all(p.message for p in problems)
    assert report.first_problems == tuple(problems)
    assert sum(report.problems.values()) == report.failed == 11
    assert report.problems["unreadable_photo"] == 2
    assert (report.read, report.indexed) == (30, 19)
    assert report.finished
    assert_adds_up(report)
    assert shop.store.count_items() == 19
    assert read_points(shop)["item-2", 0].item.attributes["title"] == "Green Trousers no. 2"  # the first one counts
    again = shop.index(feed)
    assert (again.unchanged, again.failed) == (19, 11)
    assert [(p.row, p.id, p.field, p.code) for p in read_problems(again)] == expected
    assert again.problems_file != report.problems_file


def test_problems_come_in_the_order_of_rows_however_late_they_are_found(shop, tmp_path, read_problems):
    """What is wrong with a row is known long before what is wrong with the photo of a row above it."""
    rows = draw_shop(tmp_path, 60)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"GIF89a")
    for number in range(1, 60, 2):
        rows[number] |= [{"image_link": "photos/broken.jpg"}, {"image_link": "none.jpg"}, {"id": ""}][number // 2 % 3]
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    problems = read_problems(report)
    assert [p.row for p in problems] == list(range(2, 61, 2))
    assert report.first_problems == tuple(problems[:FIRST_PROBLEMS])
    assert len({p.code for p in problems}) == 3
    assert_adds_up(report)


def test_an_item_with_one_photo_that_can_be_used_is_used(shop, tmp_path, read_problems):
    rows = draw_shop(tmp_path, 7, second_photos=True)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    rows[0]["additional_image_link"] = "photos/gone.jpg"
    rows[3]["image_link"] = "photos/broken.jpg"
    rows[6] |= {"image_link": "photos/gone.jpg", "additional_image_link": "photos/broken.jpg"}
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.indexed, report.failed, report.photos) == (6, 1, 6)
    assert_adds_up(report)
    assert [(p.row, p.id, p.field, p.code) for p in read_problems(report)] == [
        (1, "item-0", "additional_image_link", "missing_photo"),
        (4, "item-3", "image_link", "unreadable_photo"),
        (7, "item-6", "image_link", "missing_photo"),
        (7, "item-6", "additional_image_link", "unreadable_photo"),
    ]
    points = read_points(shop)
    assert [index for item_id, index in points if item_id == "item-3"] == [0]
    assert points["item-3", 0].photo.link == "photos/3-back.jpg"


def test_a_photo_that_is_there_later_is_taken_then(shop, tmp_path):
    rows = draw_shop(tmp_path, 3, second_photos=True)
    late = tmp_path / "photos" / "0-back.jpg"
    data = late.read_bytes()
    late.unlink()
    feed = write_csv(tmp_path / "feed.csv", rows)
    assert shop.index(feed).problems == {"missing_photo": 1}
    late.write_bytes(data)
    report = shop.index(feed)
    assert (report.indexed, report.unchanged, report.problems) == (1, 2, {})
    assert ("item-0", 1) in read_points(shop)


def test_a_feed_of_nothing_but_problems_is_read_to_its_end(shop, tmp_path, read_problems):
    rows: list[RowProblem | FeedRow] = [
        RowProblem(row=n, id=None, field="id", code="missing_id", message="no id \ud800") for n in range(1, 201)
    ]
    report = shop.index_rows(Rows(name="bad", root=tmp_path, rows=rows))
    assert (report.read, report.failed, report.indexed) == (200, 200, 0)
    assert len(report.first_problems) == FIRST_PROBLEMS
    assert [p.row for p in read_problems(report)] == list(range(1, 201))


def test_a_photo_that_goes_or_changes_under_way_is_taken_as_it_is_then(shop, tmp_path, monkeypatch, read_problems):
    """Photos are read once to be hashed and again to be embedded; the shop may write in between."""
    rows = draw_shop(tmp_path, 6)
    feed = write_csv(tmp_path / "feed.csv", rows)
    prepare = shop.catalogue.embedder.prepare

    def change_before(data: bytes):
        (tmp_path / "photos" / "4.jpg").unlink(missing_ok=True)
        draw_photo(tmp_path / "photos" / "5.jpg", 700)
        return prepare(data)

    monkeypatch.setattr(shop.catalogue.embedder, "prepare", change_before)
    report = shop.index(feed, workers=1)
    assert (report.indexed, report.failed) == (5, 1)
    assert [(p.id, p.code) for p in read_problems(report)] == [("item-4", "missing_photo")]
    monkeypatch.undo()
    draw_photo(tmp_path / "photos" / "4.jpg", 4)
    again = shop.index(feed)
    assert (again.indexed, again.unchanged) == (2, 4)  # 5 was hashed before it changed, so it is looked at once more
    assert shop.index(feed).unchanged == 6


def test_a_photo_that_may_not_be_read_is_a_problem(shop, tmp_path, read_problems):
    rows = draw_shop(tmp_path, 3)
    os.mkfifo(tmp_path / "pipe.jpg")  # reading it would wait for ever
    rows[1]["image_link"] = "pipe.jpg"
    report = shop.index(write_csv(tmp_path / "feed.csv", rows))
    assert (report.indexed, report.failed) == (2, 1)
    assert read_problems(report)[0].code == "unreadable_photo"
