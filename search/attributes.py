"""Attribute names, their kinds, and the schema of a catalogue.

Names are those of the Google Merchant product data specification (support.google.com/merchants/answer/7052112).
Knows nothing of columns (that is `indexer/feed`) or of how a store indexes a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class AttributeKind(StrEnum):
    """What a value is, and so what can be asked of it.

    KEYWORD: one of a set of words; filters by equality, counts in facets.
    INTEGER: whole number; filters by equality and range, counts in facets.
    NUMBER: filters by range.
    TEXT: free text; kept and returned, filters by equality without an index, never a facet.
    """

    KEYWORD = "keyword"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"


AttributeSchema = Mapping[str, AttributeKind]
"""The kind of every attribute of a catalogue, fixed in its manifest when it is first indexed."""

CANONICAL: Mapping[str, AttributeKind] = {
    **dict.fromkeys(("title", "description", "link", "mobile_link", "gtin", "mpn"), AttributeKind.TEXT),
    **dict.fromkeys(("product_detail", "product_highlight", "sale_price_effective_date"), AttributeKind.TEXT),
    **dict.fromkeys(("availability_date", "canonical_link"), AttributeKind.TEXT),
    **dict.fromkeys(("price", "sale_price"), AttributeKind.NUMBER),
    **dict.fromkeys(("product_length", "product_width", "product_height", "product_weight"), AttributeKind.TEXT),
    **dict.fromkeys(("brand", "color", "pattern", "material", "gender", "age_group"), AttributeKind.KEYWORD),
    **dict.fromkeys(("size", "size_type", "size_system", "condition", "adult", "is_bundle"), AttributeKind.KEYWORD),
    **dict.fromkeys(("availability", "product_type", "google_product_category"), AttributeKind.KEYWORD),
    **dict.fromkeys(("item_group_id", "identifier_exists", "price_currency"), AttributeKind.KEYWORD),
    **dict.fromkeys((f"custom_label_{n}" for n in range(5)), AttributeKind.KEYWORD),
    "multipack": AttributeKind.INTEGER,
}
"""Attributes whose kind is known before a row is read. `price_currency` is split off `price` ("15.00 USD")."""

PHOTO_COLUMNS = ("image_link", "additional_image_link")
"""Canonical names that hold photos rather than attributes."""
