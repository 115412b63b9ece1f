"""Small re-encoded pictures of catalogue photos, one file each, named by the photo's hash.

Works with JPEG bytes and a folder. An upload is never kept or served; only what `encode_thumbnail` made of it is.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Thumbnails:
    """A folder of thumbnails. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, sha256: str) -> bytes | None:
        """The thumbnail of the photo with this hash; None where there is none."""
        try:
            return self._path(sha256).read_bytes()
        except (FileNotFoundError, ValueError):
            return None

    def write(self, sha256: str, jpeg: bytes) -> None:
        """Keep a thumbnail: written aside, then renamed."""
        path = self._path(sha256)
        if path.exists():
            return
        # Two workers may have the same picture in hand at once.
        aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            aside.write_bytes(jpeg)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(jpeg)
        aside.replace(path)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in hex")
        return self._folder / sha256[:2] / f"{sha256}.jpg"
