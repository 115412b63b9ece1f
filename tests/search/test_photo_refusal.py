"""What is no photo, is damaged or too large: refused by name, and never anything but a PhotoError."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from search.errors import PhotoError
from search.photo import MAX_BYTES, decode_photo
from tests.search.pictures import FORMATS, draw_noise, draw_picture, save


def refuse(data: bytes) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        decode_photo(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "empty_photo", "empty"),
        (b"\xff\xd8\xff" + bytes(MAX_BYTES), "photo_too_large", "20.0 MB"),
        (b"hello, world", "unsupported_format", "JPEG, PNG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "unsupported_format", "HEIC"),
        (b'\xef\xbb\xbf\n <svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_format", "SVG"),
        (b"<!DOCTYPE html><html>404</html>", "unsupported_format", "web page"),
        (b"%PDF-1.7", "unsupported_format", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported_format", "not a photo"),
        (b"RIFF\x00\x00\x00\x00WAVE", "unsupported_format", "not a photo"),
        (b"\xff\xd8\xff", "unreadable_photo", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "unreadable_photo", "damaged"),
        (b"BM", "unreadable_photo", "damaged"),
        (b"GIF89a", "unreadable_photo", "damaged"),
        (b"II*\x00", "unreadable_photo", "damaged"),
    ],
)
def test_what_is_no_photo_is_refused_by_name(data, code, word):
    error = refuse(data)
    assert error.code == code
    assert word in error.message


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_cut_short_is_refused(format_name, kept):
    data = save(draw_noise(), format_name)
    error = refuse(data[: int(len(data) * kept)])
    assert error.code == "unreadable_photo"
    assert format_name in error.message


def patch_jpeg_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def patch_png_size(data: bytes, width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (patch_jpeg_size(save(draw_picture(), "JPEG"), 10_000, 5_001), "50 million"),
        (patch_jpeg_size(save(draw_picture(), "JPEG"), 65_000, 65_000), "50 million"),
        (patch_jpeg_size(save(draw_picture(), "JPEG"), 20_000, 10), "16384"),
        (patch_png_size(save(draw_picture(), "PNG"), 5_000, 4_801), "24 million"),
        (patch_png_size(save(draw_picture(), "PNG"), 50_000, 50_000), "24 million"),
        (patch_png_size(save(draw_picture(), "PNG"), 1, 16_385), "16384"),
    ],
)
def test_size_limits_are_read_off_the_header(data, word):
    error = refuse(data)
    assert error.code == "photo_too_large"
    assert word in error.message


@pytest.mark.parametrize("side", [10_000, 65_535])
def test_a_gif_frame_larger_than_its_screen_is_refused_without_a_warning(side, recwarn):
    data = save(Image.new("P", (8, 8)), "GIF")
    at = data.index(b"\x2c", 13 + 3 * 2 ** ((data[10] & 7) + 1)) + 5
    error = refuse(data[:at] + struct.pack("<HH", side, side) + data[at + 4 :])
    assert error.code == "photo_too_large"
    assert not recwarn.list


def test_a_jpeg_of_30_megapixels_is_read():
    photo = decode_photo(save(Image.new("L", (6_000, 5_000), 90), "JPEG"))
    assert (photo.width, photo.height, photo.picture.size) == (6_000, 5_000, (640, 533))
    assert photo.picture.getpixel((300, 300)) == (90, 90, 90)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged metadata
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    format_name=st.sampled_from(FORMATS),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.floats(0.2, 1),
)
def test_nothing_but_a_photo_error_comes_of_damaged_bytes(format_name, edits, cut):
    data = bytearray(DAMAGED[format_name])
    for place, value in edits:
        data[8 + int(place * (len(data) - 8))] = value
    try:
        photo = decode_photo(bytes(data[: int(len(data) * cut)]))
    except PhotoError:
        return
    assert photo.picture.mode == "RGB"


DAMAGED = {
    name: save(draw_noise(24, 24).quantize(16) if name == "GIF" else draw_noise(24, 24), name) for name in FORMATS
}
