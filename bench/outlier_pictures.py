"""Pictures of anything but garments, for measuring who notices: sample photos of libraries, and pages drawn here.

Two sets without a picture in common. `development` is what a score may be chosen on; `final` has other photographs,
other seeds, and kinds that development has not seen. Everything is the same on every machine. Knows nothing of scores.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE = 320
DRAWN_OF_A_KIND = 12
DEVELOPMENT, FINAL = "development", "final"

PHOTOS = {
    "skimage": (
        *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "chessboard_RGB.png"),
        *("clock_motion.png", "coffee.png", "coins.png", "color.png", "grass.png", "gravel.png", "horse.png"),
        *("hubble_deep_field.jpg", "ihc.png", "logo.png", "microaneurysms.png", "moon.png", "motorcycle_left.png"),
        *("page.png", "phantom.png", "retina.jpg", "rocket.jpg", "text.png"),
    ),
    "sklearn": ("china.jpg", "flower.jpg"),
}
"""Sample pictures that come with a package, by package: every second one, in this order, is final."""

FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
WORDS = (
    *("invoice", "total", "delivery", "window", "report", "garden", "station"),
    *("quarter", "engine", "river", "letter", "update", "order", "system"),
)

Random = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlierPicture:
    """One picture that shows no garment; `name` says which one, `kind` what it is."""

    kind: str
    name: str
    picture: Image.Image


def draw_outliers(part: str) -> Iterator[OutlierPicture]:
    """The pictures of a set, `development` or `final`."""
    yield from read_sample_photos(part)
    for kind, (parts, draw) in KINDS.items():
        if part in parts:
            for number in range(DRAWN_OF_A_KIND):
                seed = number + (0 if part == DEVELOPMENT else 1_000)
                picture = draw(np.random.default_rng([seed, len(kind)]))
                yield OutlierPicture(kind=kind, name=f"{kind} {seed}", picture=picture.convert("RGB"))


def read_sample_photos(part: str) -> Iterator[OutlierPicture]:
    """Packaged photos of a set, each whole and as its left and right square: three pictures of one photograph."""
    for package, names in PHOTOS.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"{package} is not installed; its sample photos are measured with: pip install .[bench]")
        for name in names[part == FINAL :: 2]:
            photo = Image.open(Path(spec.origin).parent / FOLDERS[package] / name).convert("RGB")
            side = min(photo.size)
            cuts = {
                "": photo,
                " left": photo.crop((0, 0, side, side)),
                " right": photo.crop((photo.width - side, photo.height - side, photo.width, photo.height)),
            }
            for cut, picture in cuts.items():
                yield OutlierPicture(kind="photo", name=f"{name}{cut}", picture=picture)


def draw_white_noise(random: Random) -> Image.Image:
    """Every pixel for itself, in colour or in grey."""
    channels = 3 if random.random() < 0.5 else 1
    noise = np.broadcast_to(random.integers(0, 256, (SIDE, SIDE, channels), dtype=np.uint8), (SIDE, SIDE, 3))
    return Image.fromarray(np.ascontiguousarray(noise))


def draw_clouds(random: Random) -> Image.Image:
    """Noise whose strength falls with the frequency, as in photographs of nature."""
    frequencies = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequencies[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(size=(3, SIDE, SIDE))) / frequencies ** random.uniform(0.8, 1.8)
    planes = np.real(np.fft.ifft2(spectrum))
    planes = (planes - planes.mean((1, 2), keepdims=True)) / planes.std((1, 2), keepdims=True)
    return Image.fromarray(np.clip(128 + 50 * planes, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy())


def draw_blocks(random: Random) -> Image.Image:
    """Coarse squares of random colour, sharp or blurred."""
    cells = int(random.integers(4, 24))
    coarse = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
    smooth = Image.Resampling.BICUBIC if random.random() < 0.5 else Image.Resampling.NEAREST
    return coarse.resize((SIDE, SIDE), smooth)


def draw_linear_gradient(random: Random) -> Image.Image:
    """From one colour to another, in any direction."""
    angle = random.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    share = (np.cos(angle) * columns + np.sin(angle) * rows)[..., None]
    share = (share - share.min()) / np.ptp(share)
    return Image.fromarray((share * pick_colour(random) + (1 - share) * pick_colour(random)).astype(np.uint8))


def draw_radial_gradient(random: Random) -> Image.Image:
    """From a middle outwards, with or without rings."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    distance = np.hypot(columns - random.random(), rows - random.random())[..., None]
    share = 0.5 + 0.5 * np.sin(distance * random.uniform(2, 40)) if random.random() < 0.5 else distance / 1.42
    return Image.fromarray((share * pick_colour(random) + (1 - share) * pick_colour(random)).astype(np.uint8))


