"""What must hold of every answer, whatever is asked: laws, each tried on 2,000 questions drawn at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient

from search.filters import AnyOf, Between, Condition, NoneOf
from search.query import MAX_LIMIT, Example, FacetsOver, Hit, ItemExample, PhotoExample, Query, Result, TextExample
from search.ranking import run_query
from search.store import Point, Store
from search.stores.edge import open_edge_store
from search.stores.server import open_server_store
from tests.contracts.memory_store import MemoryStore, matches
from tests.search.ranked_items import COLORS, MANIFEST, draw_vectors, make_points, make_store

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

POINTS = make_points(40, photos=3, kinds=9, seed=1)
"""Few kinds of embeddings, so that many photos score alike: where laws about order break first."""

STORE = make_store(POINTS)
IDS = sorted({point.item.id for point in POINTS})
ALONE = [point for point in POINTS if len(point.item.photos) == 1]
"""Of items with one photo: an item stands where its nearest photo stands, and unlike one is not unlike another."""

WORDS = ("no. 3", "red acme", "borea", "blue no. 12", "nothing", "gold")

law = settings(
    max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        lambda values: AnyOf(attribute="color", values=tuple(values)),
        st.lists(st.sampled_from([*COLORS, "Gold", "nothing"]), min_size=1, max_size=3, unique=True),
    ),
    st.builds(lambda value: NoneOf(attribute="brand", values=(value,)), st.sampled_from(["Acme", "Borea"])),
    st.builds(lambda value: AnyOf(attribute="year", values=(value,)), st.integers(2010, 2014)),
    st.builds(
        lambda low, high: Between(attribute="price", gte=min(low, high), lt=max(low, high)),
        st.integers(0, 40).map(float),
        st.integers(0, 40).map(float),
    ),
)
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, -0.5, -1.0])
PHOTOS: st.SearchStrategy[Example] = st.builds(
    lambda seed, weight: PhotoExample(
        embeddings=draw_vectors(np.random.default_rng(seed), 9), sha256=f"{seed}", weight=weight
    ),
    st.integers(0, 99),
    WEIGHTS,
)
ITEMS: st.SearchStrategy[Example] = st.builds(
    lambda item_id, weight: ItemExample(item_id=item_id, weight=weight), st.sampled_from(IDS), WEIGHTS
)
TEXTS: st.SearchStrategy[Example] = st.builds(lambda text: TextExample(text=text), st.sampled_from(WORDS))
QUERIES = st.builds(
    Query,
    examples=st.one_of(
        st.just(()),
        st.tuples(TEXTS),
        st.lists(PHOTOS | ITEMS, min_size=1, max_size=3).map(tuple),
        st.tuples(PHOTOS | ITEMS, TEXTS),
    ),
    conditions=st.lists(CONDITIONS, max_size=2, unique_by=lambda each: each.attribute).map(tuple),
    weights=st.sampled_from([{}, {"tint": 1.0}, {"shape": 0.5, "tint": 2.0}, {"shape": 1.0, "words": 3.0}]),
    limit=st.just(MAX_LIMIT),
)


def ask(query: Query, store: Store = STORE) -> Result:
    return run_query(query, store, MANIFEST)


def list_ids(query: Query, store: Store = STORE) -> list[str]:
    return [hit.item.id for hit in ask(query, store).hits]


def turn_pages(query: Query, limit: int) -> list[Hit]:
    hits: list[Hit] = []
    cursor = None
    while True:
        result = ask(replace(query, limit=limit, cursor=cursor))
        hits.extend(result.hits)
        cursor = result.next_cursor
        if cursor is None:
            return hits
        assert len(result.hits) == limit


@law
@given(QUERIES, CONDITIONS)
def test_hits_under_two_filters_are_hits_under_one(query, more):
    assert set(list_ids(replace(query, conditions=(*query.conditions, more)))) <= set(list_ids(query))


@law
@given(QUERIES, st.lists(CONDITIONS, min_size=2, max_size=4), st.randoms())
def test_the_order_of_filters_does_not_matter(query, conditions, random):
    shuffled = list(conditions)
    random.shuffle(shuffled)
    one = ask(replace(query, conditions=tuple(conditions), facets=("color",)))
    other = ask(replace(query, conditions=tuple(shuffled), facets=("color",)))
    assert [hit.item.id for hit in one.hits] == [hit.item.id for hit in other.hits]
    assert (one.total, one.facets) == (other.total, other.facets)


@law
@given(QUERIES, st.integers(1, 12), st.sampled_from([None, "brand", "year"]), st.sampled_from([0.0, 0.4]))
def test_pages_never_overlap_and_join_into_the_longer_list(query, limit, group_by, diversity):
    if not query.examples or any(isinstance(example, TextExample) for example in query.examples):
        diversity = 0.0
    query = replace(query, group_by=group_by, diversity=diversity)
    whole = [(hit.item.id, hit.group) for hit in ask(query).hits]
    pages = [(hit.item.id, hit.group) for hit in turn_pages(query, limit)]
    assert pages == whole
    groups = [group for _, group in pages if group is not None]
    assert len(set(pages)) == len(pages)
    assert len(set(groups)) == len(groups)


@law
@given(QUERIES, st.sampled_from(list(FacetsOver)))
def test_facet_counts_of_a_single_valued_attribute_sum_to_the_matches(query, over):
    if not query.examples:
        over = FacetsOver.FILTER
    query = replace(query, facets=("brand", "year"), facets_over=over, histograms={"price": 7})
    query = replace(
        query, conditions=tuple(c for c in query.conditions if c.attribute not in ("brand", "year", "price"))
    )
    result = ask(query)
    matching = result.total if over is FacetsOver.FILTER else len(result.hits)
    for counts in result.facets.values():
        assert sum(count.count for count in counts) == matching
    assert sum(bar.count for bar in result.histograms["price"]) == result.total


@law
@given(st.sampled_from(POINTS), st.sampled_from([{}, {"tint": 1.0}, {"shape": 0.5, "tint": 2.0}]))
def test_an_own_photo_is_first(point, weights):
    query = Query(examples=(PhotoExample(embeddings=point.vectors, sha256="x"),), weights=weights, limit=MAX_LIMIT)
    hits = ask(query).hits
    own = next(hit for hit in hits if hit.item.id == point.item.id)
    # Of photos that are exactly alike the smallest id comes first; nothing else may come before the own one.
    assert own.score == pytest.approx(1, abs=1e-5)
    assert all(hit.score == pytest.approx(1, abs=1e-5) for hit in hits[: hits.index(own)])


@law
@given(QUERIES, st.lists(st.sampled_from(IDS), min_size=1, max_size=5, unique=True))
def test_a_deleted_item_never_returns(query, doomed):
    asked = {example.item_id for example in query.examples if isinstance(example, ItemExample)}
    doomed = [item_id for item_id in doomed if item_id not in asked]
    store = make_store([])
    store.take_over(STORE)
    store.delete_items(doomed)
    assert not set(list_ids(query, store)) & set(doomed)
    assert ask(query, store).total == len({p.item.id for p in POINTS if matches(p, query.conditions)} - set(doomed))


@law
@given(QUERIES, st.sampled_from(ALONE), st.sampled_from([0.2, 1.0, 3.0]))
def test_less_of_an_item_never_raises_its_rank(query, point, weight):
    examples = tuple(example for example in query.examples if not isinstance(example, (TextExample, ItemExample)))
    if not any(example.weight > 0 for example in examples):
        examples = (PhotoExample(embeddings=POINTS[0].vectors, sha256="x"), *examples)
    query = replace(query, examples=examples, conditions=())
    unlike = PhotoExample(embeddings=point.vectors, sha256="unlike", weight=-weight)
    before = ask(query).hits
    after = ask(replace(query, examples=(*examples, unlike))).hits
    assert find_worst_rank(point, after) >= find_best_rank(point, before)
    item = ItemExample(item_id=point.item.id, weight=-weight)
    assert point.item.id not in list_ids(replace(query, examples=(*examples, item)))


def find_best_rank(point: Point, hits: list[Hit]) -> int:
    """Place of the item, equal scores before it not counted."""
    own = next(hit for hit in hits if hit.item.id == point.item.id)
    return sum(hit.score > own.score + 1e-5 for hit in hits)


def find_worst_rank(point: Point, hits: list[Hit]) -> int:
    """Place of the item, equal scores all counted before it."""
    own = next(hit for hit in hits if hit.item.id == point.item.id)
    return sum(hit.score > own.score - 1e-5 for hit in hits) - 1


@law
@given(st.sampled_from([point for point in POINTS if point.photo.index == 0]), QUERIES)
def test_a_question_by_id_is_the_question_by_its_photo(point, query):
    by_id = replace(query, examples=(ItemExample(item_id=point.item.id),))
    by_photo = replace(query, examples=(PhotoExample(embeddings=point.vectors, sha256="x"),))
    assert list_ids(by_id) == [item_id for item_id in list_ids(by_photo) if item_id != point.item.id]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    folder = tmp_path_factory.mktemp("laws")
    edge = open_edge_store(folder / "shard", spaces=MANIFEST.spaces, schema=MANIFEST.attributes)
    local = open_server_store(QdrantClient(":memory:"), "laws", spaces=MANIFEST.spaces, schema=MANIFEST.attributes)
    for store in (edge, local):
        store.upsert(POINTS)
    yield edge, local
    edge.close()
    local.close()


def assert_alike(one: Sequence[Hit], other: Sequence[Hit]) -> None:
    """The same scores place by place, and the same items wherever a score tells them from the last one's: engines
    round sums of one value in ways of their own, and so put items that score alike in another order."""
    assert [hit.score for hit in one] == pytest.approx([hit.score for hit in other], abs=1e-5)
    if one:
        told = [{hit.item.id for hit in hits if hit.score > one[-1].score + 1e-4} for hits in (one, other)]
        assert told[0] == told[1]


@law
@given(query=QUERIES, limit=st.integers(1, 40))
def test_the_answer_is_the_same_on_both_engines_and_in_memory(engines, query, limit):
    query = replace(query, limit=limit, facets=("color", "brand"))
    edge, local, memory = (ask(query, store) for store in (*engines, STORE))
    if query.examples:
        assert_alike(edge.hits, local.hits)
        assert_alike(edge.hits, memory.hits)
    assert edge.total == local.total == memory.total
    assert edge.facets == local.facets == memory.facets


def test_the_store_of_the_laws_is_a_full_one():
    assert isinstance(STORE, MemoryStore)
    assert len(IDS) == 40
