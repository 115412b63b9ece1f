"""A query turned into hits: what is sought, one question to the store or two, one hit an item or a group.

Works with a store, a manifest and a calibration. Knows nothing of how a photo or a text became an embedding.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.candidates import find_candidates, order_points
from search.cursor import Place, digest_query, read_cursor, write_cursor
from search.embedding import Vector
from search.errors import QueryError
from search.facets import NEAREST_ITEMS, check_countable, count_bins, count_facets, count_nearest
from search.filters import Filter
from search.groups import GroupCounter, list_groups
from search.judging import Calibration, Judge, make_judge
from search.legs import Sought, choose_weights, seek
from search.manifest import Manifest
from search.near_duplicates import drop_near_duplicates
from search.query import MAX_LIMIT, FacetsOver, Hit, Note, Query, Result
from search.store import NEAREST_DEPTH, FacetCount, Store, StoredPoint

TIE_MARGIN = 4
"""Points asked for beyond a page: more than the photos that most often score alike."""


def run_query(
    query: Query,
    store: Store,
    manifest: Manifest,
    calibration: Calibration | None = None,
    *,
    counter: GroupCounter | None = None,
) -> Result:
    """Answer a query.

    Args:
        counter: of groups; one that is kept need not count the same ones again.

    Raises:
        QueryError: a limit, weight, facet or cursor that makes no sense, or a demand this question cannot fulfil.
        NotFoundError: an item to be like or unlike is not there.
        StoreUnavailableError: the store does not answer.
    """
    started = time.perf_counter()
    _check_query(query, manifest)
    weights = choose_weights(query.weights, manifest)
    digest = digest_query(query, weights, manifest.name_state())
    place = read_cursor(query.cursor, digest)
    sought = seek(query, weights, store)
    _check_dimensions(sought, manifest)
    if query.diversity and sought.words is not None:
        sought = _prefer_vectors(sought)
    judge = make_judge(query, sought, calibration, manifest)
    total = store.count_items(query.conditions)
    groups = None
    if query.group_by is not None:
        groups = (counter or GroupCounter(store)).count(query.group_by, query.conditions, total)
    if query.examples:
        hits, following = _find_hits(query, sought, place, store, judge, manifest, groups)
    else:
        hits, following = _scan_hits(query, place, store)
    return Result(
        hits=hits,
        total=total,
        groups=groups,
        facets=_count_facets(query, sought, store, manifest, judge),
        histograms=count_bins(query.histograms, query.conditions, store, manifest),
        next_cursor=write_cursor(following, digest) if following else None,
        weights={leg.space: leg.weight for leg in sought.legs},
        search_ms=1e3 * (time.perf_counter() - started),
        close=None if query.min_relevance is None else bool(hits) or place.offset > 0,
        notes=sought.notes,
    )


def _check_query(query: Query, manifest: Manifest) -> None:
    if not 1 <= query.limit <= MAX_LIMIT:
        raise QueryError(f"limit is {query.limit}; a page has 1 to {MAX_LIMIT} hits", pointer="/limit")
    for name, value in (("diversity", query.diversity), ("min_relevance", query.min_relevance)):
        if value is not None and not 0 <= value <= 1:
            raise QueryError(f"{name} is {value}; it is 0 to 1", pointer=f"/{name}")
    if query.tolerance is not None and not 0 <= query.tolerance <= 100:
        raise QueryError(f"tolerance is {query.tolerance}; it is 0 to 100", pointer="/tolerance")
    if query.group_by is not None:
        check_countable(query.group_by, manifest, "groups", pointer="/group_by")
    if not query.examples:
        _refuse_without_examples(query)


def _prefer_vectors(sought: Sought) -> Sought:
    """What is sought where hits should differ: that is measured on vectors, and words count where there are none."""
    if sought.legs:
        note = Note(
            code="words_left_out", message="hits that differ are chosen by vectors; the words do not count here"
        )
        return replace(sought, words=None, notes=(*sought.notes, note))
    note = Note(code="no_diversity", message="how much hits differ is measured on vectors, and this order is by words")
    return replace(sought, notes=(*sought.notes, note))


def _check_dimensions(sought: Sought, manifest: Manifest) -> None:
    """See that what is asked about has vectors of this catalogue's spaces: another version of a space may differ."""
    sizes = {space.name: space.dimension for space in manifest.spaces}
    for leg in sought.legs:
        if leg.vector.shape != (sizes.get(leg.space, 0),):
            raise QueryError(
                f"what is asked about has {len(leg.vector)} numbers in {leg.space!r}, this catalogue has "
                f"{sizes.get(leg.space, 0)}; ask without it",
                code="no_embedding",
                pointer="/examples",
            )


