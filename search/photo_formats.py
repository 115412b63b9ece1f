"""Which file formats are photos here: told by a file's first bytes, never by its name or declared type.

Works with bytes and Pillow's readers of the formats allowed. Knows nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

READERS: Mapping[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
}
"""The allow-list. Its readers are called directly: `Image.open` makes a JPEG with a second frame another format."""

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II\x2a\x00", "TIFF"),
    (b"MM\x00\x2a", "TIFF"),
    (b"II\x2b\x00", "TIFF"),
    (b"MM\x00\x2b", "TIFF"),
)

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\xff\x0a", "a JPEG XL photo"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL photo"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 photo"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def detect_format(data: bytes) -> str | None:
    """Name of the format of a file, a key of `READERS`, by its first bytes; None where it is none of them."""
    for prefix, name in _PREFIXES:
        if data.startswith(prefix):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if any(brand in _AVIF_BRANDS for brand in _read_brands(data)):
        return "AVIF"
    return None


def describe_unsupported(data: bytes) -> str:
    """What a file that `detect_format` does not know seems to be, for a message."""
    if any(brand in _HEIF_BRANDS for brand in _read_brands(data)):
        return "a HEIC photo"
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for prefix, description in _REFUSED:
        if data.startswith(prefix) or start.startswith(prefix):
            return description
    return f"not a photo (it starts with {data[:8]!r})"


def _read_brands(data: bytes) -> list[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, box `ftyp`); empty for another file."""
    if data[4:8] != b"ftyp":
        return []
    size = min(int.from_bytes(data[:4], "big"), 256)
    return [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]
