"""CLIP beside a backbone, from the feed to a search by words."""

from __future__ import annotations

import numpy as np
import pytest

from search.encoders.clip_record import load_record
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.contracts.tiny_clip import find_tiny_clip, write_tiny_clip
from tests.vitrine.conftest import MODELS, SETTINGS, Indexed
from vitrine.settings import load_settings
from vitrine.wiring import open_catalogue


@pytest.fixture(scope="module")
def clip() -> str:
    pytest.importorskip("open_clip", reason="the extra clip is not installed")
    return find_tiny_clip(MODELS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, clip: str) -> Indexed:
    """A shop of 12 items with CLIP, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("clip")
    feed = write_csv(folder / "feed.csv", draw_shop(folder, 12))
    shop = Indexed(folder=folder, data=folder / "data", feed=feed)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        answer = shop.run("index", feed, "--clip", clip.removeprefix("clip:"), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["indexed"] == 12
    return shop


def test_clip_is_a_third_space_with_half_of_the_backbones_weight(shop):
    facts = shop.run("info", "--json").json
    names = [space["name"] for space in facts["spaces"]]
    assert names[:2] == ["efficientnet_lite0", "color"]
    assert names[2].startswith("clip_tiny-model_tiny_")
    weights = facts["weights"]
    assert weights["color"] == 0.45
    assert weights["efficientnet_lite0"] == weights[names[2]] == pytest.approx(0.275)
    assert "clip:MODEL/TAG" in [card["name"] for card in facts["encoders"]]


def test_words_are_compared_with_photos_by_the_text_side(shop):
    """The score of a hit is the cosine of the text with its photo, in that one space."""
    found = shop.run("search", "--text", "red shoes", "--weight", "words=0", "--limit", "5", "--json")
    assert found.code == 0, found.err
    hits = found.json["hits"]
    assert len(hits) == 5
    with open_catalogue(load_settings(shop.data)) as catalogue:
        space = catalogue.manifest.spaces[2].name
        assert load_record(space, MODELS).weights_sha256 == catalogue.manifest.spaces[2].weights_sha256
        text = catalogue.embed_text("red shoes")
        assert list(text) == [space]
        stored = catalogue.store.read_items([hit["item"]["id"] for hit in hits], spaces=[space])
        cosines = [float(stored[hit["item"]["id"]].vectors[space] @ text[space]) for hit in hits]
    np.testing.assert_allclose([hit["score"] for hit in hits], cosines, atol=1e-4)
    assert cosines == sorted(cosines, reverse=True)


def test_a_photo_finds_itself_in_three_spaces(shop):
    answer = shop.run("evaluate", "self", shop.feed, "--count", "12", "--json")
    assert answer.code == 0, answer.err


def test_doctor_knows_of_clip_and_of_texts(shop):
    answer = shop.run("doctor", "--json")
    assert answer.code == 0, answer.out
    findings = {finding["check"]: finding for finding in answer.json["findings"]}
    assert "open_clip" in findings["clip"]["found"]
    assert "clip_tiny-model" in findings["texts"]["found"]
    assert "clip_tiny-model" in findings["encoders"]["found"]


def test_indexing_again_with_the_same_clip_goes_on_and_another_is_refused(shop, clip, tmp_path):
    again = shop.run("index", shop.feed, "--clip", clip, "--json")
    assert (again.code, again.json["unchanged"]) == (0, 12)
    other = write_tiny_clip(tmp_path / "other", seed=3)
    refused = shop.run("index", shop.feed, "--clip", f"tiny model/file:{other}")
    assert refused.code == 2
    assert "another data directory" in refused.err


def test_a_catalogue_without_clip_takes_none_later(tmp_path, clip):
    shop = Indexed(folder=tmp_path, data=tmp_path / "data", feed=write_csv(tmp_path / "f.csv", draw_shop(tmp_path, 3)))
    assert shop.run("index", shop.feed).code == 0
    refused = shop.run("index", shop.feed, "--clip", clip)
    assert refused.code == 2
    assert "efficientnet_lite0, color" in refused.err


def test_clip_can_be_the_backbone_itself(tmp_path, clip):
    shop = Indexed(folder=tmp_path, data=tmp_path / "data", feed=write_csv(tmp_path / "f.csv", draw_shop(tmp_path, 4)))
    assert shop.run("index", shop.feed, "--encoder", clip).code == 0
    facts = shop.run("info", "--json").json
    assert [space["name"] for space in facts["spaces"]][1:] == ["color"]
    assert sorted(facts["weights"].values()) == pytest.approx([0.45, 0.55])


def test_half_a_name_is_refused_before_anything_is_written(tmp_path):
    shop = Indexed(folder=tmp_path, data=tmp_path / "data", feed=write_csv(tmp_path / "f.csv", draw_shop(tmp_path, 1)))
    refused = shop.run("index", shop.feed, "--clip", "ViT-B-32")
    assert refused.code == 2
    assert "clip:MODEL/TAG" in refused.err
    assert not shop.data.exists()
