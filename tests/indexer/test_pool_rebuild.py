"""Pools beside the store: indexing keeps them, and what is missing is made again from the feed's photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.feed import open_feed
from indexer.items import put_item
from indexer.pipeline import WRITE_BATCH, Rows
from indexer.pool_rebuild import RebuildCounts, rebuild_pools
from search.item import Item
from search.pools import Pools
from tests.contracts.drawn_shop import draw_photo, draw_shop, write_csv
from tests.indexer.conftest import Shop, read_points, spoil


def read_pools(shop: Shop) -> dict[str, Pools]:
    return {
        sha256: {name: batch[row] for name, batch in some.pools.items()}
        for some in shop.catalogue.pool_cache.read_batches()
        for row, sha256 in enumerate(some.hashes)
    }


def list_stored(shop: Shop) -> set[str]:
    return {point.photo.sha256 for point in read_points(shop).values()}


def rebuild(shop: Shop, feed: Path, progress: Callable[[RebuildCounts], None] | None = None) -> RebuildCounts:
    opened = open_feed(feed, schema=shop.catalogue.manifest.attributes)
    rows = Rows(name=str(feed), root=opened.root, rows=opened)
    return rebuild_pools(rows, shop.catalogue, workers=2, progress=progress)


def assert_same_pools(found: dict[str, Pools], expected: dict[str, Pools]) -> None:
    assert found.keys() == expected.keys()
    for sha256, pools in expected.items():
        for name, rows in pools.items():
            np.testing.assert_array_equal(found[sha256][name], rows)


def test_indexing_keeps_the_pools_of_every_photo(shop, tmp_path):
    shop.index(write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 50, second_photos=True)))
    pools = read_pools(shop)
    assert pools.keys() == list_stored(shop) == shop.catalogue.pool_cache.list_hashes()
    for point in read_points(shop).values():
        for name, vector in point.vectors.items():
            whole = pools[point.photo.sha256][name][0]
            # float16 has 11 bits
            np.testing.assert_allclose(whole / np.linalg.norm(whole), vector, atol=2**-11)


def test_a_run_that_is_stopped_keeps_what_it_has_written(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 4 * WRITE_BATCH))
    report = shop.index(feed, stop=lambda: True)
    assert 0 < report.photos < 4 * WRITE_BATCH
    assert read_pools(shop).keys() == list_stored(shop)
    shop.index(feed)
    assert read_pools(shop).keys() == list_stored(shop)
    assert len(list_stored(shop)) == 4 * WRITE_BATCH


def test_a_single_items_pools_are_kept_too(shop, tmp_path):
    draw_photo(tmp_path / "one.jpg", 1)
    draw_photo(tmp_path / "two.jpg", 2)
    photos = [(tmp_path / name).read_bytes() for name in ("one.jpg", "two.jpg")]
    put_item(shop.catalogue, Item(id="A1", attributes={}, photos=()), photos)
    assert read_pools(shop).keys() == list_stored(shop)
    assert len(list_stored(shop)) == 2


def test_dropped_pools_are_made_again_as_they_were(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 30, second_photos=True))
    shop.index(feed)
    before, points = read_pools(shop), read_points(shop)
    shop.catalogue.pool_cache.drop()
    seen: list[RebuildCounts] = []
    counts = rebuild(shop, feed, seen.append)
    assert counts == RebuildCounts(rebuilt=len(before)) == seen[-1]
    assert_same_pools(read_pools(shop), before)
    assert read_points(shop) == points


def test_only_what_is_missing_is_made(shop, tmp_path):
    rows = draw_shop(tmp_path, 30)
    shop.index(write_csv(tmp_path / "some.csv", rows[:18]))
    prepared = shop.pixels.prepared
    counts = rebuild(shop, write_csv(tmp_path / "feed.csv", rows))
    assert counts == RebuildCounts(had=18, rebuilt=12)
    assert shop.pixels.prepared - prepared == 12
    assert rebuild(shop, tmp_path / "feed.csv") == RebuildCounts(had=30)
    assert shop.pixels.prepared - prepared == 12


def test_a_damaged_file_is_made_good(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 20))
    shop.index(feed)
    before = read_pools(shop)
    (path,) = (shop.folder / "generations" / "0001" / "pools").iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    assert rebuild(shop, feed) == RebuildCounts(rebuilt=20)
    assert_same_pools(read_pools(shop), before)


def test_photos_that_cannot_be_read_are_counted(shop, tmp_path):
    rows = draw_shop(tmp_path, 40)
    spoil(rows, tmp_path)
    feed = write_csv(tmp_path / "feed.csv", rows)
    usable = shop.index(feed).photos
    shop.catalogue.pool_cache.drop()
    counts = rebuild(shop, feed)
    assert (counts.had, counts.rebuilt) == (0, usable)
    # Of what `spoil` does, those that are wrong in the photo rather than in the row.
    assert counts.failed == 7
    assert "photos/nowhere.jpg" in counts.first_problem
    assert read_pools(shop).keys() == list_stored(shop)


def test_a_photo_of_two_rows_is_made_once(shop, tmp_path):
    rows = draw_shop(tmp_path, 12)
    for row in rows[6:]:
        row["image_link"] = rows[0]["image_link"]
    counts = rebuild(shop, write_csv(tmp_path / "feed.csv", rows))
    assert counts == RebuildCounts(had=6, rebuilt=6)
    assert len(read_pools(shop)) == 6


def test_what_was_made_is_kept_when_the_run_is_interrupted(shop, tmp_path):
    feed = write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 40))

    def interrupt(counts: RebuildCounts) -> None:
        if counts.rebuilt >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(shop, feed, interrupt)
    assert len(read_pools(shop)) == 8
    assert rebuild(shop, feed) == RebuildCounts(had=8, rebuilt=32)
