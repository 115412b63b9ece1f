"""`vitrine train text`, `vitrine search --text` and `vitrine evaluate text` on a drawn shop, as a person types them."""

from __future__ import annotations

import shutil

import pytest

from search.manifest import load_manifest
from tests.vitrine.conftest import SETTINGS, Indexed, index_shop

pytest.importorskip("open_clip", reason="the extra clip is not installed")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    """A shop of 90 items whose text tower has learnt from their titles."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        shop, indexed = index_shop(tmp_path_factory.mktemp("told"), 90)
        assert indexed.code == 0, indexed.err
        trained = shop.run("train", "text", shop.feed, "--towers", 1, "--json")
        assert trained.code == 0, trained.err
        report = trained.json
        assert report["trained_on"] + report["validation"]["items"] < 90  # the test items are not looked at
        record = load_manifest(shop.data).text
        assert record is not None
        assert record.version == report["version"]
    return shop


def test_words_find_photos_whatever_their_titles_say(told):
    for color in ("red", "blue"):
        answer = told.run("search", "--text", color, "--weight", "words=0", "-n", 5, "--json").json
        assert answer["notes"] == []
        assert "words" not in answer["hits"][0]["parts"]
        found = [hit["item"]["color"].lower() for hit in answer["hits"]]
        assert found.count(color) >= 4, found


def test_a_text_moves_a_photos_hits_and_can_be_taken_from_them(told):
    plain = told.run("search", "--item", "item-0", "-n", 60, "--json").json["hits"]
    own = plain[0]["item"]["color"].lower()
    other = next(hit["item"]["color"].lower() for hit in plain if hit["item"]["color"].lower() != own)
    question = ("search", "--item", "item-0", "--weight", "words=0", "--weight", "color=1", "-n", 10, "--json")
    towards, away = (told.run(*question, "--text", f"{other}^{sign}4").json["hits"] for sign in ("", "-"))
    share = [sum(hit["item"]["color"].lower() == other for hit in hits) for hits in (towards, away)]
    assert share[0] > share[1]


def test_titles_and_phrases_are_measured(told):
    answer = told.run("evaluate", "text", told.feed, "--phrases", "color,brand", "--json")
    assert answer.code == 0, answer.err
    report = answer.json
    assert report["titles"].keys() == {"r@1", "r@5", "r@10", "mrr"}
    assert 0 < report["titles"]["r@10"] <= 1
    assert report["phrases"].keys() >= {"phrases", "p@1", "p@10"}
    assert "R@10" in told.run("evaluate", "text", told.feed).out
    refused = told.run("evaluate", "text", told.feed, "--split", "nowhere")
    assert (refused.code, "nowhere" in refused.err) == (2, True)


def test_a_damaged_tower_is_said_and_a_new_one_mends_it(told, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(told.data, data)
    copy = Indexed(folder=told.folder, data=data, feed=told.feed)
    version = load_manifest(data).text.version
    (data / "models" / "text" / version / "text.onnx").write_bytes(b"broken")
    refused = copy.run("search", "--text", "red")
    assert refused.code != 0
    assert "train" in refused.err
    again = copy.run("train", "text", copy.feed, "--towers", 1, "--epochs", 1, "--seed", 1, "--json")
    assert again.code == 0, again.err
    assert copy.run("search", "--text", "red", "-n", 1).code == 0


def test_a_shop_without_titles_has_nothing_to_learn_from(small_shop):
    answer = small_shop.run("train", "text", small_shop.feed)
    assert answer.code == 2
    assert "50" in answer.err
    assert small_shop.run("evaluate", "text", small_shop.feed).code == 2
