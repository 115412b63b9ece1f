"""Evaluation of retrieval: what counts as a query, a hit and a relevant hit, checked against a plain recount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from indexer.evaluation import FUSION, SAMPLE, choose_split, evaluate_retrieval
from search.attributes import AttributeKind
from search.embedding import Space, normalise_rows
from search.errors import QueryError
from search.filters import AnyOf, Filter, NoneOf
from search.item import AttributeValue, Item, PhotoRecord
from search.manifest import Manifest
from search.metrics import average_precision_at_k, ideal_gains, ndcg_at_k
from search.store import NEAREST_DEPTH, Point, Store
from search.stores.edge import open_edge_store
from tests.contracts.memory_store import MemoryStore

SPACES = (
    Space(name="shape", dimension=8, weights_sha256="0" * 64),
    Space(name="tint", dimension=4, weights_sha256="1" * 64),
)
MANIFEST = Manifest(
    spaces=SPACES,
    weights={"shape": 0.7, "tint": 0.3},
    attributes={
        "color": AttributeKind.KEYWORD,
        "product_type": AttributeKind.KEYWORD,
        "split": AttributeKind.KEYWORD,
    },
)
TEST: Filter = (AnyOf(attribute="split", values=("test",)),)
REST: Filter = (NoneOf(attribute="split", values=("test",)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A catalogue as far as an evaluation needs one."""

    manifest: Manifest
    store: Store


def make_point(item_id: str, attributes: dict[str, AttributeValue], vectors: dict[str, Sequence[float]], index=0):
    return Point(
        item=Item(id=item_id, attributes=attributes, photos=(f"{item_id}.jpg",)),
        photo=PhotoRecord(index=index, link=f"{item_id}.jpg", sha256=f"{item_id}-{index}", width=9, height=9),
        vectors={n: normalise_rows(np.asarray([v], dtype=np.float32))[0] for n, v in vectors.items()},
        photos_sha256="p",
        row_sha256="r",
    )


def draw_points(count: int, seed: int) -> list[Point]:
    """Items with random vectors and labels: some with two colours, some with none, some with three photos."""
    generator = np.random.default_rng(seed)
    points = []
    for number in range(count):
        colors = tuple(generator.choice(["Red", "Blue", "Green"], size=generator.integers(0, 3), replace=False))
        attributes: dict[str, AttributeValue] = {
            "product_type": str(generator.choice(["Shoes", "Shirts"])),
            "split": str(generator.choice(["train", "test"], p=[0.7, 0.3])),
        }
        if colors:
            attributes["color"] = tuple(map(str, colors))
        for index in range(3 if number % 7 == 0 else 1):
            vectors = {space.name: generator.normal(size=space.dimension) for space in SPACES}
            points.append(make_point(f"item {number}", attributes, vectors, index))
    return points


def recount(points: Sequence[Point], weights: dict[str, float], k: int, *, split: bool) -> dict[str, float]:
    """The same figures by loops over plain lists."""
    mains = {p.item.id: p for p in points if p.photo.index == 0}
    rankings, totals = [], []
    for query in mains.values():
        if "color" not in query.item.attributes or (split and query.item.attributes["split"] != "test"):
            continue
        gallery = [
            p for p in points if p.item.id != query.item.id and not (split and p.item.attributes["split"] == "test")
        ]
        best: dict[str, float] = {}
        for point in gallery:
            score = sum(w * float(query.vectors[s] @ point.vectors[s]) for s, w in weights.items())
            best[point.item.id] = max(score, best.get(point.item.id, -9.0))
        good = {
            p.item.id
            for p in gallery
            if p.item.attributes["product_type"] == query.item.attributes["product_type"]
            and set(p.item.attributes.get("color", ())) & set(query.item.attributes["color"])
        }
        rankings.append([i in good for i in sorted(best, key=lambda i: -best[i])[:k]])
        totals.append(len(good))
    return {
        "p": float(np.mean([sum(r) / k for r in rankings])),
        "map": float(average_precision_at_k(rankings, totals, k).mean()),
        "ndcg": float(ndcg_at_k(rankings, ideal_gains(totals, k), k).mean()),
        "queries": len(rankings),
    }


