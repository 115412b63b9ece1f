"""Heads on disk: what comes back is what was saved, and nothing else comes back."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from classifier.heads.artefact import load_heads, save_heads
from search.errors import IntegrityError, MismatchError, SetupError
from tests.classifier.heads.made_photos import SPACES


@pytest.fixture
def folder(heads, tmp_path):
    save_heads(tmp_path, heads)
    return tmp_path


def test_what_comes_back_is_what_was_saved(heads, folder, fresh):
    loaded = load_heads(folder)
    assert loaded.version == heads.version == heads.weights_sha256[:8]
    assert loaded.schema == heads.schema
    assert loaded.calibrations == heads.calibrations
    assert loaded.metrics == heads.metrics
    for name, chances in heads.predict(fresh.pools).items():
        assert np.array_equal(loaded.predict(fresh.pools)[name], chances)
        assert np.array_equal(loaded.thresholds[name], heads.thresholds[name])
    assert loaded.outliers is not None
    assert np.array_equal(loaded.outliers.score(fresh.pools), heads.outliers.score(fresh.pools))


def test_the_hash_is_that_of_the_file(heads, tmp_path):
    assert save_heads(tmp_path, heads) == heads.weights_sha256


def test_a_truncated_file_is_refused_by_name(folder):
    path = folder / "heads.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(IntegrityError, match=r"heads\.safetensors is damaged"):
        load_heads(folder)


def test_a_flipped_bit_is_refused_by_name(folder):
    path = folder / "heads.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"heads\.safetensors is damaged"):
        load_heads(folder)


def test_a_missing_file_is_named(folder, tmp_path_factory):
    (folder / "heads.safetensors").unlink()
    with pytest.raises(IntegrityError, match=r"heads\.safetensors cannot be read"):
        load_heads(folder)
    with pytest.raises(SetupError, match=r"heads\.json cannot be read"):
        load_heads(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card["attributes"][0]["labels"].pop(),
        lambda card: card.pop("calibrations"),
        lambda card: card["encoders"].pop(),
        lambda card: card["encoders"][0].update(name="other"),
        lambda card: card.update(kind="network"),
        lambda card: card["vector_weights"].clear(),
        lambda card: card["calibrations"].update(color=3),
    ],
)
def test_a_card_that_does_not_describe_the_weights_is_refused_by_name(folder, change):
    path = folder / "heads.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))
    with pytest.raises(IntegrityError, match=r"heads\.json"):
        load_heads(folder)


def test_other_encoders_are_refused_by_name(heads):
    heads.check_encoders(SPACES)
    other = dataclasses.replace(SPACES[0], weights_sha256="f" * 64)
    with pytest.raises(MismatchError, match=r"trained on looks with weights 111111111111.*ffffffffffff"):
        heads.check_encoders([other, SPACES[1]])
    with pytest.raises(MismatchError, match=r"trained on color .* none of that name"):
        heads.check_encoders(SPACES[:1])


def test_reading_and_tagging_load_no_torch(folder):
    program = (
        "import sys, pathlib; from classifier.heads.artefact import load_heads; "
        "from classifier.heads.tagger import HeadsTagger; HeadsTagger(load_heads(pathlib.Path(sys.argv[1]))); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(folder)]).returncode == 0
