"""The manifest: whole or not there, and refused where it is damaged or of a later version."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from search.attributes import AttributeKind
from search.embedding import Space
from search.errors import IntegrityError, NotFoundError
from search.manifest import (
    FILE_NAME,
    FORMAT,
    ClassifierRecord,
    Manifest,
    PredictedAttribute,
    load_manifest,
    save_manifest,
)

MANIFEST = Manifest(
    spaces=(
        Space(name="efficientnet_lite0", dimension=1280, weights_sha256="a" * 64),
        Space(name="color", dimension=96, weights_sha256="b" * 64),
    ),
    weights={"efficientnet_lite0": 0.55, "color": 0.45},
    attributes={"title": AttributeKind.TEXT, "Größe (EU)": AttributeKind.KEYWORD, "price": AttributeKind.NUMBER},
    mapping={"id": "sku", "image_link": "Foto ☃"},
    profile="google",
    generation="0003",
)


def test_a_manifest_comes_back_as_it_was_saved(tmp_path: Path):
    save_manifest(MANIFEST, tmp_path / "new" / "data")
    loaded = load_manifest(tmp_path / "new" / "data")
    assert loaded == MANIFEST
    assert list(loaded.attributes) == list(MANIFEST.attributes)
    assert all(isinstance(kind, AttributeKind) for kind in loaded.attributes.values())
    assert [file.name for file in (tmp_path / "new" / "data").iterdir()] == [FILE_NAME]


def test_the_live_classifier_comes_back_with_its_schema(tmp_path: Path):
    color = PredictedAttribute(labels=("Red", "Größe"), multi_valued=True)
    record = ClassifierRecord(version="c" * 8, weights_sha256="c" * 64, attributes={"color": color})
    learnt = Space(name="classifier", dimension=256, weights_sha256="c" * 64, trained=True)
    save_manifest(replace(MANIFEST, classifier=record, spaces=(*MANIFEST.spaces, learnt)), tmp_path)
    loaded = load_manifest(tmp_path)
    assert loaded.classifier == record
    assert loaded.list_predicted() == {"color"}
    assert loaded.list_encoder_spaces() == MANIFEST.spaces


def test_a_manifest_from_before_there_were_classifiers_is_read(tmp_path: Path):
    save_manifest(MANIFEST, tmp_path)
    raw = json.loads((tmp_path / FILE_NAME).read_text("utf-8"))
    for space in raw["spaces"]:
        del space["trained"]
    del raw["classifier"]
    (tmp_path / FILE_NAME).write_text(json.dumps({**raw, "format": 1}), "utf-8")
    assert load_manifest(tmp_path) == MANIFEST


def test_a_folder_without_one_holds_no_catalogue(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFoundError) as caught:
            load_manifest(folder)
        assert caught.value.code == "no_catalogue"
        assert "vitrine index" in caught.value.message
    assert not (tmp_path / "nowhere").exists()


def change(raw: dict, **changes: object) -> str:
    return json.dumps({k: v for k, v in {**raw, **changes}.items() if v != "absent"})


@pytest.mark.parametrize(
    "changes",
    [
        {"format": FORMAT + 1},
        {"format": None},
        {"format": "absent"},
        {"spaces": "absent"},
        {"spaces": [{"name": "color"}]},
        {"spaces": [{"name": "color", "dimension": 3, "weights_sha256": "x", "more": 1}]},
        {"spaces": 5},
        {"weights": {"color": "much"}},
        {"weights": None},
        {"attributes": {"color": "colourful"}},
        {"attributes": ["color"]},
        {"mapping": 3},
        {"generation": "absent"},
    ],
    ids=str,
)
def test_a_damaged_manifest_is_named_as_such(tmp_path: Path, changes: dict):
    save_manifest(MANIFEST, tmp_path)
    file = tmp_path / FILE_NAME
    file.write_text(change(json.loads(file.read_text("utf-8")), **changes), "utf-8")
    with pytest.raises(IntegrityError, match=FILE_NAME):
        load_manifest(tmp_path)


def test_a_manifest_cut_anywhere_is_damaged(tmp_path: Path):
    save_manifest(MANIFEST, tmp_path)
    file = tmp_path / FILE_NAME
    whole = file.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(IntegrityError):
            load_manifest(tmp_path)
    for text in (b"[]", b"null", b"7", b"\xff\xfe", b'"catalogue"'):
        file.write_bytes(text)
        with pytest.raises(IntegrityError):
            load_manifest(tmp_path)


def test_a_reader_never_sees_half_of_one(tmp_path: Path):
    """While it is written over and over, every reading is one of the manifests, whole."""
    wide = replace(MANIFEST, attributes={f"attribute {n}": AttributeKind.KEYWORD for n in range(500)})
    save_manifest(MANIFEST, tmp_path)
    done = threading.Event()

    def write() -> None:
        for n in range(30):
            save_manifest((MANIFEST, wide)[n % 2], tmp_path)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        assert load_manifest(tmp_path) in (MANIFEST, wide)
        seen += 1
    writer.join()
    assert seen
