"""Photos asked about before: kept for a while, and only so many."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest

from api.query_photos import QueryPhoto, QueryPhotos
from search.errors import NotFoundError
from tests.api.conftest import draw_photo
from tests.api.problems import check_problem


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def make_photo(sha256):
    return QueryPhoto(
        sha256=sha256,
        region=None,
        embeddings={"shape": np.ones(2, np.float32)},
        pools={"shape": np.ones((4, 2), np.float32)},
        tagging=None,
        thumbnail=b"jpeg",
        picture=b"larger jpeg",
    )


def test_a_photo_is_forgotten_some_time_after_its_last_use():
    clock = Clock()
    photos = QueryPhotos(max_photos=9, ttl_s=10, clock=clock)
    photos.keep(make_photo("a"))
    clock.now = 9
    assert photos.read("a").thumbnail == b"jpeg"
    clock.now = 18.9
    photos.read("a")
    clock.now = 28.9
    with pytest.raises(NotFoundError) as caught:
        photos.read("a")
    assert caught.value.code == "photo_expired"
    assert len(photos) == 0


def test_the_photo_not_used_for_longest_goes_first():
    photos = QueryPhotos(max_photos=2, ttl_s=10, clock=Clock())
    for name in ("a", "b"):
        photos.keep(make_photo(name))
    photos.read("a")
    photos.keep(make_photo("c"))
    assert photos.read("a")
    assert photos.read("c")
    with pytest.raises(NotFoundError):
        photos.read("b")


def test_many_threads_at_once_leave_it_within_its_bounds():
    photos = QueryPhotos(max_photos=5, ttl_s=100)

    def use(seed):
        for number in range(300):
            photos.keep(make_photo(str((seed * 31 + number) % 17)))
            with contextlib.suppress(NotFoundError):
                photos.read(str(number % 17))

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(photos) == 5


def test_over_http_an_expired_photo_is_404_until_it_is_sent_again(make_client):
    client = make_client(max_photos_kept=1)
    first = client.post("/v1/search", files={"photo": ("p", draw_photo())}).json()["query"]
    assert client.post("/v1/search", json={"photo": first["photo"]}).status_code == 200
    picture = client.get(first["photo_url"])
    assert picture.headers["content-type"] == "image/jpeg"
    tag = picture.headers["etag"]
    assert client.get(first["photo_url"], headers={"If-None-Match": tag}).status_code == 304
    client.post("/v1/search", files={"photo": ("p", draw_photo("Blue"))})
    check_problem(client.post("/v1/search", json={"photo": first["photo"]}), 404, "photo_expired")
    check_problem(client.get(first["photo_url"]), 404, "photo_expired")
    check_problem(client.get(first["photo_url"], headers={"If-None-Match": tag}), 404, "photo_expired")
    client.post("/v1/search", files={"photo": ("p", draw_photo())})
    assert client.get(first["photo_url"]).status_code == 200


def test_a_hash_that_is_none_is_422(client):
    for path in ("/v1/photos/abc", "/v1/photos/" + "A" * 64):
        check_problem(client.get(path), 422, "invalid_request", "/sha256")
