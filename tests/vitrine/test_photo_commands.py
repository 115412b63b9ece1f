"""`vitrine regions` and `vitrine explain` as a person types them, with the real encoders."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.search.people import draw_person
from tests.vitrine.conftest import index_shop, run_vitrine


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        from tests.vitrine.conftest import SETTINGS

        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        shop, answer = index_shop(tmp_path_factory.mktemp("explained"), 9)
        if answer.code == 5:
            pytest.skip("the encoder's weights are not on this machine")
        assert answer.code == 0, answer.err
        return shop


@pytest.fixture
def person(tmp_path: Path) -> Path:
    path = tmp_path / "person.png"
    draw_person().save(path)
    return path


def test_regions_are_listed_without_a_catalogue(tmp_path, person):
    answer = run_vitrine(tmp_path / "nothing", "regions", person)
    assert answer.code == 0, answer.err
    for name in ("whole product", "upper body", "lower body", "feet"):
        assert name in answer.out
    told = run_vitrine(tmp_path / "nothing", "regions", person, "--json").json
    assert [each["name"] for each in told["regions"]] == ["whole product", "upper body", "lower body", "feet"]


def test_what_is_no_photo_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    assert run_vitrine(tmp_path, "regions", tmp_path / "a.jpg").code == 1
    assert run_vitrine(tmp_path, "regions", tmp_path / "none.jpg").code != 0


def test_a_hit_is_explained_as_it_was_scored(shop):
    found = shop.run("search", "--item", "item-0", "--json", "-n", 3).json
    for hit in found["hits"]:
        told = shop.run("explain", "--item", "item-0", hit["id"], "--json").json
        assert told["score"] == pytest.approx(hit["score"], abs=1e-5)
        assert told["hit_photo"]["index"] == hit["photo"]["index"]
    assert sum(part["contribution"] for part in told["parts"]) == pytest.approx(told["score"], abs=1e-9)
    for side in (told["asked_heat"], told["found_heat"]):
        for each in side["maps"]:
            assert sum(map(sum, each["values"])) == pytest.approx(each["cosine"], abs=1e-3)


def test_an_explanation_is_printed_and_drawn(shop, tmp_path):
    photo, drawn = shop.folder / "photos" / "3.jpg", tmp_path / "why.png"
    answer = shop.run("explain", "--photo", photo, "item-3", "--out", drawn)
    assert answer.code == 0, answer.err
    for word in ("item-3", "efficientnet_lite0", "color", "CIEDE2000"):
        assert word in answer.out
    with Image.open(drawn) as picture:
        assert picture.size == (960, 480)


def test_a_second_photo_and_a_region_can_be_asked_about(shop):
    photo = shop.folder / "photos" / "3-back.jpg"
    told = shop.run("explain", "--photo", photo, "item-3", "--photo-index", 1, "--json").json
    assert told["hit_photo"]["index"] == 1
    assert told["score"] == pytest.approx(1, abs=1e-3)
    part = shop.run("explain", "--photo", photo, "item-3", "--region", "0,0.1,0.5,0.6", "--json").json
    assert part["region"] == [0, 0.1, 0.5, 0.6]
    assert part["score"] < 0.99


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["item-0"], 2),
        (["item-0", "--item", "item-1", "--photo", "a.jpg"], 2),
        (["item-0", "--item", "item-1", "--text", "red"], 2),
        (["item-0", "--text", "red", "--region", "0,0,1,1"], 2),
        (["item-0", "--item", "item-1", "--region", "0,0,1,1"], 2),
        (["item-0", "--item", "item-1", "--out", "why.txt"], 2),
        (["item-0", "--item", "item-1", "--weight", "shoe=1"], 2),
        (["nobody", "--item", "item-1"], 4),
        (["item-0", "--item", "nobody"], 4),
        (["item-1", "--item", "item-0", "--photo-index", "1"], 4),
    ],
)
def test_what_makes_no_sense_is_said(shop, arguments, code):
    answer = shop.run("explain", *arguments)
    assert answer.code == code
    assert answer.out == ""
    assert answer.err


def test_words_are_explained(shop):
    color = shop.run("search", "--item", "item-1", "-n", 9, "--json").json["hits"][-1]["item"]["color"]
    hit = shop.run("search", "--text", color, "-n", 1, "--json").json["hits"][0]["id"]
    answer = shop.run("explain", "--text", f"a {color} umbrella", hit)
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == f"words in its title and attributes: {color}"


@pytest.mark.parametrize("region", ["0,0,1", "a,b,c,d", "0,0,1,2", "0.5,0,0.5,1", "nan,0,1,1", ""])
def test_a_region_that_is_none_is_refused(shop, region):
    answer = shop.run("explain", "item-3", "--photo", shop.folder / "photos" / "3.jpg", "--region", region)
    assert answer.code == 2
    assert "invalid_region" in answer.err
