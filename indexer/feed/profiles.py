"""Profiles: which columns of a known kind of feed are which canonical field.

A plain table. Registering a profile is one entry in `PROFILES`. Knows nothing of files or values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.attributes import CANONICAL, PHOTO_COLUMNS

PHOTO_ID, PHOTO_FILE, PHOTO_FOLDER = "photo_id", "photo_file", "photo_folder"
"""Columns a folder of photos has by itself; never kept as attributes under these names."""

GENERATED = frozenset((PHOTO_ID, PHOTO_FILE, PHOTO_FOLDER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A known kind of feed.

    Attributes:
        name: what the manifest records.
        recognised_by: columns, as `fold_name` gives them, that a feed of this kind always has.
        columns: canonical field -> names its column may have, as `fold_name` gives them, preferred one first.
    """

    name: str
    recognised_by: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]


def fold_name(column: str) -> str:
    """A column's name without case, spaces, underscores, hyphens, dots and the `g:` of Merchant Center's XML."""
    return re.sub(r"[\s_\-.]+", "", column).casefold().removeprefix("g:")


def find_profile(columns: Sequence[str]) -> Profile:
    """The first profile whose columns are all there; the last one, `generic`, asks for none."""
    folded = {fold_name(column) for column in columns}
    return next(profile for profile in PROFILES if profile.recognised_by <= folded)


def _fold(*names: str) -> tuple[str, ...]:
    return tuple(map(fold_name, names))


_MERCHANT: Mapping[str, tuple[str, ...]] = {name: _fold(name) for name in ("id", *PHOTO_COLUMNS, *CANONICAL)}

_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "id": _fold("sku", "product_id", "item_id", "article_id", "article_number", "code", "asin", "uid", PHOTO_ID),
    "image_link": _fold(
        *("image", "image_url", "image_path", "image_file", "image_src", "img", "img_url", "photo", "photo_url"),
        *("photo_path", "picture", "picture_url", "main_image", "main_image_url", "file_name", PHOTO_FILE, "images"),
    ),
    "additional_image_link": _fold("additional_image_links", "additional_images", "images", "photos", "image_urls"),
    "title": _fold("name", "product_name", "product_title", "product_display_name", "display_name", "item_name"),
    "description": _fold("desc", "product_description", "body_html", "detail_desc"),
    "link": _fold("url", "product_url", "product_link", "page_url"),
    "price": _fold("regular_price", "list_price", "unit_price"),
    "sale_price": _fold("discount_price", "special_price"),
    "price_currency": _fold("currency", "currency_code"),
    "availability": _fold("stock_status"),
    "brand": _fold("brand_name", "vendor", "manufacturer"),
    "color": _fold("colour", "color_name", "colour_name", "base_color", "base_colour"),
    "product_type": _fold("category", "product_category", "article_type", "category_name", "type", PHOTO_FOLDER),
    "gender": _fold("sex", "target_gender"),
    "material": _fold("fabric"),
    "gtin": _fold("ean", "upc", "barcode", "isbn"),
    "item_group_id": _fold("group_id", "parent_id", "parent_sku"),
}

PROFILES: Sequence[Profile] = (
    # Google Merchant Center, and what took over its names (Meta, OpenAI): support.google.com/merchants/answer/7052112
    Profile(name="google", recognised_by=frozenset(_fold("id", "title", "link", "image_link")), columns=_MERCHANT),
    # "Fashion Product Images" and shops that export like it
    Profile(
        name="fashion",
        recognised_by=frozenset(_fold("id", "articleType", "baseColour")),
        columns={
            "id": _fold("id"),
            "title": _fold("title", "productDisplayName"),
            "gender": _fold("gender"),
            "product_type": _fold("articleType"),
            "color": _fold("baseColour"),
            "image_link": _fold("image", "image_link", "filename", PHOTO_FILE),
        },
    ),
    # a folder of photos without metadata
    Profile(
        name="folder",
        recognised_by=frozenset(_fold(PHOTO_ID, PHOTO_FILE, PHOTO_FOLDER)),
        columns={"id": _fold(PHOTO_ID), "image_link": _fold(PHOTO_FILE), "product_type": _fold(PHOTO_FOLDER)},
    ),
    Profile(
        name="generic",
        recognised_by=frozenset(),
        columns={name: names + _SYNONYMS.get(name, ()) for name, names in _MERCHANT.items()},
    ),
)
"""Tried in order."""
