"""What travels between a store's process and the processes that ask it.

A call is `(method, arguments, keywords)`, an answer `("value", result)` or `("error", class, message, code)`. The
connection is a Unix socket in a folder only its owner can enter, authenticated with a key from a file only its owner
can read, both made anew at every start; values are pickled, which such a connection may carry (`docs/decisions/0003`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search import errors

PROTOCOL = 3
METHODS = frozenset(
    {
        "upsert",
        "replace_attributes",
        "delete_items",
        "delete_photos_from",
        "read_items",
        "read_fingerprints",
        "find_nearest",
        "find_words",
        "score_photos",
        "read_bounds",
        "scan",
        "count_items",
        "count_facet",
        "index_attributes",
        "list_photos",
        "prepare_space",
        "write_taggings",
        "use_spaces",
        "optimize",
    }
)
"""What may be called from another process: the store port, less `close`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a store's process listens, as its address file says.

    Attributes:
        socket: path of the Unix socket.
        key: hex digits of the connection's key.
        pid: process that owns the store.
    """

    socket: str
    key: str
    pid: int
    protocol: int = PROTOCOL


def save_address(address: Address, path: Path) -> None:
    """Write the file aside with its owner's rights only, then rename it into place."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(asdict(address), out)
    aside.replace(path)


def load_address(path: Path) -> Address | None:
    """The address in the file; None where there is none, or one of another version."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        address = Address(**raw)
    except (OSError, ValueError, TypeError):
        return None
    return address if address.protocol == PROTOCOL else None


def to_error(error: errors.VitrineError) -> tuple[str, str, str, str]:
    """An error as plain values."""
    return "error", type(error).__name__, error.message, error.code


def from_error(answer: tuple[Any, ...]) -> errors.VitrineError:
    """The error these values stand for."""
    _, name, message, code = answer
    kind = getattr(errors, name, errors.VitrineError)
    if kind is errors.OverloadedError:
        return errors.OverloadedError(message, retry_after_s=1)
    assert issubclass(kind, errors.VitrineError)
    return kind(message, code=code)
