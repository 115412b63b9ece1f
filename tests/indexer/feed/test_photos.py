"""Photo links to files, and files to bytes."""

from __future__ import annotations

import os

import pytest

from indexer.feed import check_photo, read_photo, resolve_photo
from indexer.feed.photos import MAX_PHOTO_BYTES
from search.errors import FeedError


@pytest.mark.parametrize("link", ["images/a b.jpg", "./images/a b.jpg", "sub/../images/a b.jpg"])
def test_relative_links_start_at_the_feed(link, tmp_path, write):
    write("images/a b.jpg", b"photo")
    (tmp_path / "sub").mkdir()
    assert read_photo(link, tmp_path) == b"photo"


def test_absolute_paths_and_file_urls(tmp_path, write):
    path = write("a b%.jpg", b"photo")
    root = tmp_path / "elsewhere"
    assert resolve_photo(str(path), root) == path
    assert read_photo(path.as_uri(), root) == b"photo"
    assert read_photo(path.as_uri().replace("file:///", "file://localhost/"), root) == b"photo"


@pytest.mark.parametrize(
    "link",
    [
        *("http://shop.example/a.jpg", "HTTPS://shop.example/a.jpg", "//cdn.example/a.jpg", "s3://bucket/a.jpg"),
        *("file://host/a.jpg", "data:image/png;base64,AAAA", "http://[broken/a.jpg"),
    ],
)
def test_remote_photos_are_refused_with_the_way_out(link, tmp_path):
    with pytest.raises(FeedError, match="Download them first") as caught:
        resolve_photo(link, tmp_path)
    assert caught.value.code == "remote_photo"


@pytest.mark.parametrize("link", ["none.jpg", "a.jpg/b.jpg", "x" * 5_000, "a\0b.jpg", "c:d.jpg"])
def test_missing_photos(link, tmp_path, write):
    write("a.jpg", b"photo")
    with pytest.raises(FeedError) as caught:
        read_photo(link, tmp_path)
    assert caught.value.code == "missing_photo"
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("link", ["folder", "pipe", "/dev/zero", "/dev/null", "loop", ".", ""])
def test_what_is_no_plain_file_is_refused(link, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FeedError) as caught:
        read_photo(link, tmp_path)
    assert caught.value.code == "unreadable_photo"


def test_a_photo_that_is_too_large_is_refused_unread(tmp_path):
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES + 1)
    for look in (check_photo, read_photo):
        with pytest.raises(FeedError, match="at most 20") as caught:
            look("large.jpg", tmp_path)
        assert caught.value.code == "photo_too_large"
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES)
    assert len(read_photo("large.jpg", tmp_path)) == MAX_PHOTO_BYTES
