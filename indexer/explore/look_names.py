"""Names of groups of items, made of the attribute values that tell a group from all the rest.

A value's weight is its log-odds ratio inside against outside, with the whole catalogue as prior, divided by its
standard deviation (Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 16, 2008, equations 18 to 22).
Works with labels. Knows nothing of vectors or stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PRIOR = 10.0
"""Items that the prior counts as, spread over an attribute's values as the catalogue has them."""

TELLING = 1.96
"""Standard deviations from which a value says something."""

MOST = 0.5
"""Share of a group from which a value can stand for it."""

SHARED = 1 / 3
"""Share of a group from which a value is one of two that stand for it together."""

NOUNS = ("product_type", "google_product_category", "category", "subCategory", "masterCategory")
"""Attributes that say what a thing is, the plainest first: they end a name."""

ORDER = ("age_group", "gender", "usage", "season", "pattern", "material", "color")
"""Attributes before the noun, in the order English puts them; others come first."""

SEEN = ("color", "gender", "pattern", "material", "age_group")
"""Attributes that are seen in a photo: they are taken before others, which may only go along with them."""

MAX_VALUES = 200
MAX_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """How a value tells a group from the rest.

    Attributes:
        inside, outside: share of the items with this value among those that have the attribute, 0 to 1.
        weight: log-odds ratio in standard deviations; negative where it is rarer inside.
    """

    attribute: str
    value: str
    inside: float
    outside: float
    weight: float


Labels = Mapping[str, Sequence[Collection[str]]]
"""By attribute, the values of each item."""


def weigh_traits(labels: Labels, members: Sequence[int], groups: int) -> list[list[Trait]]:
    """The traits of every group, the most telling first.

    Args:
        members: number of the group of each item.
        groups: how many there are.
    """
    sizes = np.bincount(members, minlength=groups)
    found: list[list[Trait]] = [[] for _ in range(groups)]
    for attribute, values in labels.items():
        whole = Counter(value for own in values for value in own)
        having = sum(bool(own) for own in values)
        each: list[Counter[str]] = [Counter() for _ in range(groups)]
        have = [0] * groups
        for group, own in zip(members, values, strict=True):
            each[group].update(own)
            have[group] += bool(own)
        for group in range(groups):
            if 2 * have[group] < sizes[group]:
                continue  # an attribute most of its items lack says little of a group
            for value, inside in each[group].items():
                prior = PRIOR * whole[value] / having
                found[group].append(_weigh(attribute, value, (inside, have[group]), (whole[value], having), prior))
    return [sorted(traits, key=lambda t: (-t.weight, t.attribute, t.value)) for traits in found]


def _weigh(attribute: str, value: str, inside: tuple[int, int], whole: tuple[int, int], prior: float) -> Trait:
    """`inside` and `whole` are (items with the value, items with the attribute)."""
    outside = whole[0] - inside[0], whole[1] - inside[1]
    odds = [(count + prior) / (of - count + PRIOR - prior + 1e-9) for count, of in (inside, outside)]
    deviation = sum(1 / (count + prior) for count, _ in (inside, outside)) ** 0.5
    return Trait(
        attribute=attribute,
        value=value,
        inside=inside[0] / inside[1],
        outside=outside[0] / outside[1] if outside[1] else 0.0,
        weight=float(np.log(odds[0] / odds[1]) / deviation),
    )


def name_groups(traits: Sequence[Sequence[Trait]]) -> list[str]:
    """A name for each group, such as "Blue Jeans" or "Women Heels"; no two are the same.

    A noun, and before it the one value that tells most; where groups would be called alike, more values.
    """
    nouns = [_choose_noun(own) for own in traits]
    adjectives = [_choose_adjectives(own, noun) for own, noun in zip(traits, nouns, strict=True)]
    taken = [min(1, len(own)) for own in adjectives]
    while True:
        names = [_write(n, a[:count]) for n, a, count in zip(nouns, adjectives, taken, strict=True)]
        counts = Counter(names)
        longer = [
            g for g, name in enumerate(names) if counts[name] > 1 and taken[g] < min(MAX_NAMED, len(adjectives[g]))
        ]
        if not longer:
            break
        for group in longer:
            taken[group] += 1
    seen: Counter[str] = Counter()
    for group, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[group] = f"{name} ({seen[name]})"
    return names


def _choose_noun(traits: Sequence[Trait]) -> tuple[Trait, ...]:
    """What most of a group are; two kinds where together they are most; nothing where it is a mixture."""
    for attribute in NOUNS:
        own = sorted((t for t in traits if t.attribute == attribute and t.weight > 0), key=lambda t: -t.inside)[:2]
        if own and own[0].inside >= MOST:
            return (own[0],)
        if len(own) == 2 and sum(t.inside for t in own) >= MOST and own[1].inside >= MOST / 3:
            return tuple(own)
    return ()


def _choose_adjectives(traits: Sequence[Trait], noun: Sequence[Trait]) -> list[tuple[Trait, ...]]:
    """Of each attribute one value that most of the group have, or two that share it; most telling first."""
    kinds = set(NOUNS) if noun else set()
    said = {word for trait in noun for word in trait.value.casefold().split()}
    best: dict[str, tuple[Trait, ...]] = {}
    for trait in traits:
        if trait.attribute in kinds | best.keys() or trait.weight < TELLING:
            continue
        if said.issuperset(trait.value.casefold().split()):
            continue
        own = [t for t in traits if t.attribute == trait.attribute and t.weight >= TELLING and t.inside >= SHARED]
        if sum(t.inside for t in own) >= MOST:
            best[trait.attribute] = tuple(sorted(own, key=lambda t: -t.inside)[:2])
    return sorted(best.values(), key=lambda own: own[0].attribute not in SEEN)


def _write(noun: Sequence[Trait], adjectives: Sequence[Sequence[Trait]]) -> str:
    place = {name: number for number, name in enumerate(ORDER)}
    before = sorted(adjectives, key=lambda own: place.get(own[0].attribute, -1))
    words = [" and ".join(trait.value for trait in own) for own in (*before, noun) if own]
    name = " ".join(words) or "Mixed"
    return name[0].upper() + name[1:]
