"""People and things drawn for the tests of regions: a head with hair and a face, clothes of plain colours, on white."""

from __future__ import annotations

from PIL import Image, ImageDraw

SKIN = "#d8a07c"
TOP, TROUSERS, SHOES, HAIR = "#b02030", "#2050a0", "#202020", "#2a1a12"

HEAD_ENDS, HEM, ANKLE = 66, 200, 372
"""Rows of the tall drawing, of 400."""


def draw_person(*, trousers: str = TROUSERS, ground: str = "white") -> Image.Image:
    """Somebody from head to foot, 300 by 400 pixels: chin about row 62, hem at 200, shoes from 372 on."""
    picture = Image.new("RGB", (300, 400), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((128, 10, 172, 60), fill=HAIR)
    draw.ellipse((132, 18, 168, 66), fill=SKIN)
    draw.rectangle((140, 60, 160, 76), fill=SKIN)
    draw.polygon([(138, 70), (162, 70), (200, 82), (204, 200), (96, 200), (100, 82)], fill=TOP)
    draw.polygon([(100, 82), (86, 90), (78, 205), (92, 205), (104, 110)], fill=SKIN)
    draw.polygon([(200, 82), (214, 90), (222, 205), (208, 205), (196, 110)], fill=SKIN)
    draw.polygon([(98, 200), (202, 200), (196, 372), (160, 372), (150, 240), (140, 372), (104, 372)], fill=trousers)
    draw.rectangle((96, 372, 142, 390), fill=SHOES)
    draw.rectangle((158, 372, 204, 390), fill=SHOES)
    return picture


def draw_things() -> Image.Image:
    """A large square at the left and a small one at the right, 200 by 100 pixels."""
    picture = Image.new("RGB", (200, 100), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((10, 20, 89, 79), fill="#2050a0")
    draw.rectangle((150, 40, 179, 69), fill="#b02030")
    return picture
