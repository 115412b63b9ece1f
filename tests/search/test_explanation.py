"""An explanation against the search it explains, over the drawn catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import NotFoundError, QueryError
from search.explanation import AskedPicture, explain
from search.filters import Source
from search.heat_map import HeatKind
from search.photo import decode_photo
from search.query import ItemExample, PhotoExample, Query, TextExample, like_item
from search.region import Box
from tests.api.conftest import TAGGER, build_catalogue, draw_photo

SPACES = ("shape", "color", "classifier")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    catalogue = build_catalogue(tmp_path_factory.mktemp("explained"), TAGGER)
    yield catalogue
    catalogue.close()


def ask_photo(catalogue, data, region=None):
    embedded = catalogue.embed_photo(data, region)
    picture = decode_photo(embedded.picture).picture
    return AskedPicture(
        example=PhotoExample(embeddings=embedded.embeddings, sha256=embedded.sha256, region=region),
        picture=picture if region is None else region.crop(picture),
        predictions=embedded.tagging.predictions,
    )


def test_the_score_is_that_of_the_search(catalogue):
    asked = ask_photo(catalogue, draw_photo("Blue", "square", seed=5))
    for example, subject in ((asked.example, asked), (ItemExample(item_id="item-3"), ItemExample(item_id="item-3"))):
        result = catalogue.search(Query(examples=(example,), limit=12, exact=True))
        assert len(result.hits) >= 11
        for hit in result.hits:
            told = explain(subject, hit.item.id, catalogue, heat=False)
            assert told.score == pytest.approx(hit.score, abs=1e-5)
            assert {part.space: part.cosine for part in told.parts} == pytest.approx(dict(hit.parts), abs=1e-5)
            assert told.weights == pytest.approx(dict(result.weights))


@settings(max_examples=2_000, deadline=None)
@given(
    st.integers(0, 11),
    st.integers(0, 11),
    st.dictionaries(st.sampled_from(SPACES), st.floats(0, 1e6), min_size=1, max_size=3),
)
def test_contributions_sum_to_the_score(catalogue, asked, found, weights):
    if not any(weights.values()):
        with pytest.raises(QueryError):
            explain(ItemExample(item_id=f"item-{asked}"), f"item-{found}", catalogue, weights=weights, heat=False)
        return
    told = explain(ItemExample(item_id=f"item-{asked}"), f"item-{found}", catalogue, weights=weights, heat=False)
    assert sum(part.contribution for part in told.parts) == pytest.approx(told.score, abs=1e-9)
    assert sum(part.weight for part in told.parts) == pytest.approx(1)
    for part in told.parts:
        assert part.contribution == pytest.approx(part.weight * part.cosine)
        assert -1 <= part.cosine <= 1
        assert weights[part.space] > 0
    if asked == found:
        assert told.score == pytest.approx(1, abs=1e-5)


def test_attributes_say_who_says_so(catalogue):
    told = explain(
        ItemExample(item_id="item-0"), "item-6", catalogue
    )  # both red circles; of item-6 the shop says no colour
    pairs = {pair.name: pair for pair in told.attributes}
    assert list(pairs) == ["color", "product_type", "year"]
    color = pairs["color"]
    assert color.agrees
    assert color.shared == ("Red",)
    assert (color.asked.source, color.asked.confidence) == (Source.MERCHANT, None)
    assert color.found.source is Source.PREDICTED
    assert color.found.values == ("Red",)
    assert color.found.confidence is not None
    assert 0.9 < color.found.confidence <= 1
    assert pairs["product_type"].shared == ("circle",)
    assert not pairs["year"].agrees
    assert pairs["year"].shared == ()


def test_a_photo_has_only_what_is_seen_in_it(catalogue):
    told = explain(ask_photo(catalogue, draw_photo("Green", "square")), "item-3", catalogue)
    (color,) = told.attributes
    assert (color.name, color.agrees) == ("color", False)
    assert (color.asked.values, color.asked.source) == (("Green",), Source.PREDICTED)
    assert (color.found.values, color.found.source) == (("Red",), Source.MERCHANT)


def test_colours_are_compared(catalogue):
    same = explain(ItemExample(item_id="item-0"), "item-6", catalogue).colors
    other = explain(ItemExample(item_id="item-0"), "item-1", catalogue).colors
    assert same is not None
    assert other is not None
    assert same.difference.main < 3
    assert other.difference.main > 40
    assert same.asked[0][0].startswith("#c")
    itself = explain(ItemExample(item_id="item-0"), "item-0", catalogue).colors
    assert itself is not None
    assert (itself.difference.main, itself.difference.palette) == (0, pytest.approx(0, abs=1e-6))


def test_heat_sums_to_the_similarity_of_the_pictures_at_hand(catalogue):
    told = explain(ItemExample(item_id="item-0"), "item-2", catalogue)
    stored = {part.space: part.cosine for part in told.parts}
    for heat in (told.asked_heat, told.found_heat):
        assert [each.space for each in heat] == list(SPACES)
        for each in heat:
            if each.kind is HeatKind.PARTS:
                assert each.values.sum() == pytest.approx(each.cosine, abs=1e-4)
            assert each.cosine == pytest.approx(stored[each.space], abs=0.02)


def test_a_region_is_explained_by_what_is_in_it(catalogue):
    data = draw_photo("Blue", "square", seed=5)
    box = Box(x0=0.3, y0=0.3, x1=0.7, y1=0.7)
    whole, inside = (explain(ask_photo(catalogue, data, region), "item-5", catalogue) for region in (None, box))
    assert whole.score == pytest.approx(1, abs=1e-3)  # it is the item's own photo
    assert inside.score < whole.score
    assert inside.asked_picture is not None
    assert inside.asked_picture.size == (160, 160)
    assert inside.colors is not None
    assert inside.colors.asked[0][1] > 0.99


def test_what_is_not_there_is_not_found(catalogue):
    for asked, hit, index, code in (
        ("item-0", "nobody", 0, "item_not_found"),
        ("nobody", "item-0", 0, "item_not_found"),
        ("item-0", "item-1", 1, "photo_not_found"),
        ("item-0", "nobody", 1, "item_not_found"),
    ):
        with pytest.raises(NotFoundError) as caught:
            explain(ItemExample(item_id=asked), hit, catalogue, photo_index=index)
        assert caught.value.code == code


def test_a_missing_thumbnail_is_said(tmp_path):
    catalogue = build_catalogue(tmp_path)
    try:
        (hit,) = catalogue.search(Query(examples=like_item("item-0"), limit=1)).hits
        (tmp_path / "thumbnails" / hit.photo.sha256[:2] / f"{hit.photo.sha256}.jpg").unlink()
        told = explain(ItemExample(item_id="item-0"), hit.item.id, catalogue)
        assert told.found_picture is None
        assert told.found_heat == ()
        assert told.asked_heat
        assert [note.code for note in told.notes] == ["photo_missing"]
        assert told.score == pytest.approx(hit.score, abs=1e-5)
    finally:
        catalogue.close()


def say_words(catalogue, text, spaces):
    """A text whose embedding is three times that of a red circle."""
    shape = catalogue.store.read_items(["item-0"], spaces=spaces)["item-0"].vectors
    return TextExample(text=text, embeddings={name: 3 * shape[name] for name in spaces})


def test_a_text_is_explained_as_it_was_scored_and_by_the_words_the_item_has(catalogue):
    asked = say_words(catalogue, "Red CIRCLES, red umbrella", ("shape", "color"))
    weights = {"shape": 1.0, "color": 3.0, "words": 0.0}
    result = catalogue.search(Query(examples=(asked,), weights=weights, limit=12, exact=True))
    for hit in result.hits:
        told = explain(asked, hit.item.id, catalogue, weights=weights)
        assert told.score == pytest.approx(hit.score, abs=1e-5)
        for part in told.parts:
            assert part.contribution == pytest.approx(part.weight * part.cosine)
            assert -1 <= part.cosine <= 1
    told = explain(asked, "item-0", catalogue)
    assert [part.cosine for part in told.parts] == pytest.approx([1, 1], abs=1e-5)
    assert told.words == ("Red", "CIRCLES")
    assert explain(asked, "item-1", catalogue).words == ()
    assert told.asked_picture is None
    assert told.asked_heat == ()
    assert told.attributes == ()
    assert told.colors is None
    assert [each.space for each in told.found_heat] == ["shape", "color"]
    for each in told.found_heat:
        assert each.values.sum() == pytest.approx(each.cosine, abs=1e-4)
        assert each.cosine == pytest.approx(1, abs=0.02)


def test_a_text_without_an_embedding_is_explained_by_its_words_alone(catalogue):
    told = explain(TextExample(text="a red thing"), "item-0", catalogue)
    assert told.words == ("red",)
    assert (told.score, told.parts, told.found_heat) == (0, (), ())
    assert told.found_picture is not None
    assert [note.code for note in told.notes] == ["no_text_encoder"]
    with pytest.raises(QueryError):
        explain(TextExample(text="of the"), "item-0", catalogue)
