"""What people write for a colour, read: names, hex and rgb(); and the name that is nearest to a colour.

Works with text and plain values. Knows nothing of photos, of palettes that were measured, or of HTTP.

A name means what a shop means by it (`search/shop_colors.py`): CSS's own `brown` is a red and its `khaki` a yellow. On
the shared catalogue, of the ten products nearest to a name 0.560 have it as their label that way and 0.415 with CSS's
values (P@10, mean over the 20 names with ten products or more that CSS has too; `python -m bench.color_study`). A name
that a shop has no meaning of its own for is CSS's (CSS Color 4, as Pillow lists them). Who wants one colour and no
other writes it as hex.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from search.color_difference import measure_delta_e, to_lab
from search.errors import QueryError
from search.shop_colors import NO_COLORS, OURS, SAME_AS, SURVEYED

LONGEST_TEXT = 64
"""Characters of one colour."""

LONGEST_PALETTE = 512
MOST_COLORS = 8
"""Characters, and colours, of one palette."""

_SUGGESTIONS = 3
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.ASCII)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", re.ASCII)
# A comma inside the brackets of rgb() parts no colours.
_PARTS = re.compile(r",(?![^()]*\))")


def read_color(text: str, *, pointer: str | None = None) -> str:
    """A colour as people write it, as "#rrggbb".

    Takes `#a02030`, `a02030`, `#abc`, `rgb(160, 32, 48)` and names, whatever their case, and with spaces, hyphens,
    underscores or nothing between their words; gray is grey.

    Args:
        pointer: JSON pointer of the text in a request, for the error.

    Raises:
        QueryError: `unknown_color`, with the known names that are spelt most alike; `text_too_long`.
    """
    _check_length(text, LONGEST_TEXT, "a colour", pointer)
    plain = " ".join(re.split(r"[\s_-]+", text.strip().casefold()))
    if named := _load_names().get(_squeeze(plain)):
        return named
    if found := _HEX.fullmatch(plain):
        digits = found[1]
        return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
    if found := _RGB.fullmatch(plain):
        channels = [int(channel) for channel in found.groups()]
        if max(channels) <= 255:
            return "#" + bytes(channels).hex()
    raise QueryError(_say_unknown(text, plain), code="unknown_color", pointer=pointer)


def read_palette(text: str, *, pointer: str | None = None) -> tuple[tuple[str, float], ...]:
    """A palette as people write it: colours by commas, each with or without a share, as "#a02030:0.7, white:0.3".

    The shares given are parts of their sum; without any, all colours count alike. The colours come in the order given,
    one named twice only once, and their shares sum to 1.

    Raises:
        QueryError: `unknown_color`; `invalid_palette`: a share that is no positive number, shares for some of the
            colours only, none or more than `MOST_COLORS` colours; `text_too_long`.
    """
    _check_length(text, LONGEST_PALETTE, "a palette", pointer)
    parts = [part.partition(":") for part in _PARTS.split(text)]
    if len(parts) > MOST_COLORS:
        raise _refuse_palette(f"a palette has {MOST_COLORS} colours at most, this one has {len(parts)}", pointer)
    shared = sum(1 for _, colon, _ in parts if colon)
    if shared not in (0, len(parts)):
        message = f"{text!r} has shares for {shared} of its {len(parts)} colours; give all of them or none"
        raise _refuse_palette(message, pointer)
    palette: dict[str, float] = {}
    for name, colon, share in parts:
        color = read_color(name, pointer=pointer)
        palette[color] = palette.get(color, 0.0) + (_read_share(share, pointer) if colon else 1.0)
    total = sum(palette.values())
    return tuple((color, share / total) for color, share in palette.items())


def name_color(color: str) -> str:
    """The name of the known colour nearest to "#rrggbb" by CIEDE2000.

    Of several names for one colour the shop's own comes before CSS's, then the alphabet.

    Raises:
        ValueError: something that is no such colour.
    """
    names, labs = _load_labs()
    return names[int(measure_delta_e(labs, to_lab([(color, 1.0)])).argmin())]


def list_color_names() -> tuple[str, ...]:
    """Every name that is known, in order of the alphabet, as it is best written."""
    css = [name for name in ImageColor.colormap if not _is_known(name)]
    return tuple(sorted({*_list_shop_names(), *SAME_AS, *css}))


@cache
def _load_names() -> Mapping[str, str]:
    """Colours by name, the names without anything between their words."""
    named = {_squeeze(name): str(value) for name, value in ImageColor.colormap.items()}
    shop = _list_shop_names()
    named |= {_squeeze(name): value for name, value in shop.items()}
    return named | {_squeeze(name): shop[same] for name, same in SAME_AS.items()}


@cache
def _load_labs() -> tuple[list[str], NDArray[np.float64]]:
    shop = _list_shop_names()
    named = dict(sorted(shop.items())) | {n: str(v) for n, v in sorted(ImageColor.colormap.items()) if not _is_known(n)}
    return list(named), to_lab([(value, 1.0) for value in named.values()])


def _list_shop_names() -> dict[str, str]:
    return {"black": "#000000", "white": "#ffffff", **SURVEYED, **OURS}


def _is_known(css: str) -> bool:
    return _squeeze(css) in {_squeeze(name) for name in (*_list_shop_names(), *SAME_AS)} or "gray" in css


def _squeeze(name: str) -> str:
    return name.replace(" ", "").replace("gray", "grey")


def _say_unknown(text: str, plain: str) -> str:
    forms = "write it as #a02030, rgb(160, 32, 48) or by name"
    if _squeeze(plain) in NO_COLORS:
        return f"{text!r} is the name of no single colour; {forms}"
    names = {_squeeze(name): name for name in list_color_names()}
    near = difflib.get_close_matches(_squeeze(plain), names, n=_SUGGESTIONS, cutoff=0.6)
    hint = f"; names spelt like it: {', '.join(names[name] for name in near)}" if near else ""
    return f"{text!r} is no colour that is known here: {forms}{hint}"


def _read_share(text: str, pointer: str | None) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1e6:
        raise _refuse_palette(
            f"{text.strip()!r} is no share of a colour; give a positive number, as in white:0.3", pointer
        )
    return share


def _refuse_palette(message: str, pointer: str | None) -> QueryError:
    return QueryError(message, code="invalid_palette", pointer=pointer)


def _check_length(text: str, longest: int, what: str, pointer: str | None) -> None:
    if len(text) > longest:
        raise QueryError(
            f"{what} has {longest} characters at most, this text has {len(text)}", code="text_too_long", pointer=pointer
        )
