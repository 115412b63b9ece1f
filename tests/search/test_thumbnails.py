"""Thumbnails: kept by the hash of their photo, whoever writes them and how often."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from search.thumbnails import Thumbnails

SHA256 = "0f" * 32


def test_a_thumbnail_comes_back(tmp_path: Path):
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    assert thumbnails.read(SHA256) is None
    thumbnails.write(SHA256, b"jpeg")
    assert thumbnails.read(SHA256) == b"jpeg"
    assert Thumbnails(tmp_path / "thumbnails").read(SHA256) == b"jpeg"


@pytest.mark.parametrize("name", ["", "../" + SHA256, SHA256.upper(), SHA256[:-1], SHA256 + "\n", "a/b", "\0" * 64])
def test_only_a_hash_names_one(tmp_path: Path, name: str):
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    assert thumbnails.read(name) is None
    with pytest.raises(ValueError, match="SHA-256"):
        thumbnails.write(name, b"jpeg")
    assert list(tmp_path.rglob("*")) == []


def test_workers_that_hold_the_same_picture_do_not_meet(tmp_path: Path):
    """A catalogue has byte-identical photos, and two workers get to them at once."""
    thumbnails = Thumbnails(tmp_path)
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def write() -> None:
        try:
            for n in range(60):
                start.wait(20)
                thumbnails.write(f"{n:064x}", b"\xff\xd8" + bytes(40_000))
        except Exception as error:  # noqa: BLE001 - a thread can only hand over what it met
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == [f"{n:064x}.jpg" for n in range(60)]
