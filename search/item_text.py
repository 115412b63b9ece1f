"""What an item says of itself in words: what a search by text goes by, and what a text encoder is trained on.

Plain values. Knows nothing of words' weights or of encoders.
"""

from __future__ import annotations

from search.item import Item

SILENT = frozenset(
    {
        "link",
        "mobile_link",
        "canonical_link",
        "availability",
        "availability_date",
        "condition",
        "price_currency",
        "sale_price_effective_date",
        "adult",
        "is_bundle",
        "identifier_exists",
        "split",
    }
)
"""Texts that say nothing a shopper would type to find the product: addresses, dates, switches, parts of a data set."""

MAX_LENGTH = 4_000
"""Characters of one text that count."""


def compose_text(item: Item) -> str:
    """The item's title, then its other texts and words in the order of the feed, one a line, and its id; numbers say
    nothing. The same for the same row, whatever its photos are."""
    return "\n".join(text[:MAX_LENGTH] for text in (*list_texts(item), item.id))


def list_texts(item: Item) -> list[str]:
    """The item's texts and words, the title first; none of them empty."""
    names = sorted(item.attributes, key=lambda name: name != "title")
    texts: list[str] = []
    for name in names:
        value = item.attributes[name]
        if name not in SILENT and isinstance(value, (str, tuple)):
            texts.extend(value if isinstance(value, tuple) else [value])
    return [text for text in texts if text.strip()]
