"""A shop drawn with Pillow: photos of garments in plain colours on white, and the feed that lists them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

COLORS = {"Red": "#cc2b2b", "Blue": "#2f62c8", "Green": "#2f8a48", "Black": "#222224", "Yellow": "#f0c92f"}
SHAPES = {
    "Tshirts": [(36, 14), (64, 14), (92, 38), (80, 50), (71, 42), (71, 88), (29, 88), (29, 42), (20, 50), (8, 38)],
    "Dresses": [(40, 6), (60, 6), (62, 40), (85, 94), (15, 94), (38, 40)],
    "Trousers": [(33, 6), (67, 6), (75, 95), (55, 95), (50, 35), (45, 95), (25, 95)],
}

Row = dict[str, object]


def draw_photo(path: Path, number: int, *, color: str | None = None, shape: str | None = None, side: int = 96) -> None:
    """A garment; no two numbers give the same picture."""
    color = color or list(COLORS)[number % len(COLORS)]
    shape = shape or list(SHAPES)[number % len(SHAPES)]
    picture = Image.new("RGB", (side, side + number % 7), "white")
    wide = 0.75 + number % 11 / 44
    draw = ImageDraw.Draw(picture)
    draw.polygon([(x * wide * side / 100, y * side / 100) for x, y in SHAPES[shape]], fill=COLORS[color])
    for bit in range(10):  # a strip that spells the number, so that all photos differ
        if number >> bit & 1:
            draw.rectangle((bit * 8 + 2, 1, bit * 8 + 7, 5), fill="#888888")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90)


def draw_shop(folder: Path, count: int, *, first: int = 0, second_photos: bool = False) -> list[Row]:
    """Photos of `count` items and their rows in Google Merchant names; every third item has a second photo if asked."""
    rows: list[Row] = []
    for number in range(first, first + count):
        color, shape = list(COLORS)[number % len(COLORS)], list(SHAPES)[number % len(SHAPES)]
        link = f"photos/{number}.jpg"
        draw_photo(folder / link, number)
        row: Row = {
            "id": f"item-{number}",
            "title": f"{color} {shape} no. {number}",
            "image_link": link,
            "additional_image_link": "",
            "price": f"{10 + number}.50 EUR",
            "brand": ("Acme", "Borea", "Kite & Co")[number % 3],
            "color": color,
            "product_type": shape,
        }
        if second_photos and number % 3 == 0:
            row["additional_image_link"] = f"photos/{number}-back.jpg"
            draw_photo(folder / f"photos/{number}-back.jpg", 1023 - number)
        rows.append(row)
    return rows


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """The rows as a CSV feed; columns are those of the first row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """The rows as a JSON Lines feed."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
