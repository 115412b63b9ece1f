"""Photo files of every kind in, upright RGB pictures out."""

from __future__ import annotations

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from search.photo import decode_photo, encode_thumbnail
from tests.search.pictures import FORMATS, differ, draw_noise, draw_picture, save

LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}, "AVIF": {"quality": 95}}
TURNED_BY = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes this orientation has turned the picture it stores."""


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_allowed_format_is_read_by_its_bytes(format_name):
    picture = draw_picture()
    photo = decode_photo(save(picture, format_name, **LOSSLESS.get(format_name, {})))
    assert (photo.format, photo.width, photo.height) == (format_name, 96, 64)
    assert photo.picture.mode == "RGB"
    assert type(photo.picture) is Image.Image
    assert differ(photo.picture, picture) < 3


@pytest.mark.parametrize("orientation", TURNED_BY)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_orientation_is_made_upright(format_name, orientation):
    upright = draw_picture()
    turn = TURNED_BY[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode_photo(save(stored, format_name, exif=exif, **LOSSLESS.get(format_name, {})))
    assert (photo.width, photo.height) == upright.size
    assert differ(photo.picture, upright) < 5


def test_orientation_holds_for_a_photo_that_is_reduced():
    stored = draw_picture(1200, 800).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = decode_photo(save(stored, "JPEG", exif=exif), max_side=300)
    assert (photo.width, photo.height, photo.picture.size) == (1200, 800, (300, 200))
    assert photo.picture.getpixel((20, 20))[0] > 240
    assert photo.picture.getpixel((20, 180))[2] > 240


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of the broken block
def test_a_broken_exif_block_is_no_reason_to_refuse():
    data = save(draw_picture(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff broken", quality=95)
    assert differ(decode_photo(data).picture, draw_picture()) < 3


@pytest.mark.parametrize(
    ("size", "reduced"),
    [((640, 480), (640, 480)), ((641, 480), (640, 479)), ((3000, 1500), (640, 320)), ((30, 1500), (13, 640))],
)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_only_a_larger_photo_is_reduced_and_exactly_to_the_limit(format_name, size, reduced):
    photo = decode_photo(save(draw_picture(*size), format_name))
    assert photo.picture.size == reduced
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1)])
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "BMP"])
def test_photos_of_one_pixel_or_one_line(format_name, size):
    photo = decode_photo(save(Image.new("RGB", size, "red"), format_name))
    assert (photo.width, photo.height) == size
    assert max(photo.picture.size) == min(max(size), 640)
    assert photo.picture.getpixel((0, 0))[0] > 240


def test_cmyk_jpeg_is_read_with_its_inverted_levels():
    data = save(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    red, green, blue = decode_photo(data).picture.getpixel((16, 16))
    assert red > 240
    assert max(green, blue) < 15


def test_ycck_jpeg_is_read():
    """The same file with the colour transform a Photoshop JPEG has: its levels are Y, Cb, Cr and K."""
    # The file stores complements: C, M, Y, K = 255, 0, 0, 255 for a red. YCCK is YCbCr of the complement of C, M, Y.
    luma, blueness, redness = Image.new("RGB", (1, 1), (0, 255, 255)).convert("YCbCr").getpixel((0, 0))
    levels = (255 - luma, 255 - blueness, 255 - redness, 0)
    data = save(Image.new("CMYK", (32, 32), levels), "JPEG", quality=95)
    marker = data.index(b"Adobe")
    transform = marker + 11
    assert data[transform] == 0
    red, green, blue = decode_photo(data[:transform] + b"\x02" + data[transform + 1 :]).picture.getpixel((16, 16))
    assert red > 240
    assert max(green, blue) < 15


def test_cmyk_tiff_is_read():
    data = save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF")
    assert decode_photo(data).picture.getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_alpha_is_composited_on_white(format_name):
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 32, 64))
    picture.paste((0, 0, 0, 128), (32, 32, 64, 64))
    read = decode_photo(save(picture, format_name, **LOSSLESS.get(format_name, {}))).picture
    for at, wanted in (((8, 8), (255, 0, 0)), ((56, 8), (255, 255, 255)), ((56, 56), (127, 127, 127))):
        assert np.abs(np.subtract(read.getpixel(at), wanted)).max() <= 4, at


def test_hidden_colours_do_not_bleed_when_a_photo_with_alpha_is_reduced():
    picture = Image.new("RGBA", (1280, 1280), (255, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 640, 1280))
    read = np.asarray(decode_photo(save(picture, "PNG")).picture, np.int16)
    assert np.abs(read[..., 0] - read[..., 1]).max() <= 1


def test_palette_with_transparency_is_composited_on_white():
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.paste(1, (0, 0, 4, 8))
    for format_name, transparency in (("GIF", 0), ("PNG", 0), ("PNG", b"\x00\xff")):
        read = decode_photo(save(picture, format_name, transparency=transparency)).picture
        assert read.getpixel((1, 4)) == (255, 0, 0)
        assert read.getpixel((6, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "ink", "key"), [("L", 40, 0), ("RGB", (255, 0, 0), (0, 0, 0)), ("LA", (40, 255), None)]
)
def test_a_png_colour_key_and_grey_alpha_are_composited_on_white(mode, ink, key):
    picture = Image.new(mode, (8, 8), (0, 0) if mode == "LA" else 0)
    picture.paste(ink, (0, 0, 4, 8))
    read = decode_photo(save(picture, "PNG", **({} if key is None else {"transparency": key}))).picture
    assert read.getpixel((6, 4)) == (255, 255, 255)
    assert read.getpixel((1, 4)) == ((255, 0, 0) if mode == "RGB" else (40, 40, 40))


@pytest.mark.parametrize(
    ("format_name", "levels"),
    [
        ("PNG", np.array([[0, 32768, 65535]], np.uint16)),
        ("TIFF", np.array([[0, 32768, 65535]], np.uint16)),
        ("TIFF", np.array([[0, 32768, 65535]], np.int32)),
        ("TIFF", np.array([[0, 0.5, 1]], np.float32)),
        ("TIFF", np.array([[0, 128, 255]], np.float32)),
        ("TIFF", np.array([[0, 2_000_000, 4_000_000]], np.int32)),
    ],
)
def test_deep_greys_keep_their_range(format_name, levels):
    read = np.asarray(decode_photo(save(Image.fromarray(levels), format_name)).picture)
    assert [abs(int(got) - wanted) <= 1 for got, wanted in zip(read[0, :, 0], (0, 128, 255), strict=True)] == [True] * 3


def test_a_dark_16_bit_photo_stays_dark():
    read = decode_photo(save(Image.fromarray(np.full((4, 4), 200, np.uint16)), "PNG")).picture
    assert read.getpixel((0, 0)) == (1, 1, 1)


def test_one_bit_photos_are_black_and_white():
    picture = Image.new("1", (16, 16), 1)
    picture.paste(0, (0, 0, 8, 16))
    for format_name in ("PNG", "TIFF", "BMP"):
        read = decode_photo(save(picture, format_name)).picture
        assert (read.getpixel((2, 2)), read.getpixel((12, 2))) == ((0, 0, 0), (255, 255, 255))


def swap_red_and_green(profile: bytes) -> bytes:
    """A profile whose red primary is the other's green (ICC.1:2022, section 7.3: the tag table), under another name."""
    profile = profile.replace("sRGB".encode("utf-16-be"), "odd ".encode("utf-16-be"))
    at = {profile[p : p + 4]: p for p in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12)}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    places = profile[green + 4 : green + 12], profile[red + 4 : red + 12]
    swapped = bytearray(profile)
    swapped[red + 4 : red + 12], swapped[green + 4 : green + 12] = places
    return bytes(swapped)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_colours_are_taken_from_their_profile_to_srgb(format_name):
    odd = swap_red_and_green(SRGB)
    picture = Image.new("RGB", (32, 32), (255, 0, 0))
    red, green, blue = decode_photo(
        save(picture, format_name, icc_profile=odd, **LOSSLESS.get(format_name, {}))
    ).picture.getpixel((16, 16))
    assert green > 240
    assert max(red, blue) < 15


