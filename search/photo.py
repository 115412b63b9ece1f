"""Photo files to upright RGB pictures, within hard limits, and pictures to thumbnails.

Works with the bytes of one file. Knows nothing of items, encoders, or where the bytes came from. Nothing but
`PhotoError` leaves `decode_photo`, whatever the bytes.
"""

from __future__ import annotations

import functools
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

from search.encoder import Picture
from search.errors import PhotoError
from search.photo_formats import READERS, describe_unsupported, detect_format

MAX_BYTES = 20 * 2**20
MAX_SIDE = 16_384
MAX_PIXELS_JPEG = 50_000_000
"""A JPEG is read at a fraction of its size (`draft`), so that it may be larger than the other formats."""
MAX_PIXELS = 24_000_000
MAX_PROFILE_BYTES = 4 * 2**20

_REDUCING_GAP = 2.0
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (CIPA DC-008, tag 0x0112); 1 is upright."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedPhoto:
    """One photo, read.

    Attributes:
        picture: mode RGB, upright, alpha on white, in sRGB; its longer side is at most `max_side`.
        width, height: pixels of the original, upright.
        format: `JPEG`, `PNG`, `WEBP`, `AVIF`, `GIF`, `BMP` or `TIFF`.
    """

    picture: Picture
    width: int
    height: int
    format: str


def decode_photo(data: bytes, *, max_side: int = 640) -> DecodedPhoto:
    """The picture in a photo file; of an animation, its first frame.

    Args:
        max_side: pixels; a photo with a longer side is reduced to it, a smaller one is left as it is.

    Raises:
        PhotoError: with code `empty_photo`, `unsupported_format`, `photo_too_large` or `unreadable_photo`.
    """
    format_name = _check_bytes(data)
    _refuse_bombs()
    try:
        photo = READERS[format_name](io.BytesIO(data))
        width, height = photo.size
        _check_size(width, height, format_name)
        picture, orientation = _read_pixels(photo, max_side)
        picture = _to_srgb(picture, photo.info.get("icc_profile"))
        if orientation in _TURNS:
            picture = picture.transpose(_TURNS[orientation])
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(f"the {format_name} photo is too large: {error}", code="photo_too_large") from error
    # Pillow's readers raise whatever their parsing trips on: OSError, SyntaxError, struct.error, MemoryError ...
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise PhotoError(
            f"the {format_name} photo is damaged or cut short ({reason}); send the file again", code="unreadable_photo"
        ) from error
    picture.info = {}
    if orientation >= 5:
        width, height = height, width
    return DecodedPhoto(picture=picture, width=width, height=height, format=format_name)


def encode_thumbnail(picture: Picture, *, side: int = 320) -> bytes:
    """JPEG bytes of a picture fitted into a square of this side, pixels; no metadata, never enlarged."""
    thumbnail = _reduce(picture, side)
    thumbnail = thumbnail.copy() if thumbnail is picture else thumbnail
    thumbnail.info = {}
    out = io.BytesIO()
    thumbnail.save(out, "JPEG", quality=85)
    return out.getvalue()


def _check_bytes(data: bytes) -> str:
    """The format of a file whose bytes may be looked at."""
    if not data:
        raise PhotoError("the photo is empty (0 bytes); send the file's contents", code="empty_photo")
    if len(data) > MAX_BYTES:
        raise PhotoError(
            f"the photo has {len(data) / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are read: send a smaller one",
            code="photo_too_large",
        )
    format_name = detect_format(data)
    if format_name is None:
        raise PhotoError(
            f"the file is {describe_unsupported(data)}; photos are read as {', '.join(READERS)}",
            code="unsupported_format",
        )
    return format_name


