"""Which text encoder a catalogue asks: the text tower, else the text side of one of its encoders, else none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from search.catalogue import Catalogue
from search.embedding import Embeddings, Space
from search.errors import NotFoundError
from search.manifest import Manifest, TextRecord
from search.thumbnails import Thumbnails
from tests.contracts.memory_store import MemoryStore

SPACES = (Space(name="pixels", dimension=4, weights_sha256="ab" * 32),)


@dataclass(frozen=True, kw_only=True)
class Letters:
    """A text by the share of its letters a, b, c and d, times a number that tells one encoder from another."""

    version: str
    factor: float

    def embed(self, text: str) -> Embeddings:
        counts = [self.factor * text.count(letter) for letter in "abcd"]
        return {"pixels": np.array(counts, np.float32)}


def open_it(folder: Path, *, side: Letters | None, asked: list[str]) -> Catalogue:
    def open_tower(record: TextRecord, spaces):
        asked.append(record.version)
        return Letters(version=record.version, factor=2)

    def open_side(spaces):
        assert spaces == SPACES
        asked.append("side")
        return side

    return Catalogue(
        folder=folder,
        manifest=Manifest(spaces=SPACES, weights={"pixels": 1.0}, attributes={}),
        store=MemoryStore({"pixels": 4}),
        open_encoders=lambda: (),
        open_tagger=lambda record: pytest.fail("no photo is asked about"),
        thumbnails=Thumbnails(folder / "thumbnails"),
        open_text=open_tower,
        open_clip_text=open_side,
    )


def test_the_text_side_is_asked_until_there_is_a_tower(tmp_path):
    asked: list[str] = []
    catalogue = open_it(tmp_path, side=Letters(version="side", factor=1), asked=asked)
    for _ in range(2):
        np.testing.assert_array_equal(catalogue.embed_text("abba")["pixels"], [2, 2, 0, 0])
    catalogue.adopt_text(TextRecord(version="12345678"))
    for _ in range(2):
        np.testing.assert_array_equal(catalogue.embed_text("abba")["pixels"], [4, 4, 0, 0])
    assert asked == ["side", "12345678"], "each is opened once, at the first text"


def test_without_either_the_way_out_is_named(tmp_path):
    asked: list[str] = []
    catalogue = open_it(tmp_path, side=None, asked=asked)
    with pytest.raises(NotFoundError, match="vitrine train text") as caught:
        catalogue.embed_text("abba")
    assert caught.value.code == "no_text_encoder"
    assert asked == ["side"]
