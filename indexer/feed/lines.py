"""Lines of a text file, however it is encoded or packed, none of them longer than a limit.

Works with plain and gzipped files in UTF-8 (with or without byte order mark) and UTF-16 (with one). Knows nothing of
what a line says. NUL characters are dropped: they are never meant, and databases refuse them.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from search.errors import FeedError

MAX_LINE = 5_242_880
"""Characters; as many bytes as Meta's catalogue lets a line of an XML feed have."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"


class LineFault(Exception):  # noqa: N818 - not an error of the tree: it never leaves the package
    """A line that cannot be read. `fatal`: nothing after it can be read either."""

    def __init__(self, code: str, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fatal = fatal


class Lines:
    """Iterator over lines with their line ends; after a `LineFault` that is not fatal it goes on with the next line."""

    def __init__(self, stream: IO[str]) -> None:
        self._readline: Callable[[int], str] = stream.readline
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._read_piece()
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > MAX_LINE:
            self._skip_rest(line)
            raise LineFault("row_too_long", f"line {self.number} has more than {MAX_LINE:,} characters; shorten it")
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                raise LineFault(
                    "bad_encoding", f"line {self.number} holds bytes that are not text; save the file as UTF-8"
                ) from None
        return line.replace("\0", "") if "\0" in line else line

    def _read_piece(self) -> str:
        try:
            return self._readline(MAX_LINE + 1)
        except (OSError, EOFError, zlib.error, UnicodeError) as error:
            raise LineFault(
                "broken_feed",
                f"the file cannot be read beyond line {self.number} ({error}); write or copy it again",
                fatal=True,
            ) from error

    def _skip_rest(self, piece: str) -> None:
        while piece and not piece.endswith(("\n", "\r")):
            piece = self._read_piece()


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """The lines of a file, unpacked and decoded.

    Raises:
        FeedError: the file cannot be opened, or is packed another way than its name says.
    """
    try:
        with path.open("rb") as file, _unpack(path, file) as binary:
            encoding, errors = _detect_encoding(_peek(binary), path.name)
            with io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="") as text:
                yield Lines(text)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(f"{path.name} cannot be read ({error}); write or copy it again") from error


def _unpack(path: Path, file: io.BufferedReader) -> IO[bytes]:
    head = file.peek(4)
    if head.startswith(_ZIP):
        raise FeedError(f"{path.name} is a ZIP file or a spreadsheet; save it as CSV")
    if head.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="rb"))
    if path.name.lower().endswith(".gz"):
        raise FeedError(f"{path.name} is not gzip, whatever its name says; pack it again, or drop '.gz' from the name")
    return file


def _peek(binary: IO[bytes]) -> bytes:
    head = cast(io.BufferedReader, binary).peek(4)
    return head[:4]


def _detect_encoding(head: bytes, name: str) -> tuple[str, str]:
    # Both error handlers let wrong bytes through as lone surrogates, which `Lines` then finds, line by line.
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "surrogatepass"
    if b"\0" in head:
        raise FeedError(
            f"{name} starts with zero bytes: binary, or UTF-16 without a mark; save it as UTF-8", code="bad_encoding"
        )
    return "utf-8-sig", "surrogateescape"
