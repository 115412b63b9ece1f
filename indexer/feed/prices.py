"""Prices as shops write them: a number, and the currency where it can be told.

Follows the Merchant specification ("15.00 USD", support.google.com/merchants/answer/6324371) and reads what shops
write instead. Knows nothing of columns.
"""

from __future__ import annotations

import math
import re

_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₫": "VND", "₪": "ILS"}
_SYMBOLS |= {"zł": "PLN", "US$": "USD", "A$": "AUD", "C$": "CAD", "CA$": "CAD", "AU$": "AUD", "R$": "BRL"}
_SHARED_SYMBOLS = {"$", "¥", "kr", "kr.", "Fr.", "Rs", "Rs.", "R"}
"""Currency signs of several currencies: the number is read, the currency stays unknown."""

_PARTS = re.compile(r"^(?P<before>[^\d.,+-]*?(?:Rs\.|kr\.|Fr\.)?)\s*(?P<number>[\d.,'’\s]*\d)\s*(?P<after>[^\d]*)$")
_MAX_LENGTH = 60  # the pattern above backtracks
_PLAIN = re.compile(r"^\d+(?:[.,]\d+)?$", re.ASCII)
_AMBIGUOUS = re.compile(r"^[1-9]\d{0,2}[.,]\d{3}$", re.ASCII)
_GROUPED = re.compile(r"^\d{1,3}(?:(?P<group>[.,'])\d{3})(?:(?P=group)\d{3})*(?:(?!(?P=group))[.,]\d+)?$", re.ASCII)


def parse_price(text: str) -> tuple[float, str | None]:
    """Number and ISO 4217 code (None where the text does not tell) of "15.00 USD", "USD 15", "15,00 €", "1.299,00".

    Between digits, spaces and apostrophes separate groups. Where point and comma both come up, the last one is the
    decimal sign; where one comes up several times it separates groups. Once and before exactly three digits
    ("1.299"), it may be either: that is refused, unless the whole part is 0 or has more than three digits.

    Raises:
        ValueError: with a sentence that says why it is no price.
    """
    match = _PARTS.match(text.strip()) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError("it is not a number with a currency, such as 15.00 USD")
    before, after = match["before"].strip(), match["after"].strip()
    after = after.lstrip(".,-–").strip() if after.lstrip(".,").startswith(("-", "–")) else after  # "15,-"
    if before and after:
        raise ValueError("it has text on both sides of the number; write it like 15.00 USD")
    return _parse_number(match["number"]), _parse_currency(before or after)


def _parse_currency(sign: str) -> str | None:
    if not sign or sign in _SHARED_SYMBOLS:
        return None
    if sign in _SYMBOLS:
        return _SYMBOLS[sign]
    if len(sign) == 3 and sign.isascii() and sign.isalpha() and sign.lower() not in ("nan", "inf"):
        return sign.upper()
    raise ValueError(f"{sign[:20]!r} is no currency; write it like 15.00 USD")


def _parse_number(written: str) -> float:
    digits = re.sub(r"[\s’]", "'", written)
    if _AMBIGUOUS.match(digits):
        raise ValueError("its point or comma may separate thousands or decimals; write it with two decimals")
    if _PLAIN.match(digits):
        number = float(digits.replace(",", "."))
    elif (match := _GROUPED.match(digits)) is not None:
        number = float(digits.replace(match["group"], "").replace(",", "."))
    else:
        raise ValueError("it is not a number; write it like 15.00 USD")
    if not math.isfinite(number):
        raise ValueError("it is not finite")
    return number
