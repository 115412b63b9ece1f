"""What an item says of itself: the shop's values of an attribute, else those the classifier accepted.

Works with stored points. Knows nothing of stores or filters' notation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.relevance import list_values
from search.attributes import AttributeKind
from search.errors import QueryError
from search.filters import AnyOf, Between, Condition, Filter, NoneOf, Scalar, Source
from search.manifest import Manifest
from search.store import StoredPoint

Values = Mapping[str, Sequence[Scalar]]
"""By attribute, as many as there are."""


def read_labels(point: StoredPoint, attribute: str) -> tuple[str, ...]:
    """The item's values of an attribute as words: the shop's; where it gave none, the accepted predictions."""
    own = list_values(point.item, attribute)
    if own:
        return tuple(map(str, own))
    prediction = point.predictions.get(attribute)
    return prediction.accepted if prediction else ()


def check_attribute(attribute: str, manifest: Manifest, pointer: str, kinds: Iterable[AttributeKind] = ()) -> None:
    """See that the catalogue has an attribute, of one of these kinds where some are given.

    Raises:
        QueryError: it does not; says which there are.
    """
    wanted = tuple(kinds) or tuple(kind for kind in AttributeKind if kind is not AttributeKind.TEXT)
    if manifest.attributes.get(attribute) in wanted:
        return
    known = ", ".join(sorted(name for name, kind in manifest.attributes.items() if kind in wanted)) or "none"
    what = "is free text, without a set of values" if attribute in manifest.attributes else "is not an attribute here"
    raise QueryError(f"{attribute!r} {what}; there are: {known}", code="unknown_attribute", pointer=pointer)


def matches(conditions: Filter, merchant: Values, predicted: Values) -> bool:
    """Whether an item with these values fulfils every condition, as a store would say."""
    return all(_holds(each, _choose(each, merchant, predicted)) for each in conditions)


def _choose(condition: Condition, merchant: Values, predicted: Values) -> Sequence[Scalar]:
    own, seen = merchant.get(condition.attribute, ()), predicted.get(condition.attribute, ())
    if condition.source is Source.MERCHANT:
        return own
    return seen if condition.source is Source.PREDICTED else own or seen


def _holds(condition: Condition, values: Sequence[Scalar]) -> bool:
    if isinstance(condition, Between):
        return any(not isinstance(value, str) and _is_within(value, condition) for value in values)
    wanted: set[Scalar] = {*condition.values, *(str(v) for v in condition.values if isinstance(v, int))}
    found = any(value in wanted for value in values)
    return not found if isinstance(condition, NoneOf) else found and isinstance(condition, AnyOf)


def _is_within(value: float, bounds: Between) -> bool:
    return (
        (bounds.gt is None or value > bounds.gt)
        and (bounds.gte is None or value >= bounds.gte)
        and (bounds.lt is None or value < bounds.lt)
        and (bounds.lte is None or value <= bounds.lte)
    )