def _check_size(width: int, height: int, format_name: str) -> None:
    """Refuse what the header says is too large, before a pixel is read."""
    limit = MAX_PIXELS_JPEG if format_name == "JPEG" else MAX_PIXELS
    if width * height > limit:
        raise PhotoError(
            f"the {format_name} photo has {width} x {height} pixels, {width * height / 1e6:.0f} million; "
            f"at most {limit // 1_000_000} million are read: send a smaller one",
            code="photo_too_large",
        )
    if max(width, height) > MAX_SIDE:
        raise PhotoError(
            f"the photo has {width} x {height} pixels; a side has at most {MAX_SIDE}: send a smaller one",
            code="photo_too_large",
        )


def _refuse_bombs() -> None:
    """Make Pillow's own size warning an error: a GIF frame or TIFF tile larger than its header says gets that far.

    For the whole process and for good: `warnings.catch_warnings` around a decode would be a race between threads.
    """
    if ("error", None, Image.DecompressionBombWarning, None, 0) not in warnings.filters:
        warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def _read_pixels(photo: ImageFile, max_side: int) -> tuple[Picture, int]:
    """The picture, reduced, in mode L, LA, RGB, RGBA or CMYK, not yet turned; and its EXIF orientation."""
    width, height = photo.size
    scale = max_side / max(width, height)
    if scale < 1:
        gap = scale * _REDUCING_GAP
        photo.draft(None, (max(1, round(width * gap)), max(1, round(height * gap))))
    photo.load()
    # Only now: Pillow turns a TIFF itself while loading, and a PNG's EXIF may follow its pixels.
    orientation = _read_orientation(photo)
    return _reduce(_to_plain_mode(photo), max_side), orientation


def _read_orientation(photo: ImageFile) -> int:
    try:
        return int(photo.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001 - a broken EXIF block is no reason to refuse a photo
        return 1


def _to_plain_mode(picture: Picture) -> Picture:
    """The picture in a mode that can be resized: no palette, no colour key, no 16 bits."""
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _to_8_bits(picture)
    if mode in ("LA", "RGBA", "CMYK"):
        return picture
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if mode in ("L", "RGB"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def _to_8_bits(picture: Picture) -> Picture:
    """Grey levels of 16 or 32 bits, or floats, as 8 bits.

    16 bits are scaled by their range. The other two modes do not say their range: it is the smallest usual one
    (1 for floats, 255, 65,535) that holds the brightest pixel.
    """
    levels = np.nan_to_num(np.asarray(picture, dtype=np.float32))
    if picture.mode.startswith("I;16"):
        top = 65_535.0
    else:
        brightest = float(levels.max())
        usual = (1.0, 255.0, 65_535.0) if picture.mode == "F" else (255.0, 65_535.0)
        top = next((top for top in usual if brightest <= top), brightest)
    return Image.fromarray((np.clip(levels / top, 0, 1) * 255 + 0.5).astype(np.uint8))


def _reduce(picture: Picture, max_side: int) -> Picture:
    """The picture with its longer side at most `max_side`; itself where it is."""
    width, height = picture.size
    scale = max_side / max(width, height)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)


def _to_srgb(picture: Picture, profile: bytes | None) -> Picture:
    """Mode RGB in sRGB, alpha composited on white; always a new picture, without the file it came from."""
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    if alpha is not None:
        picture = picture.convert("L" if picture.mode == "LA" else "RGB")
    transform = _open_transform(profile, picture.mode) if profile else None
    colours = picture.convert("RGB") if transform is None else ImageCms.applyTransform(picture, transform)
    assert colours is not None
    if alpha is None:
        return colours
    return Image.composite(colours, Image.new("RGB", colours.size, "white"), alpha)


@functools.lru_cache(maxsize=8)
def _open_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What takes colours of a profile to sRGB; None where nothing needs to be done, or the profile is of no use."""
    if len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (source.profile.profile_description or "").startswith("sRGB"):
            return None
        if source.profile.xcolor_space.strip() != {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[mode]:
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # noqa: BLE001 - a broken profile is no reason to refuse a photo
        return None
