"""`vitrine classify`, and what a search from the command line says of predictions: over a small catalogue with a
classifier of colours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer

from search.errors import NotFoundError, QueryError
from search.filters import Source
from tests.api.conftest import TAGGER, build_catalogue, draw_photo
from vitrine.commands import classify as command
from vitrine.commands.classify import classify_photos
from vitrine.commands.inspect import describe_catalogue
from vitrine.commands.search import Question, ask, print_answer
from vitrine.settings import Settings


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Twelve items with a classifier; the shop has named the colour of the first six."""
    opened = build_catalogue(tmp_path_factory.mktemp("classified"), TAGGER)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path)


@pytest.fixture
def serving(monkeypatch):
    """A function that lets the command find this catalogue in the data directory."""

    def use(catalogue) -> None:
        @contextmanager
        def open_it(settings, *, say) -> Iterator:
            yield catalogue

        monkeypatch.setattr(command, "open_catalogue", open_it)

    return use


@pytest.fixture
def photos(tmp_path):
    """A red photo, a file that is none, and a blue photo."""
    files = [tmp_path / name for name in ("red.jpg", "broken.jpg", "blue.jpg")]
    for file, content in zip(files, (draw_photo("Red"), b"\xff\xd8\xff\xe0 no", draw_photo("Blue")), strict=True):
        file.write_bytes(content)
    return files


def test_each_photo_gets_a_table(serving, catalogue, settings, photos, capsys):
    serving(catalogue)
    classify_photos(settings, [photos[0], photos[2]], as_json=False)
    text = capsys.readouterr().out
    rows = [line.split()[1] for line in text.splitlines() if line.startswith("color")]
    assert rows == ["Red", "Blue"]
    assert text.index("red.jpg") < text.index("blue.jpg")
    assert text.count(TAGGER.version) == 2
    assert text.count("out of catalogue 0.0") == 2
    assert "does not look like" not in text


def test_as_json_it_is_one_document(serving, catalogue, settings, photos, capsys):
    serving(catalogue)
    classify_photos(settings, [photos[2]], as_json=True)
    (photo,) = json.loads(capsys.readouterr().out)["photos"]
    assert photo["file"] == str(photos[2])
    assert photo["attributes"]["color"]["accepted"] == ["Blue"]
    assert len(photo["attributes"]["color"]["values"]) == 3
    assert photo["photo"].startswith("sha256:")
    assert photo["out_of_catalogue"] < 0.1
    assert photo["outside"] is False
    assert photo["model"] == TAGGER.version


@pytest.mark.parametrize(("missing", "code"), [(False, 1), (True, 2)])
def test_a_photo_that_cannot_be_read_is_named_and_the_others_answered(
    serving, catalogue, settings, photos, capsys, missing, code
):
    serving(catalogue)
    if missing:
        photos[1].unlink()
    with pytest.raises(typer.Exit) as ended:
        classify_photos(settings, photos, as_json=False)
    said = capsys.readouterr()
    assert ended.value.exit_code == code
    assert "broken.jpg" in said.err
    assert "Red" in said.out
    assert "Blue" in said.out
    with pytest.raises(typer.Exit) as ended:
        classify_photos(settings, photos, as_json=True)
    assert ended.value.exit_code == code
    red, broken, blue = json.loads(capsys.readouterr().out)["photos"]
    assert broken.keys() == {"file", "error"}
    assert broken["error"]["detail"]
    assert [each["attributes"]["color"]["accepted"] for each in (red, blue)] == [["Red"], ["Blue"]]


def test_without_a_classifier_it_is_said_how_to_get_one(serving, settings, photos, tmp_path):
    bare = build_catalogue(tmp_path / "bare")
    serving(bare)
    with pytest.raises(NotFoundError, match="vitrine train heads") as caught:
        classify_photos(settings, photos, as_json=False)
    assert caught.value.code == "no_classifier"
    with pytest.raises(NotFoundError, match="no classifier"):
        ask(bare, Question(photos=(str(photos[0]),), classify=True))
    with pytest.raises(QueryError, match="no predictions"):
        ask(bare, Question(filters=["color=Red"], source=Source.PREDICTED))
    assert describe_catalogue(bare, settings)["classifier"] == {}
    bare.close()


def test_a_search_says_what_is_seen_and_whose_value_it_shows(catalogue, photos, capsys):
    answer = ask(catalogue, Question(photos=(str(photos[0]),), classify=True))
    assert answer.query.attributes is not None
    assert answer.query.attributes["color"].accepted == ["Red"]
    assert answer.took_ms.classify > 0
    print_answer(answer)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("color")
    by_shop, by_photo = (next(line for line in lines if f" item-{number} " in line) for number in (0, 9))
    assert "(seen)" not in by_shop
    assert "Red (seen)" in by_photo


@pytest.mark.parametrize(("source", "count"), [(Source.MERCHANT, 2), (Source.EITHER, 4), (Source.PREDICTED, 4)])
def test_filters_and_facets_go_by_the_source(catalogue, source, count):
    answer = ask(catalogue, Question(filters=["color=Red"], facets=["color"], source=source))
    assert answer.total.value == count
    assert {each.value: each.count for each in answer.facets["color"]} == dict.fromkeys(("Red", "Green", "Blue"), count)


def test_info_names_the_classifier(catalogue, settings):
    assert describe_catalogue(catalogue, settings)["classifier"] == {"version": TAGGER.version, "labels": {"color": 3}}
