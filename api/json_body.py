"""JSON as it is read from a request: strictly, so that nobody means two things by one text.

Knows nothing of what the JSON is about; shapes are in `api.questions`.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

from search.errors import InputError

MAX_DEPTH = 32


def read_json(data: bytes | str) -> object:
    """The value a JSON text stands for.

    Raises:
        InputError: `malformed_json` for text that is not UTF-8 or not JSON (RFC 8259), says a key twice, has NaN, an
            infinite number or half a surrogate pair, or nests deeper than `MAX_DEPTH`.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value: object = json.loads(
            text, object_pairs_hook=_read_object, parse_constant=_refuse_constant, parse_float=_read_float
        )
        _check_depth(value)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from None
    except UnicodeEncodeError:
        raise _malformed("a text in it has half a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _malformed(f"it is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _malformed(str(error)) from None
    return value


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} is there twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def _check_depth(value: object, depth: int = 1) -> None:
    if isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, depth + 1)


def _malformed(reason: str) -> InputError:
    return InputError(f"the JSON cannot be read: {reason}", code="malformed_json")
