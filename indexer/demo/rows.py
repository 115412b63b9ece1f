"""One row of the demo feed: what an invented shop says of a garment, under Google Merchant's column names.

Category, colour and photo are given and true; brand, price and the rest are invented from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping

from numpy.random import Generator

COLUMNS = (
    "id",
    "title",
    "product_type",
    "color",
    "gender",
    "brand",
    "price",
    "availability",
    "condition",
    "image_link",
)

# No shop's: made up, so that nobody's name stands beside an invented price.
_BRANDS = ("Brindlecote", "Halvenmoor", "Lumenfeld", "Marrowby", "Pellisande", "Quillmere", "Tarnfold", "Velloway")
_STYLES = ("Plain", "Classic", "Everyday", "Weekend", "City", "Harbour", "Studio", "Garden")
_GENDERS = ("female", "male", "unisex")

# One garment of the category in a title, and its lowest and highest price.
_KINDS: Mapping[str, tuple[str, int, int]] = {
    "T-shirts": ("T-shirt", 9, 35),
    "Trousers": ("Trousers", 25, 90),
    "Pullovers": ("Pullover", 29, 110),
    "Dresses": ("Dress", 29, 140),
    "Coats": ("Coat", 69, 260),
    "Sandals": ("Sandals", 19, 80),
    "Shirts": ("Shirt", 19, 80),
    "Sneakers": ("Sneakers", 39, 150),
    "Bags": ("Bag", 25, 190),
    "Ankle boots": ("Ankle Boots", 59, 220),
}


def write_row(item_id: str, category: str, colour: str, photo: str, random: Generator) -> dict[str, str]:
    """The row of one item, every column filled."""
    kind, lowest, highest = _KINDS[category]
    brand, style = random.choice(_BRANDS), random.choice(_STYLES)
    gender = "female" if category == "Dresses" else random.choice(_GENDERS)
    price = random.integers(lowest, highest + 1) - 0.05
    return {
        "id": item_id,
        "title": f"{brand} {style} {kind} {colour}",
        "product_type": category,
        "color": colour,
        "gender": str(gender),
        "brand": str(brand),
        "price": f"{price:.2f} EUR",
        "availability": "out_of_stock" if random.random() < 0.1 else "in_stock",
        "condition": "new",
        "image_link": photo,
    }