def draw_landscape(random: Random) -> Image.Image:
    """Sky, a sun, three ranges of hills and some firs."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 120, 190, 240))
    pen = ImageDraw.Draw(picture)
    x, y, r = random.integers(20, 300), random.integers(20, 100), random.integers(12, 34)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 230, 120))
    for layer in range(3):
        level, phase = 130 + 60 * layer, random.uniform(0, 7)
        hill = [(i, level + 28 * np.sin(i / random.uniform(38, 42) + phase)) for i in range(0, SIDE + 8, 8)]
        pen.polygon([*hill, (SIDE, SIDE), (0, SIDE)], fill=tint(random, 60 - 10 * layer, 150 - 35 * layer, 70))
    for _ in range(int(random.integers(3, 14))):
        x, y, h = random.integers(0, SIDE), random.integers(220, 310), random.integers(20, 60)
        pen.polygon([(x, y - h), (x - h / 4, y), (x + h / 4, y)], fill=(20, 80, 40))
    return picture


def draw_house(random: Random) -> Image.Image:
    """A house with windows on a lawn."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 170, 210, 240))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 240, SIDE, SIDE), fill=tint(random, 90, 170, 80))
    left, width, top = int(random.integers(30, 90)), int(random.integers(130, 200)), int(random.integers(110, 160))
    pen.rectangle((left, top, left + width, 260), fill=tint(random, 200, 170, 140))
    pen.polygon(
        [(left - 20, top), (left + width / 2, top - 70), (left + width + 20, top)], fill=tint(random, 150, 60, 50)
    )
    for x in range(left + 15, left + width - 30, 45):
        pen.rectangle((x, top + 20, x + 26, top + 52), fill=(240, 240, 200), outline="white", width=3)
    pen.rectangle((left + width // 2 - 14, 205, left + width // 2 + 14, 260), fill=(90, 50, 30))
    return picture


def draw_street(random: Random) -> Image.Image:
    """High houses with lit windows behind a road."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 60, 60, 90))
    pen = ImageDraw.Draw(picture)
    left = 0
    while left < SIDE:
        width, top = int(random.integers(35, 80)), int(random.integers(30, 180))
        pen.rectangle((left, top, left + width, 270), fill=tint(random, 110, 105, 110))
        for x in range(left + 6, left + width - 8, 14):
            for y in range(top + 8, 262, 18):
                pen.rectangle((x, y, x + 7, y + 9), fill=(250, 220, 130) if random.random() < 0.5 else (50, 55, 70))
        left += width
    pen.rectangle((0, 270, SIDE, SIDE), fill=(70, 70, 72))
    for x in range(int(random.integers(0, 30)), SIDE, 50):
        pen.rectangle((x, 292, x + 26, 297), fill="white")
    return picture


def draw_map(random: Random) -> Image.Image:
    """Streets, water and parks from above."""
    picture = Image.new("RGB", (SIDE, SIDE), (238, 234, 224))
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y = random.integers(-30, SIDE, 2)
        w, h = random.integers(40, 120, 2)
        pen.rectangle((x, y, x + w, y + h), fill=(200, 226, 190))
    pen.line(
        [(i, int(160 + 90 * np.sin(i / 70 + random.uniform(0, 0.3)))) for i in range(0, 340, 20)], (160, 200, 235), 22
    )
    for _ in range(int(random.integers(14, 30))):
        (x1, y1), (x2, y2) = random.integers(-40, SIDE + 40, (2, 2))
        pen.line(
            (x1, y1, x2, y2), (255, 255, 255) if random.random() < 0.7 else (250, 200, 110), int(random.integers(2, 9))
        )
    return picture


def draw_chart(random: Random) -> Image.Image:
    """Bars, a line or a pie, with axes."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(picture)
    values = random.uniform(0.1, 1, int(random.integers(4, 9)))
    form = int(random.integers(0, 3))
    if form == 2:
        ends = np.cumsum(values) / values.sum() * 360
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            pen.pieslice(
                (60, 60, 260, 260), float(start), float(end), fill=tuple(map(int, pick_colour(random))), outline="white"
            )
        return picture
    pen.line([(40, 30), (40, 280), (300, 280)], "black", 2)
    step = 250 // len(values)
    points = [(50 + n * step, 280 - float(v) * 230) for n, v in enumerate(values)]
    if form == 1:
        pen.line(points, tuple(map(int, pick_colour(random))), 4)
        return picture
    colour = tuple(map(int, pick_colour(random)))
    for x, y in points:
        pen.rectangle((x, y, x + step * 0.7, 280), fill=colour)
    return picture


def draw_text_page(random: Random) -> Image.Image:
    """Paragraphs, black on white."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    write_lines(picture, random, (20, 20, SIDE - 20, SIDE - 20), size=int(random.integers(9, 20)), ink=(20, 20, 20))
    return picture


def draw_newspaper(random: Random) -> Image.Image:
    """A headline over two columns and a grey picture."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 240, 236, 222))
    write_lines(picture, random, (16, 12, SIDE - 16, 60), size=int(random.integers(26, 38)), ink=(0, 0, 0))
    for left in (16, 166):
        write_lines(picture, random, (left, 70, left + 138, SIDE - 12), size=10, ink=(30, 30, 30))
    ImageDraw.Draw(picture).rectangle((166, 90, 304, int(random.integers(150, 220))), fill=tint(random, 120, 120, 120))
    return picture


def draw_window(random: Random) -> Image.Image:
    """A program's window: title bar, list at the side, table."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 225, 228, 232))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, SIDE, 26), fill=tint(random, 50, 90, 160))
    pen.rectangle((0, 26, 90, SIDE), fill=tint(random, 205, 210, 218))
    write_lines(picture, random, (8, 40, 86, SIDE), size=11, ink=(40, 40, 40))
    for y in range(50, SIDE, int(random.integers(18, 30))):
        pen.line((100, y, SIDE - 10, y), (180, 180, 185))
        write_lines(picture, random, (104, y + 3, SIDE - 12, y + 16), size=10, ink=(60, 60, 60))
    return picture


def draw_terminal(random: Random) -> Image.Image:
    """Light text on black, as in an editor."""
    picture = Image.new("RGB", (SIDE, SIDE), tint(random, 24, 26, 32))
    for y in range(8, SIDE - 10, 14):
        left = 10 + 16 * int(random.integers(0, 5))
        right = left + int(random.integers(60, 240))
        write_lines(
            picture, random, (left, y, right, y + 13), size=11, ink=tuple(map(int, pick_colour(random) // 2 + 127))
        )
    return picture


def draw_shapes(random: Random) -> Image.Image:
    """Discs, boxes and lines of any colour over each other, softly blurred."""
    picture = Image.new("RGB", (SIDE, SIDE), tuple(map(int, pick_colour(random))))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(8, 40))):
        x, y = random.integers(-20, SIDE, 2)
        w, h = random.integers(10, 130, 2)
        draw = (pen.ellipse, pen.rectangle)[int(random.integers(0, 2))]
        draw((x, y, x + w, y + h), fill=tuple(map(int, pick_colour(random))))
    return picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 3))))


def write_lines(
    picture: Image.Image, random: Random, box: tuple[int, int, int, int], *, size: int, ink: Sequence[int]
) -> None:
    """Words from a short list, line after line, as far as the box goes; pixels."""
    left, top, right, bottom = box
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for y in range(top, bottom - size, round(size * 1.35)):
        line = ""
        while pen.textlength(line, font) < right - left - 3 * size:
            line += str(random.choice(WORDS)) + " "
        pen.text((left, y), line[: max(1, int(len(line) * random.uniform(0.7, 1)))], fill=tuple(ink), font=font)


def pick_colour(random: Random) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Any colour, RGB, 0 to 255."""
    return random.integers(0, 256, 3)


def tint(random: Random, *rgb: int) -> tuple[int, int, int]:
    """A colour near to the given one."""
    red, green, blue = np.clip(np.array(rgb) + random.integers(-25, 26, 3), 0, 255).tolist()
    return red, green, blue


BOTH = (DEVELOPMENT, FINAL)
KINDS: Mapping[str, tuple[Sequence[str], Callable[[Random], Image.Image]]] = {
    "white noise": (BOTH, draw_white_noise),
    "clouds": (BOTH, draw_clouds),
    "blocks": ((FINAL,), draw_blocks),
    "linear gradient": (BOTH, draw_linear_gradient),
    "radial gradient": ((FINAL,), draw_radial_gradient),
    "landscape": (BOTH, draw_landscape),
    "house": ((DEVELOPMENT,), draw_house),
    "street": ((FINAL,), draw_street),
    "map": ((FINAL,), draw_map),
    "chart": (BOTH, draw_chart),
    "text page": (BOTH, draw_text_page),
    "newspaper": ((FINAL,), draw_newspaper),
    "window": ((DEVELOPMENT,), draw_window),
    "terminal": ((FINAL,), draw_terminal),
    "shapes": (BOTH, draw_shapes),
}
"""What is drawn, and in which sets."""
