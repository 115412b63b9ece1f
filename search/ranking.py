"""A query turned into hits: the legs it stands on, one call to the store, one hit an item.

Works with a store and a manifest. Knows nothing of how a photo became an embedding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from search.attributes import AttributeKind
from search.cursor import Place, digest_query, read_cursor, write_cursor
from search.errors import NotFoundError, QueryError
from search.filters import Filter, Source
from search.manifest import Manifest
from search.query import MAX_FACET_VALUES, MAX_FACETS, MAX_LIMIT, Hit, Query, Result
from search.store import NEAREST_DEPTH, FacetCount, Leg, ScoredPoint, Store, StoredPoint

TIE_MARGIN = 4
"""Points asked for beyond a page: more than the photos that most often score alike."""


def run_query(query: Query, store: Store, manifest: Manifest) -> Result:
    """Answer a query.

    Raises:
        QueryError: a limit, weight, facet or cursor that makes no sense.
        NotFoundError: the item to be similar to is not there.
        StoreUnavailableError: the store does not answer.
    """
    started = time.perf_counter()
    if not 1 <= query.limit <= MAX_LIMIT:
        raise QueryError(f"limit is {query.limit}; a page has 1 to {MAX_LIMIT} hits", pointer="/limit")
    weights = choose_weights(query.weights, manifest)
    digest = digest_query(query, weights, manifest.name_state())
    place = read_cursor(query.cursor, digest)
    legs = _choose_legs(query, weights, store)
    if legs:
        hits, following = _find_hits(query, legs, place, store)
    else:
        hits, following = _scan_hits(query, place, store)
    facets = count_facets(query.facets, query.conditions, store, manifest, limit=query.facet_limit, source=query.source)
    return Result(
        hits=hits,
        total=store.count_items(query.conditions),
        facets=facets,
        next_cursor=write_cursor(following, digest) if following else None,
        weights={leg.space: leg.weight for leg in legs},
        search_ms=1e3 * (time.perf_counter() - started),
    )


def choose_weights(asked: Mapping[str, float], manifest: Manifest) -> Mapping[str, float]:
    """How much each space counts, summing to 1; the catalogue's own weights where none are asked for.

    Raises:
        QueryError: a space the catalogue does not have, or weights that are not finite, positive numbers.
    """
    known = [space.name for space in manifest.spaces]
    for name, weight in asked.items():
        if name not in known:
            raise QueryError(
                f"this catalogue has no space {name!r}; it has {', '.join(known)}",
                code="unknown_space",
                pointer=f"/weights/{name}",
            )
        if not math.isfinite(weight) or not 0 <= weight <= 1e6:
            raise QueryError(f"the weight of {name!r} is {weight}; it is 0 to 1000000", pointer=f"/weights/{name}")
    chosen = {name: weight for name, weight in (asked or manifest.weights).items() if weight > 0}
    total = sum(chosen.values())
    if not total:
        raise QueryError("every weight is zero: nothing would be compared", pointer="/weights")
    return {name: weight / total for name, weight in chosen.items()}


def count_facets(
    attributes: Sequence[str],
    conditions: Filter,
    store: Store,
    manifest: Manifest,
    *,
    limit: int,
    source: Source = Source.EITHER,
) -> Mapping[str, Sequence[FacetCount]]:
    """Values of each attribute by falling count of items.

    An attribute's own conditions are left out of its counts, so that a shopper who chose red still sees how many blue
    ones there are (the refinement list of InstantSearch).

    Args:
        source: whose values are counted of an attribute that is predicted; of another one, the merchant's.

    Raises:
        QueryError: too many attributes, or one without a set of values to count.
    """
    if len(attributes) > MAX_FACETS:
        raise QueryError(f"{len(attributes)} facets are asked for; at most {MAX_FACETS} can be", pointer="/facets")
    if not 1 <= limit <= MAX_FACET_VALUES:
        raise QueryError(f"facet_limit is {limit}; it is 1 to {MAX_FACET_VALUES}", pointer="/facet_limit")
    for attribute in attributes:
        kind = manifest.attributes.get(attribute)
        if kind not in (AttributeKind.KEYWORD, AttributeKind.INTEGER):
            countable = ", ".join(list_facets(manifest))
            what = "is not an attribute here" if kind is None else f"is {kind.value}, it has no set of values"
            raise QueryError(
                f"{attribute!r} {what}; facets can be: {countable}", code="unknown_attribute", pointer="/facets"
            )
    predicted = manifest.list_predicted()
    return {
        attribute: store.count_facet(
            attribute,
            tuple(condition for condition in conditions if condition.attribute != attribute),
            limit=limit,
            source=source if attribute in predicted else Source.MERCHANT,
        )
        for attribute in dict.fromkeys(attributes)
    }


def list_facets(manifest: Manifest) -> Sequence[str]:
    """Attributes whose values can be counted."""
    return [n for n, kind in manifest.attributes.items() if kind in (AttributeKind.KEYWORD, AttributeKind.INTEGER)]


def _choose_legs(query: Query, weights: Mapping[str, float], store: Store) -> list[Leg]:
    """A leg for each space, less a trained one that nobody has embedded the photo in: the others share its weight."""
    if query.embeddings is not None:
        embeddings = query.embeddings
    elif query.item_id is not None:
        found = store.read_items([query.item_id], spaces=list(weights))
        if query.item_id not in found:
            raise NotFoundError(f"there is no item {query.item_id!r} in this catalogue", code="item_not_found")
        embeddings = found[query.item_id].vectors
    else:
        return []
    there = {name: weight for name, weight in weights.items() if name in embeddings}
    if not there:
        raise QueryError(
            f"what is asked about has no embedding in {', '.join(weights)}; weigh another space",
            code="no_embedding",
            pointer="/weights",
        )
    total = sum(there.values()) if len(there) < len(weights) else 1.0
    return [Leg(space=name, vector=embeddings[name], weight=weight / total) for name, weight in there.items()]


def _find_hits(query: Query, legs: Sequence[Leg], place: Place, store: Store) -> tuple[list[Hit], Place | None]:
    """One page of items. An item stands where its nearest photo stands, so a page is cut from the list's start on.

    The engines give equal scores in any order, another one for another limit. So points are asked for until one is
    below the page's last item: then every point that scores as that item does is there to be put in order.
    """
    wanted = place.offset + query.limit + 1
    without = [] if query.item_id is None else [query.item_id]
    depth = min(wanted + TIE_MARGIN, NEAREST_DEPTH)
    while True:
        points = store.find_nearest(legs, query.conditions, limit=depth, exact=query.exact, without=without)
        items = _collapse_photos(points)
        settled = len(items) >= wanted and points[-1].score < items[wanted - 1].score
        if settled or len(points) < depth or depth == NEAREST_DEPTH:
            break
        depth = min(2 * depth, NEAREST_DEPTH)
    page = items[place.offset : place.offset + query.limit]
    hits = [_to_hit(scored) for scored in page]
    following = Place(offset=place.offset + query.limit) if len(items) >= wanted else None
    return hits, following


def _to_hit(scored: ScoredPoint) -> Hit:
    """Float32 sums can pass 1 by a hair; a cosine cannot."""
    parts = {name: max(-1.0, min(1.0, part)) for name, part in scored.parts.items()}
    score = max(-1.0, min(1.0, scored.score))
    return _read_hit(scored.point, score, parts)


def _read_hit(point: StoredPoint, score: float | None, parts: Mapping[str, float]) -> Hit:
    return Hit(
        item=point.item,
        photo=point.photo,
        score=score,
        parts=parts,
        predictions=point.predictions,
        model=point.model,
    )


def _collapse_photos(points: Sequence[ScoredPoint]) -> list[ScoredPoint]:
    """The nearest photo of each item by falling score; of equal scores the smaller id, then the earlier photo."""
    first: dict[str, ScoredPoint] = {}
    for point in sorted(points, key=lambda p: (-p.score, p.point.item.id, p.point.photo.index)):
        first.setdefault(point.point.item.id, point)
    return list(first.values())


def _scan_hits(query: Query, place: Place, store: Store) -> tuple[list[Hit], Place | None]:
    page = store.scan(query.conditions, limit=query.limit, after=place.after)
    hits = [_read_hit(point, None, {}) for point in page.points]
    return hits, Place(after=page.next_after) if page.next_after else None
