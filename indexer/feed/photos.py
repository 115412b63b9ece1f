"""Photo links to files, and files to bytes.

Whoever runs the command names the feed, so its links may lead anywhere that user can read; a feed from a stranger must
not come this way. Knows nothing of pixels: `search/photo.py` decodes.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from search.errors import FeedError

MAX_PHOTO_BYTES = 20 * 1024 * 1024
"""Of a photo's file."""

_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^(?:data|file):", re.IGNORECASE)


def resolve_photo(link: str, root: Path) -> Path:
    """The file a link means: a path, relative to `root` or absolute, or a `file:` URL. It need not be there.

    Raises:
        FeedError: code `remote_photo`, a link into the network.
    """
    if _URL.match(link) is None:
        return root / link
    try:
        parts = urlsplit(link)
    except ValueError:
        parts = None
    if parts is not None and parts.scheme.lower() == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    raise FeedError(
        f"{link[:200]} is not a file: photos are read from disk. Download them first and let image_link name the files",
        code="remote_photo",
    )


def check_photo(link: str, root: Path) -> Path:
    """The file a link means, where it can be a photo; nothing of it is read.

    Raises:
        FeedError: code `remote_photo`, `missing_photo`, `unreadable_photo` (no plain file) or `photo_too_large`.
    """
    path = resolve_photo(link, root)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _explain(link, error) from None
    _check_status(link, status)
    return path


def read_photo(link: str, root: Path) -> bytes:
    """The bytes of the file a link means, `MAX_PHOTO_BYTES` at most.

    Raises:
        FeedError: as `check_photo`, and `unreadable_photo` where reading fails.
    """
    path = check_photo(link, root)
    try:
        # not to block, should the file have become a pipe since it was looked at
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _check_status(link, os.fstat(descriptor))
            data = file.read(MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise _explain(link, error) from None
    if len(data) > MAX_PHOTO_BYTES:
        raise _refuse_size(link, len(data))
    return data


def _check_status(link: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FeedError(
            f"{_show(link)} is a folder or a device, not a photo; name the file itself", code="unreadable_photo"
        )
    if status.st_size > MAX_PHOTO_BYTES:
        raise _refuse_size(link, status.st_size)


def _refuse_size(link: str, size: int) -> FeedError:
    limit = MAX_PHOTO_BYTES // 1024**2
    return FeedError(
        f"{_show(link)} has {size / 1024**2:.1f} MB or more, a photo at most {limit}; save it smaller",
        code="photo_too_large",
    )


def _explain(link: str, error: OSError | ValueError) -> FeedError:
    absent = isinstance(error, ValueError) or error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    if absent:
        return FeedError(
            f"there is no photo {_show(link)}; a relative path starts at the feed's own folder", code="missing_photo"
        )
    return FeedError(f"{_show(link)} cannot be read ({error})", code="unreadable_photo")


def _show(link: str) -> str:
    return repr(link if len(link) <= 200 else link[:199] + "…")