def _refuse_without_examples(query: Query) -> None:
    asked = {
        "diversity": query.diversity > 0,
        "min_relevance": query.min_relevance is not None,
        "collapse_duplicates": query.collapse_duplicates,
        "facets_over": query.facets_over is FacetsOver.NEAREST,
    }
    for name, given in asked.items():
        if given:
            raise QueryError(
                f"{name} is about a ranking, and nothing is asked about that could be near or far: "
                "give a photo, an item, a text or a colour",
                code="nothing_to_rank",
                pointer=f"/{name}",
            )


def _find_hits(
    query: Query,
    sought: Sought,
    place: Place,
    store: Store,
    judge: Judge,
    manifest: Manifest,
    groups: int | None,
) -> tuple[list[Hit], Place | None]:
    """One page. An item stands where its nearest photo stands, so a page is cut from the list's start on."""
    wanted = place.offset + query.limit + 1
    hits = _list_hits(query, sought, query.conditions, store, judge, manifest, wanted=wanted, groups=groups)
    following = Place(offset=place.offset + query.limit) if len(hits) >= wanted else None
    return hits[place.offset : place.offset + query.limit], following


def _list_hits(
    query: Query,
    sought: Sought,
    conditions: Filter,
    store: Store,
    judge: Judge,
    manifest: Manifest,
    *,
    wanted: int,
    groups: int | None = None,
) -> list[Hit]:
    """The ranking's first hits, this many of them or all there are: no more than there are groups, where that is known.

    The engines give equal scores in any order, another one for another limit. So points are asked for until one is
    below the last hit wanted: then every point that scores as that hit does is there to be put in order.
    """
    depth = min(wanted + TIE_MARGIN, NEAREST_DEPTH)
    palette = judge.find_palette()
    by_score = not query.diversity and palette is None
    while True:
        points, ended = find_candidates(
            sought,
            conditions,
            store,
            depth=depth,
            exact=query.exact,
            diversity=query.diversity,
            palette=palette,
        )
        if by_score:
            points = order_points(points)
        hits = judge.choose_hits(points)
        if query.collapse_duplicates:
            hits = _drop_repeats(hits, store, manifest)
        if ended or depth == NEAREST_DEPTH or (by_score and judge.ends_at(points[-1])):
            return hits
        enough = wanted if groups is None else min(wanted, groups)
        if len(hits) >= enough > 0:
            last = hits[enough - 1].score
            if not by_score or last is None or points[-1].score < last:
                return hits
        depth = min(2 * depth, NEAREST_DEPTH)


def _drop_repeats(hits: Sequence[Hit], store: Store, manifest: Manifest) -> list[Hit]:
    """The hits without those whose photo nearly repeats a better one's."""
    backbone = manifest.spaces[0].name
    vectors: dict[tuple[str, int], Vector] = {}
    for index in {hit.photo.index for hit in hits}:
        ids = [hit.item.id for hit in hits if hit.photo.index == index]
        for item_id, point in store.read_items(ids, index=index, spaces=[backbone]).items():
            if backbone in point.vectors:
                vectors[item_id, index] = point.vectors[backbone]
    ranked = [(place, hit.photo.phash, vectors.get((hit.item.id, hit.photo.index))) for place, hit in enumerate(hits)]
    return [hits[place] for place in drop_near_duplicates(ranked)]


def _scan_hits(query: Query, place: Place, store: Store) -> tuple[list[Hit], Place | None]:
    if query.group_by is not None:
        groups, following = list_groups(query, query.group_by, place, store)
        return [replace(_read_hit(point), group=value) for value, point in groups], following
    page = store.scan(query.conditions, limit=query.limit, after=place.after)
    return [_read_hit(point) for point in page.points], Place(after=page.next_after) if page.next_after else None


def _read_hit(point: StoredPoint) -> Hit:
    return Hit(
        item=point.item, photo=point.photo, score=None, parts={}, predictions=point.predictions, model=point.model
    )


def _count_facets(
    query: Query, sought: Sought, store: Store, manifest: Manifest, judge: Judge
) -> Mapping[str, Sequence[FacetCount]]:
    if query.facets_over is FacetsOver.FILTER:
        return count_facets(
            query.facets, query.conditions, store, manifest, limit=query.facet_limit, source=query.source
        )

    def find_items(conditions: Filter) -> list[Hit]:
        return _list_hits(query, sought, conditions, store, judge, manifest, wanted=NEAREST_ITEMS)[:NEAREST_ITEMS]

    return count_nearest(
        query.facets, query.conditions, find_items, manifest, limit=query.facet_limit, source=query.source
    )