@pytest.fixture(params=["memory", "edge"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    """An empty store: the double, and the real embedded engine."""
    if request.param == "memory":
        yield MemoryStore({space.name: space.dimension for space in SPACES})
        return
    opened = open_edge_store(tmp_path / "shard", spaces=SPACES, schema=MANIFEST.attributes)
    yield opened
    opened.close()


@pytest.mark.parametrize("split", [True, False], ids=["split", "leave one out"])
def test_report_agrees_with_a_recount_by_hand(store: Store, split: bool) -> None:
    points = draw_points(90, seed=1)
    store.upsert(points)
    report = evaluate_retrieval(
        Shelf(manifest=MANIFEST, store=store),
        relevant=["product_type", "color"],
        k=5,
        queries=TEST if split else (),
        gallery=REST if split else (),
        configurations={"mostly tint": {"shape": 0.1, "tint": 0.9}},
    )
    weighings = {"shape": {"shape": 1.0}, "tint": {"tint": 1.0}, FUSION: MANIFEST.weights}
    weighings["mostly tint"] = {"shape": 0.1, "tint": 0.9}
    assert list(report.spaces) == list(weighings)
    for name, weights in weighings.items():
        expected = recount(points, dict(weights), 5, split=split)
        figures = report.spaces[name]
        assert figures.precision.mean == pytest.approx(expected["p"]), name
        assert figures.average_precision.mean == pytest.approx(expected["map"]), name
        assert figures.ndcg.mean == pytest.approx(expected["ndcg"]), name
        assert figures.precision.low <= figures.precision.mean <= figures.precision.high
        assert report.queries == expected["queries"]
    asked = [p for p in points if p.photo.index == 0 and (not split or p.item.attributes["split"] == "test")]
    assert report.skipped["missing_attribute"] == sum("color" not in p.item.attributes for p in asked) > 0
    assert report.gallery == sum(p.photo.index == 0 for p in points) - (len(asked) if split else 0)


def test_item_with_several_photos_is_one_hit_and_never_its_own() -> None:
    store = MemoryStore({"shape": 2})
    manifest = Manifest(
        spaces=(Space(name="shape", dimension=2, weights_sha256=""),),
        weights={"shape": 1.0},
        attributes={"color": AttributeKind.KEYWORD},
    )
    red: dict[str, AttributeValue] = {"color": "Red"}
    store.upsert([make_point("a", red, {"shape": (1, 0)}, index) for index in range(6)])
    store.upsert([make_point("b", red, {"shape": (1, 0.1)}, index) for index in range(6)])
    store.upsert([make_point("c", {"color": "Blue"}, {"shape": (1, 0.5)})])
    report = evaluate_retrieval(Shelf(manifest=manifest, store=store), relevant=["color"], k=2, queries=(), gallery=())
    # a finds b (red) and c; b finds a (red) and c; c finds b and a, neither blue.
    assert report.spaces["shape"].precision.mean == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert report.spaces["shape"].average_precision.mean == pytest.approx((1 + 1 + 0) / 3)
    assert report.without_relevant == 1


def test_report_on_the_wire_has_the_names_others_build_on() -> None:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(40, seed=2))
    seen: list[tuple[int, int]] = []
    wire = evaluate_retrieval(
        Shelf(manifest=MANIFEST, store=store),
        relevant=["product_type", "color"],
        queries=TEST,
        gallery=REST,
        progress=lambda done, total: seen.append((done, total)),
    ).to_wire()
    assert wire.keys() >= {"spaces", "queries", "gallery", "k", "relevant", "skipped"}
    assert wire["k"] == 10
    assert wire["relevant"] == ["product_type", "color"]
    spaces = wire["spaces"]
    assert isinstance(spaces, dict)
    assert list(spaces) == ["shape", "tint", "fusion"]
    fusion = spaces["fusion"]
    figures = {f"{name}_at_10" for name in ("p", "r", "map", "ndcg", "graded_ndcg", "mrr", "cmc")}
    assert fusion.keys() == {*figures, "interval", "by_attribute", "cmc", "weights"}
    assert fusion["interval"].keys() == figures
    assert fusion["cmc"] == sorted(fusion["cmc"])
    assert fusion["cmc"][-1] == fusion["cmc_at_10"]
    assert fusion["by_attribute"].keys() == {"product_type", "color"}
    assert fusion["by_attribute"]["color"]["p_at_10"] >= fusion["p_at_10"]
    assert seen == [(n, wire["queries"]) for n in range(1, len(seen) + 1)]


def test_sample_is_drawn_by_its_seed() -> None:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(60, seed=3))
    shelf = Shelf(manifest=MANIFEST, store=store)

    def measure(seed: int):
        return evaluate_retrieval(
            shelf, relevant=["color"], queries=(), gallery=(), max_queries=12, seed=seed
        ).to_wire()

    assert measure(1)["queries"] == 12
    assert measure(1) == measure(1)
    assert measure(1) != measure(2)


def test_item_without_an_embedding_in_every_space_is_skipped_and_counted() -> None:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(30, seed=4))
    attributes: dict[str, AttributeValue] = {"color": "Red", "product_type": "Shoes", "split": "test"}
    store.upsert([make_point("half", attributes, {"shape": np.ones(8)})])
    report = evaluate_retrieval(Shelf(manifest=MANIFEST, store=store), relevant=["color"], queries=TEST, gallery=REST)
    assert report.skipped["missing_embedding"] == 1


def test_catalogue_with_test_items_is_split_by_them_and_another_is_sampled() -> None:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    sampled = choose_split(store, MANIFEST)
    assert (sampled.queries, sampled.gallery, sampled.max_queries) == ((), (), SAMPLE)
    store.upsert(draw_points(30, seed=5))
    chosen = choose_split(store, MANIFEST)
    assert (chosen.queries, chosen.gallery, chosen.max_queries) == (TEST, REST, None)
    without = Manifest(spaces=SPACES, weights=MANIFEST.weights, attributes={"color": AttributeKind.KEYWORD})
    assert choose_split(store, without).queries == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"relevant": ["colour"]}, r"not \['colour'\]; it has: color, product_type, split"),
        ({"relevant": []}, "not none"),
        ({"k": 0}, "k is 0"),
        ({"k": NEAREST_DEPTH + 1}, f"k is {NEAREST_DEPTH + 1}"),
        ({"configurations": {"fusion": {"shape": 1.0}}}, "another name"),
        ({"configurations": {"mine": {"clip": 1.0}}}, r"\['clip'\].*its spaces are \['shape', 'tint'\]"),
        ({"configurations": {"mine": {"shape": 0.0}}}, "no space a weight above zero"),
        ({"queries": (AnyOf(attribute="color", values=("Octarine",)),)}, "no item could be asked about"),
    ],
)
def test_request_that_cannot_be_measured_is_refused_with_the_way_out(changes, message: str) -> None:
    store = MemoryStore({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(20, seed=6))
    request = {"relevant": ["color"], "queries": (), "gallery": (), **changes}
    with pytest.raises(QueryError, match=message):
        evaluate_retrieval(Shelf(manifest=MANIFEST, store=store), **request)
