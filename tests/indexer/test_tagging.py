"""Tagging a catalogue: all of it or nothing a searcher sees, twice is once, and new items are tagged as they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor

from indexer.items import put_item
from indexer.tagging import TagReport, tag_catalogue
from search.errors import NotFoundError
from search.filters import Source, parse_filter
from search.item import Item
from search.query import Query, like_item, like_photo
from search.stores.edge import open_edge_store
from tests.contracts.color_tagger import ColorTagger
from tests.contracts.drawn_shop import COLORS, draw_photo, draw_shop, write_csv
from tests.indexer.conftest import Shop, open_shop

WEIGHTS = {"pixels": 0.2, "color": 0.2, "classifier": 0.6}
RGB = {name: ImageColor.getrgb(text) for name, text in COLORS.items()}
TAGGER = ColorTagger(RGB)
OTHER = ColorTagger(RGB, seed=1)


def open_tagger(record):
    return next(tagger for tagger in (TAGGER, OTHER) if tagger.version == record.version)


@pytest.fixture
def tagged_shop(tmp_path: Path):
    """A catalogue on the embedded engine, indexed and not tagged yet."""
    folder = tmp_path / "data"
    shop = open_shop(
        folder,
        lambda *, spaces, schema: open_edge_store(folder / "shard", spaces=spaces, schema=schema),
        open_tagger,
    )
    shop.index(write_csv(tmp_path / "feed.csv", draw_shop(tmp_path, 40, second_photos=True)))
    yield shop
    shop.store.close()


def tag(shop: Shop, tagger: ColorTagger = TAGGER, **settings) -> TagReport:
    options = {"skip_missing": False, **settings}
    return tag_catalogue(shop.catalogue, tagger, tagger.record, WEIGHTS, **options)


def put_red_item(shop: Shop, item_id: str) -> bytes:
    """One more item, of which the shop says no colour; gives its photo."""
    path = shop.folder / f"{item_id}.jpg"
    draw_photo(path, 777, color="Red")
    put_item(shop.catalogue, Item(id=item_id, attributes={"title": "a new one"}, photos=()), [path.read_bytes()])
    return path.read_bytes()


def read_items(shop: Shop):
    """Main photos by item id."""
    return {point.item.id: point for point in shop.store.scan((), limit=200).points}


def read_all(shop: Shop):
    """Everything the store holds, as plain values."""
    spaces = [space.name for space in shop.catalogue.manifest.spaces]
    found = {}
    for index in (0, 1):
        points = shop.store.read_items(list(read_items(shop)), index=index, spaces=spaces)
        for item_id, point in points.items():
            vectors = {name: vector.tobytes() for name, vector in point.vectors.items()}
            found[item_id, index] = (point.item, point.predictions, point.model, vectors)
    return found


def test_every_photo_gets_predictions_and_a_vector(tagged_shop):
    report = tag(tagged_shop)
    stored = read_all(tagged_shop)
    assert report.photos == len(stored) > 40
    assert report.without_pools == 0
    assert report.accepted["color"] > 0.9 * report.photos
    for _, predictions, model, vectors in stored.values():
        assert model == TAGGER.version
        assert predictions["color"].values
        assert np.linalg.norm(np.frombuffer(vectors["classifier"], np.float32)) == pytest.approx(1, abs=1e-5)
    manifest = tagged_shop.catalogue.manifest
    assert manifest.weights == WEIGHTS
    assert manifest.classifier == TAGGER.record


def test_what_is_predicted_is_what_the_shop_says(tagged_shop):
    tag(tagged_shop)
    points = read_items(tagged_shop)
    agreeing = sum(
        point.predictions["color"].accepted == (point.item.attributes["color"],) for point in points.values()
    )
    assert agreeing > 0.9 * len(points)


def test_tagging_twice_changes_nothing(tagged_shop):
    tag(tagged_shop)
    before = read_all(tagged_shop)
    tag(tagged_shop)
    assert read_all(tagged_shop) == before


def test_another_classifier_takes_the_place_of_the_first(tagged_shop):
    tag(tagged_shop)
    first = read_all(tagged_shop)
    tag(tagged_shop, OTHER)
    second = read_all(tagged_shop)
    assert tagged_shop.catalogue.manifest.classifier == OTHER.record
    assert {model for _, _, model, _ in second.values()} == {OTHER.version}
    assert all(second[key][3]["classifier"] != first[key][3]["classifier"] for key in first)
    assert all(second[key][3]["pixels"] == first[key][3]["pixels"] for key in first)


class DeathError(Exception):
    """Stands for the end of the process."""


def test_a_run_that_dies_has_changed_nothing_that_is_searched_by(tagged_shop):
    before = tagged_shop.catalogue.manifest
    item_id = next(iter(read_items(tagged_shop)))
    hits = tagged_shop.catalogue.search(Query(examples=like_item(item_id))).hits

    def die(_done: int) -> None:
        raise DeathError

    with pytest.raises(DeathError):
        tag(tagged_shop, progress=die)
    assert tagged_shop.catalogue.manifest == before
    after = tagged_shop.catalogue.search(Query(examples=like_item(item_id))).hits
    assert [(hit.item.id, hit.score) for hit in after] == [(hit.item.id, hit.score) for hit in hits]
    assert tag(tagged_shop).photos == len(read_all(tagged_shop))


def test_missing_pools_are_refused_with_the_way_out(tagged_shop):
    tagged_shop.catalogue.pool_cache.drop()
    with pytest.raises(NotFoundError, match="vitrine tag FEED") as caught:
        tag(tagged_shop)
    assert caught.value.code == "pools_missing"
    assert tagged_shop.catalogue.manifest.classifier is None
    report = tag(tagged_shop, skip_missing=True)
    assert (report.photos, report.without_pools) == (0, len(read_all(tagged_shop)))


def test_an_item_indexed_later_is_tagged_as_it_comes(tagged_shop):
    tag(tagged_shop)
    photo = put_red_item(tagged_shop, "late")
    point = read_items(tagged_shop)["late"]
    assert point.model == TAGGER.version
    assert point.predictions["color"].accepted == ("Red",)
    embedded = tagged_shop.catalogue.embed_photo(photo)
    assert embedded.tagging is not None
    hit = tagged_shop.catalogue.search(Query(examples=like_photo(embedded.embeddings, embedded.sha256))).hits[0]
    assert hit.score == pytest.approx(1, abs=1e-4)


def test_filters_reach_what_the_shop_did_not_say(tagged_shop):
    tag(tagged_shop)
    put_red_item(tagged_shop, "bare")
    manifest = tagged_shop.catalogue.manifest

    def find(source: Source) -> set[str]:
        conditions = parse_filter(
            ["color=Red"], manifest.attributes, source=source, predicted=manifest.list_predicted()
        )
        return {hit.item.id for hit in tagged_shop.catalogue.search(Query(conditions=conditions, limit=100)).hits}

    assert "bare" not in find(Source.MERCHANT)
    assert "bare" in find(Source.PREDICTED)
    assert find(Source.EITHER) == find(Source.MERCHANT) | {"bare"}
