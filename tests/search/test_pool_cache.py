"""The cache of pools: what is written is read, and whatever is wrong with a file it counts as absent."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from search import pool_cache
from search.embedding import Space
from search.errors import SetupError
from search.pool_cache import FILE_PHOTOS, SMALL_FILES, PoolCache
from search.pools import PARTS, Pools

SPACES = (
    Space(name="shape", dimension=24, weights_sha256="ab" * 32),
    Space(name="color", dimension=7, weights_sha256="cd" * 32),
)


def name_photo(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def draw_pools(number: int) -> Pools:
    """Pools of a photo, exact in float16."""
    numbers = np.random.default_rng(number)
    return {
        space.name: numbers.integers(0, 1_000, (len(PARTS), space.dimension)).astype(np.float32) / 8 for space in SPACES
    }


def write_photos(cache: PoolCache, numbers: range) -> None:
    with cache.open_writer() as writer:
        writer.write([name_photo(number) for number in numbers], [draw_pools(number) for number in numbers])


def read_all(cache: PoolCache, *args, **settings) -> dict[str, Pools]:
    """Every photo read, which must come once."""
    found: dict[str, Pools] = {}
    for some in cache.read_batches(*args, **settings):
        for row, sha256 in enumerate(some.hashes):
            assert sha256 not in found
            found[sha256] = {name: batch[row] for name, batch in some.pools.items()}
    return found


def assert_holds(cache: PoolCache, numbers: range) -> None:
    found = read_all(cache)
    assert found.keys() == cache.list_hashes() == {name_photo(number) for number in numbers}
    for number in numbers:
        for name, pools in draw_pools(number).items():
            assert found[name_photo(number)][name].dtype == np.float32
            np.testing.assert_array_equal(found[name_photo(number)][name], pools)


@pytest.fixture
def cache(tmp_path: Path) -> PoolCache:
    return PoolCache(tmp_path / "pools", SPACES)


def list_files(cache: PoolCache) -> list[Path]:
    return sorted(cache._folder.iterdir())


def test_what_was_written_is_read(cache):
    write_photos(cache, range(30))
    assert_holds(cache, range(30))
    assert len(list_files(cache)) == 1


def test_nothing_written_is_nothing_read(cache):
    with cache.open_writer():
        pass
    assert_holds(cache, range(0))
    assert not cache._folder.exists()
    cache.drop()


def test_files_hold_a_limited_number_of_photos(cache):
    count = 2 * FILE_PHOTOS + 10
    with cache.open_writer() as writer:
        for number in range(count):
            writer.write([name_photo(number)], [draw_pools(number)])
        assert len(list_files(cache)) == 2  # what a run that is killed here leaves
    assert len(list_files(cache)) == 3
    assert len(cache.list_hashes()) == count
    assert max(len(some.hashes) for some in cache.read_batches()) == FILE_PHOTOS
    assert max(len(some.hashes) for some in cache.read_batches(batch=100)) == 100
    assert len(read_all(cache, batch=100)) == count


def test_only_what_is_wanted_is_read(cache):
    write_photos(cache, range(20))
    wanted = [name_photo(number) for number in (3, 17, 99)]
    assert read_all(cache, wanted).keys() == set(wanted[:2])
    assert not read_all(cache, [])


def test_the_photo_written_last_counts(cache):
    write_photos(cache, range(10))
    with cache.open_writer() as writer:
        writer.write([name_photo(4)] * 2, [draw_pools(40), draw_pools(41)])
    found = read_all(cache)
    assert len(found) == 10
    np.testing.assert_array_equal(found[name_photo(4)]["shape"], draw_pools(41)["shape"])


def test_an_error_on_the_way_loses_nothing(cache):
    def write_and_fail() -> None:
        with cache.open_writer() as writer:
            writer.write([name_photo(number) for number in range(5)], [draw_pools(number) for number in range(5)])
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_and_fail()
    assert_holds(cache, range(5))


@pytest.mark.parametrize(
    "changed",
    [
        (SPACES[0], replace(SPACES[1], weights_sha256="ef" * 32)),
        (SPACES[0],),
        (*SPACES, replace(SPACES[0], name="more")),
        (replace(SPACES[0], dimension=23), SPACES[1]),
    ],
)
def test_files_of_other_encoders_are_passed_over(cache, changed):
    write_photos(cache, range(5))
    other = PoolCache(cache._folder, changed)
    assert other.list_hashes() == set()
    assert not read_all(other)


def test_the_order_of_the_encoders_does_not_matter(cache):
    write_photos(cache, range(5))
    assert_holds(PoolCache(cache._folder, SPACES[::-1]), range(5))


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut short":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "zeros":
        path.write_bytes(bytes(len(data)))
    elif how == "one bit":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif how == "another table":
        pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)
    elif how == "a folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize("how", ["cut short", "empty", "zeros", "one bit", "another table", "a folder"])
def test_a_damaged_file_counts_as_absent(cache, how):
    write_photos(cache, range(40))
    (path,) = list_files(cache)
    write_photos(cache, range(100, 105))
    damage(path, how)
    assert read_all(cache).keys() == {name_photo(number) for number in range(100, 105)}
    assert cache.list_hashes() >= {name_photo(number) for number in range(100, 105)}


def test_every_single_damaged_byte_is_seen_or_does_no_harm(cache):
    """Numbers that are read are those that were written, whichever byte of the file is another one."""
    write_photos(cache, range(3))
    (path,) = list_files(cache)
    whole = path.read_bytes()
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        for sha256, pools in read_all(cache).items():
            number = next((n for n in range(3) if name_photo(n) == sha256), None)
            assert number is not None, at
            np.testing.assert_array_equal(pools["shape"], draw_pools(number)["shape"])


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "pools").write_text("a file in its place")
    cache = PoolCache(tmp_path / "pools", SPACES)
    with pytest.raises(SetupError, match="pools cannot be written") as caught:
        write_photos(cache, range(2))
    assert caught.value.code == "pools_not_writable"
    assert cache.list_hashes() == set()


def test_many_small_files_become_one(cache):
    for number in range(SMALL_FILES - 1):
        write_photos(cache, range(number, number + 2))
    assert len(list_files(cache)) == SMALL_FILES - 1
    (cache._folder / "left.tmp").write_bytes(b"a writer that was killed")
    os.utime(cache._folder / "left.tmp", (0, 0))
    (cache._folder / "now.tmp").write_bytes(b"a writer at work")
    write_photos(cache, range(SMALL_FILES - 1, SMALL_FILES + 1))
    assert len(list_files(cache)) == 2
    assert not (cache._folder / "left.tmp").exists()
    assert_holds(cache, range(SMALL_FILES + 1))


def test_putting_files_together_keeps_what_was_written_last(cache):
    for number in range(SMALL_FILES):
        with cache.open_writer() as writer:
            writer.write([name_photo(0)], [draw_pools(number)])
    assert len(list_files(cache)) == 1
    np.testing.assert_array_equal(read_all(cache)[name_photo(0)]["shape"], draw_pools(SMALL_FILES - 1)["shape"])


def test_a_reader_finds_photos_whose_files_are_put_together_meanwhile(cache):
    for number in range(SMALL_FILES - 1):
        write_photos(cache, range(number, number + 1))
    reading = cache.read_batches()
    found = list(next(reading).hashes)
    write_photos(cache, range(SMALL_FILES - 1, SMALL_FILES))
    found += [sha256 for some in reading for sha256 in some.hashes]
    assert sorted(found) == sorted(name_photo(number) for number in range(SMALL_FILES))


def write_in_child(folder: Path, start: int) -> None:
    for number in range(start, start + 40):
        write_photos(PoolCache(folder, SPACES), range(number, number + 1))


def test_two_processes_write_side_by_side(cache):
    """Enough single photos that each puts files together while the other writes."""
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=write_in_child, args=(cache._folder, start)) for start in (0, 40)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert_holds(cache, range(80))
    assert len(list_files(cache)) < 80


def test_dropping_leaves_nothing(cache):
    write_photos(cache, range(5))
    for name in ("left.tmp", "now.tmp"):
        (cache._folder / name).write_bytes(b"")
    os.utime(cache._folder / "left.tmp", (0, 0))
    cache.drop()
    assert [path.name for path in list_files(cache)] == ["now.tmp"]  # of a writer at work
    assert_holds(cache, range(0))
    write_photos(cache, range(3))
    assert_holds(cache, range(3))


def test_a_file_without_a_count_in_its_name_is_read_and_left_alone(cache):
    write_photos(cache, range(3))
    (path,) = list_files(cache)
    path.rename(path.with_name("brought-from-elsewhere.parquet"))
    assert pool_cache._read_count(Path("brought-from-elsewhere.parquet")) == FILE_PHOTOS
    assert_holds(cache, range(3))