def test_a_profile_applies_under_alpha():
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 4, 8))
    read = decode_photo(save(picture, "PNG", icc_profile=swap_red_and_green(SRGB))).picture
    assert read.getpixel((1, 1))[1] > 240
    assert read.getpixel((6, 6)) == (255, 255, 255)


@pytest.mark.parametrize("profile", [b"no profile at all", SRGB[:200], SRGB[:128] + b"\xff" * 400])
def test_a_broken_profile_is_left_aside(profile):
    photo = decode_photo(save(draw_picture(), "PNG", icc_profile=profile))
    assert differ(photo.picture, draw_picture()) == 0


def test_a_profile_of_other_channels_is_left_aside():
    photo = decode_photo(save(Image.new("L", (8, 8), 100), "PNG", icc_profile=swap_red_and_green(SRGB)))
    assert photo.picture.getpixel((0, 0)) == (100, 100, 100)


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    for format_name in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        data = save(frames[0], format_name, save_all=True, append_images=frames[1:])
        red, _, blue = decode_photo(data).picture.getpixel((8, 8))
        assert red > 230, format_name
        assert blue < 25, format_name


def test_a_jpeg_with_a_second_picture_is_a_jpeg():
    data = save(draw_picture(), "MPO", save_all=True, append_images=[draw_noise()], quality=95)
    photo = decode_photo(data)
    assert photo.format == "JPEG"
    assert differ(photo.picture, draw_picture()) < 5


def test_threads_get_what_one_thread_gets():
    files = [save(draw_noise(200 + n, 150), "PNG", icc_profile=swap_red_and_green(SRGB)) for n in range(16)]
    alone = [decode_photo(data, max_side=100).picture.tobytes() for data in files]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda data: decode_photo(data, max_side=100).picture.tobytes(), files * 4))
    assert together == alone * 4


def test_a_thumbnail_is_small_bare_and_leaves_the_picture_alone():
    exif = Image.Exif()
    exif[0x010E] = "secret"
    data = save(draw_picture(900, 600), "JPEG", exif=exif, comment=b"secret", icc_profile=SRGB)
    assert data.count(b"secret") == 2
    photo = decode_photo(data)
    before = photo.picture.tobytes()
    thumbnail = Image.open(io.BytesIO(encode_thumbnail(photo.picture)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 214))
    assert set(thumbnail.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert photo.picture.tobytes() == before
    assert photo.picture.info == {}


def test_a_thumbnail_is_never_enlarged_and_forgets_the_info_of_any_picture():
    picture = draw_picture(50, 40)
    picture.info["comment"] = b"secret"
    data = encode_thumbnail(picture, side=320)
    assert Image.open(io.BytesIO(data)).size == (50, 40)
    assert b"secret" not in data
    assert picture.info == {"comment": b"secret"}
