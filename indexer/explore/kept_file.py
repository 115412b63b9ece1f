"""One JSON document beside the catalogue: written aside and renamed, read again once it has changed.

Works with one file. Knows nothing of what is in it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from search.errors import IntegrityError, NotFoundError, SetupError

T = TypeVar("T")


def save_document(document: Mapping[str, object], path: Path) -> None:
    """Write a document: a reader sees the old one or the new one, whole.

    Raises:
        SetupError: the disk refuses.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("w", encoding="utf-8") as out:
            # Ids that were file names may hold half surrogates, which JSON can only say escaped.
            json.dump(document, out, allow_nan=False)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(path)
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror or error})", code="no_access") from error


class KeptFile(Generic[T]):
    """A document as a value, read when it is first asked for and whenever the file is another one since.

    Safe to use from several threads.

    Args:
        read: makes the value of the document.
        missing: what to say where there is no file.
        code: of that error.
    """

    def __init__(self, read: Callable[[Mapping[str, Any]], T], *, missing: str, code: str) -> None:
        self._read = read
        self._missing = missing
        self._code = code
        self._lock = threading.Lock()
        self._kept: tuple[tuple[Path, int, int], T] | None = None

    def load(self, path: Path) -> T:
        """The value.

        Raises:
            NotFoundError: nothing was made yet.
            IntegrityError: the file is damaged, or of another version.
        """
        try:
            status = path.stat()
            stamp = path, status.st_mtime_ns, status.st_ino
            with self._lock:
                if self._kept is None or self._kept[0] != stamp:
                    self._kept = stamp, self._read(json.loads(path.read_text("utf-8")))
                return self._kept[1]
        except FileNotFoundError:
            raise NotFoundError(self._missing, code=self._code) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(f"{path} is damaged ({error}); make it again: {self._missing}") from error
