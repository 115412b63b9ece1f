"""Neighbours of every item in one file: what is in it, what is refused, and going on after a stop anywhere."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import polars as pl
import pytest

from indexer import similar_export, similar_parts
from indexer.similar_export import SimilarQuestion, export_similar
from indexer.similar_parts import QUESTION_FILE, SimilarParts, find_parts
from search.errors import IntegrityError, NotFoundError, QueryError, SetupError
from search.filters import AnyOf
from search.item import Item
from search.query import Query, like_item
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.indexer.conftest import open_memory_store, open_shop

ITEMS = 30
RED = AnyOf(attribute="color", values=("Red",))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("similar")
    rows = draw_shop(folder, ITEMS, second_photos=True)
    for number, row in enumerate(rows):
        row["item_group_id"] = f"group-{number // 3}" if number < 15 else ""
    shop = open_shop(folder / "data", open_memory_store)
    assert shop.index(write_csv(folder / "feed.csv", rows)).indexed == ITEMS
    return shop


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(similar_export, "PART_ITEMS", 7)


def export(shop, to, **settings):
    question = {name: settings.pop(name) for name in list(settings) if name in SimilarQuestion.__dataclass_fields__}
    report = export_similar(shop.catalogue, SimilarQuestion(**{"k": 4, **question}), to, **settings)
    assert not find_parts(to).exists() or not report.finished
    return report


def group_rows(frame):
    return {key: part for (key,), part in frame.group_by("id", maintain_order=True)}


def test_every_item_has_the_neighbours_the_search_gives_it(shop, tmp_path):
    report = export(shop, tmp_path / "s.parquet")
    assert (report.items, report.rows, report.resumed, report.lacking, report.finished) == (30, 120, 0, 0, True)
    frame = pl.read_parquet(tmp_path / "s.parquet")
    assert frame.columns == ["id", "rank", "neighbour_id", "score", "relevance", "part_pixels", "part_color"]
    assert frame["relevance"].null_count() == 120
    groups = group_rows(frame)
    assert list(groups) == [point.item.id for point in shop.store.scan((), limit=100).points]
    for item_id, rows in groups.items():
        hits = shop.catalogue.search(Query(examples=like_item(item_id), limit=4)).hits
        assert rows["neighbour_id"].to_list() == [hit.item.id for hit in hits]
        assert rows["rank"].to_list() == [1, 2, 3, 4]
        assert rows["score"].to_list() == pytest.approx([hit.score for hit in hits], abs=1e-6)
        assert rows["part_color"].to_list() == pytest.approx([hit.parts["color"] for hit in hits], abs=1e-6)
        assert item_id not in rows["neighbour_id"].to_list()


def test_filters_say_who_asks_and_who_is_found(shop, tmp_path):
    blue = AnyOf(attribute="color", values=("Blue",))
    export(shop, tmp_path / "s.parquet", conditions=(RED,), gallery=(blue,))
    frame = pl.read_parquet(tmp_path / "s.parquet")
    colors = {point.item.id: point.item.attributes["color"] for point in shop.store.scan((), limit=100).points}
    assert {colors[item_id] for item_id in frame["id"]} == {"Red"}
    assert {colors[item_id] for item_id in frame["neighbour_id"]} == {"Blue"}
    assert frame["id"].n_unique() == 6


def test_one_neighbour_a_group_and_none_of_the_items_own(shop, tmp_path):
    export(shop, tmp_path / "s.parquet", k=20, group_by="item_group_id")
    own = {
        p.item.id: p.item.attributes.get("item_group_id") or p.item.id for p in shop.store.scan((), limit=100).points
    }
    for item_id, rows in group_rows(pl.read_parquet(tmp_path / "s.parquet")).items():
        groups = [own[other] for other in rows["neighbour_id"]]
        assert len(set(groups)) == len(groups)
        assert own[item_id] not in groups
        assert len(groups) == 19  # 5 groups and 15 items alone, less the item's own


def test_weights_decide_and_only_their_parts_are_written(shop, tmp_path):
    export(shop, tmp_path / "s.parquet", weights={"color": 1.0})
    frame = pl.read_parquet(tmp_path / "s.parquet")
    assert frame.columns[-1] == "part_color"
    assert "part_pixels" not in frame.columns
    assert frame["score"].to_list() == pytest.approx(frame["part_color"].to_list(), abs=1e-6)


def test_the_three_formats_say_the_same(shop, tmp_path):
    for suffix in ("parquet", "csv", "jsonl"):
        export(shop, tmp_path / f"s.{suffix}")
    frame = pl.read_parquet(tmp_path / "s.parquet")
    for other in (pl.read_csv(tmp_path / "s.csv"), pl.read_ndjson(tmp_path / "s.jsonl")):
        assert other.columns == frame.columns
        assert other.select("id", "rank", "neighbour_id").equals(
            frame.select("id", "rank", "neighbour_id").cast({"rank": pl.Int64})
        )
        assert other["score"].to_list() == pytest.approx(frame["score"].to_list(), abs=1e-6)


def test_ids_a_spreadsheet_would_run_are_quoted_in_csv_alone(tmp_path):
    columns = similar_export.list_columns(["color"])
    rows = [("=1+1", 1, "@b", 0.5, None, 0.5), ("ok", 1, "-c", 0.5, None, None)]
    for suffix, guard in (("csv", "'"), ("jsonl", ""), ("parquet", "")):
        parts = SimilarParts(tmp_path / f"s.{suffix}", columns)
        parts.open("q", "c")
        parts.write(0, rows)
        assert parts.join(1) == 2
        read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[suffix]
        frame = read(tmp_path / f"s.{suffix}")
        assert frame["id"].to_list() == [f"{guard}=1+1", "ok"]
        assert frame["neighbour_id"].to_list() == [f"{guard}@b", f"{guard}-c"]


def test_several_questions_in_flight_give_the_same_file(shop, tmp_path):
    export(shop, tmp_path / "one.parquet")
    seen: set[str] = set()

    class Watched:
        """The catalogue, noting who asks."""

        manifest, store = shop.catalogue.manifest, shop.store

        def search(self, query):
            seen.add(threading.current_thread().name)
            return shop.catalogue.search(query)

    export_similar(Watched(), SimilarQuestion(k=4), tmp_path / "four.parquet", workers=4)
    assert pl.read_parquet(tmp_path / "one.parquet").equals(pl.read_parquet(tmp_path / "four.parquet"))
    assert len(seen) > 1


def test_an_item_with_nothing_to_compare_is_counted(shop, tmp_path):
    class Lacking:
        """The catalogue, in which two items cannot be asked about."""

        manifest, store = shop.catalogue.manifest, shop.store

        def search(self, query):
            item_id = query.examples[0].item_id
            if item_id == "item-4":
                raise QueryError("no embedding", code="no_embedding")
            if item_id == "item-9":
                raise NotFoundError("deleted meanwhile", code="item_not_found")
            return shop.catalogue.search(query)

    report = export_similar(Lacking(), SimilarQuestion(k=4), tmp_path / "s.parquet")
    assert (report.lacking, report.rows) == (2, 112)


@pytest.mark.parametrize(
    ("question", "why", "pointer"),
    [
        ({"k": 0}, "1 to 250", "/k"),
        ({"k": 251}, "1 to 250", "/k"),
        ({"k": 31}, "the gallery has 30 items", "/k"),
        ({"k": 7, "gallery": (RED,)}, "the gallery has 6 items", "/k"),
        ({"group_by": "hue"}, "not an attribute", "/group_by"),
        ({"group_by": "title"}, "free text", "/group_by"),
        ({"group_by": "price"}, "there are", "/group_by"),
        ({"weights": {"depth": 1.0}}, "no space 'depth'", "/weights/depth"),
        ({"weights": {"color": 0.0}}, "every weight is zero", "/weights"),
        ({"conditions": (AnyOf(attribute="color", values=("Mauve",)),)}, "no item matches", "/filter"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_and_leaves_nothing(shop, tmp_path, question, why, pointer):
    with pytest.raises(QueryError, match=why) as refused:
        export(shop, tmp_path / "s.parquet", **question)
    assert refused.value.pointer == pointer
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_refused_first(shop, tmp_path, monkeypatch):
    (tmp_path / "folder.csv").mkdir()
    for to, kind, why in [
        (tmp_path / "s.xlsx", QueryError, r"\.parquet, \.csv, \.jsonl"),
        (tmp_path / "folder.csv", QueryError, "is a folder"),
        (tmp_path / "none" / "s.csv", SetupError, "there is no folder"),
    ]:
        with pytest.raises(kind, match=why):
            export(shop, to)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SetupError, match="nothing may be written"):
        export(shop, tmp_path / "s.csv")


# stopping and going on


def test_a_stopped_run_goes_on_where_it_was(shop, tmp_path):
    whole, to = tmp_path / "whole.parquet", tmp_path / "s.parquet"
    export(shop, whole)
    done: list[tuple[int, int]] = []
    first = export(shop, to, progress=lambda *counts: done.append(counts), stop=lambda: len(done) == 2)
    assert (first.finished, first.rows, done) == (False, 0, [(7, 30), (14, 30)])
    assert not to.exists()
    second = export(shop, to, progress=lambda *counts: done.append(counts))
    assert (second.finished, second.resumed, second.rows) == (True, 14, 120)
    assert done[2:] == [(21, 30), (28, 30), (30, 30)]
    assert pl.read_parquet(to).equals(pl.read_parquet(whole))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["s.parquet", "whole.parquet"]


class KilledError(BaseException):
    """Stands for `kill -9`: nothing may catch it or tidy up after it."""


def test_a_kill_between_any_two_writes_costs_a_part_at_most(shop, tmp_path, monkeypatch):
    """Every rename and every removal of a run, one after the other, is the last thing the program does, or the first
    it does not do any more."""
    export(shop, tmp_path / "whole.parquet")
    whole = pl.read_parquet(tmp_path / "whole.parquet")
    real = {name: getattr(Path, name) for name in ("replace", "mkdir")}
    moments = 0
    for after in (False, True):
        for moment in range(100):
            to = tmp_path / f"s-{after}-{moment}.parquet"
            steps = iter(range(1_000))

            def step(name, before_it, *arguments, moment=moment, after=after, steps=steps, **settings):
                here = next(steps) == moment
                if here and not after:
                    raise KilledError
                result = real[name](before_it, *arguments, **settings)
                if here:
                    raise KilledError
                return result

            with monkeypatch.context() as patch:
                for name in real:
                    patch.setattr(Path, name, lambda self, *a, name=name, step=step, **k: step(name, self, *a, **k))
                patch.setattr(similar_parts.shutil, "rmtree", lambda *_, **__: None)  # as killed before it
                try:
                    export_similar(shop.catalogue, SimilarQuestion(k=4), to)
                    break
                except KilledError:
                    moments += 1
            if to.exists():  # what is there is whole
                assert pl.read_parquet(to).equals(whole)
            report = export_similar(shop.catalogue, SimilarQuestion(k=4), to)
            assert report.finished
            assert pl.read_parquet(to).equals(whole)
            assert not list(tmp_path.glob(f"{to.name}.*"))
    assert moments == 2 * 9  # the folder, the question, five parts, the file, the parts' way out


def test_half_a_part_is_not_taken_for_one(shop, tmp_path):
    to = tmp_path / "s.parquet"
    export(shop, to, stop=lambda: find_parts(to).joinpath("00001.parquet").exists())
    (find_parts(to) / "00002.parquet.123.tmp").write_bytes(b"PAR1 half")
    assert export(shop, to).rows == 120


def test_another_question_is_refused_with_the_way_out(shop, tmp_path):
    to = tmp_path / "s.parquet"
    export(shop, to, stop=lambda: find_parts(to).joinpath("00000.parquet").exists())
    for other in ({"k": 5}, {"gallery": (RED,)}, {"weights": {"color": 1.0}}, {"exact": True}, {"group_by": "brand"}):
        with pytest.raises(QueryError, match="--restart") as refused:
            export(shop, to, **other)
        assert refused.value.code == "other_question"
    assert (find_parts(to) / "00000.parquet").exists()
    assert export(shop, to, k=5, restart=True).rows == 150


def test_a_catalogue_that_has_changed_is_refused_with_the_way_out(tmp_path):
    shop = open_shop(tmp_path / "data", open_memory_store)
    rows = draw_shop(tmp_path, 20)
    shop.index(write_csv(tmp_path / "feed.csv", rows))
    to = tmp_path / "s.parquet"
    export(shop, to, stop=lambda: find_parts(to).joinpath("00000.parquet").exists())
    point = shop.store.read_items(["item-3"])["item-3"]
    item = Item(id="item-3", attributes={**point.item.attributes, "color": "Mauve"}, photos=point.item.photos)
    shop.store.replace_attributes({"item-3": item}, {"item-3": "f" * 64})
    with pytest.raises(QueryError, match="has changed since") as refused:
        export(shop, to)
    assert refused.value.code == "catalogue_changed"
    assert export(shop, to, restart=True).finished


@pytest.mark.parametrize("text", ["", "{}", "[1]", json.dumps({"question": 1})])
def test_parts_without_their_question_are_said_to_be_damaged(shop, tmp_path, text):
    to = tmp_path / "s.parquet"
    export(shop, to, stop=lambda: find_parts(to).joinpath("00000.parquet").exists())
    path = find_parts(to) / QUESTION_FILE
    path.write_text(text)
    with pytest.raises(IntegrityError, match="--restart"):
        export(shop, to)
    path.unlink()
    with pytest.raises(IntegrityError, match="--restart"):
        export(shop, to)
