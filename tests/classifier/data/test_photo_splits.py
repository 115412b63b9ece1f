"""Photos to labelled images: unreadable ones are named, equal ones stay together, and pixels are kept when many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data.labels import choose_labels, encode_labels
from classifier.data.photo_pixels import PhotoFile, read_pixels, to_square
from classifier.data.photo_splits import ImageOptions, PhotoRow, build_splits
from search.encoders.network import fit_square
from search.errors import InputError
from tests.classifier.data.photo_files import number_colour, write_photo


def write_rows(folder: Path, count: int = 120) -> list[PhotoRow]:
    """Every row another photo; label by turns, one label on few."""
    return [
        PhotoRow(
            id=f"row {n}",
            path=write_photo(folder / f"{n}.png", number_colour(n)),
            values={"color": (("red", "blue", "rare")[2 if n % 40 == 0 else n % 2],)},
            group=f"item {n}",
        )
        for n in range(count)
    ]


@pytest.fixture
def options(tmp_path):
    return ImageOptions(side=8, cache=tmp_path / "cache")


def test_rows_become_images_of_their_own_photos_with_their_own_labels(tmp_path, options):
    rows = write_rows(tmp_path)
    splits = build_splits(rows, ["color"], options, name="made")
    assert splits.left_out == {"color": {"rare": splits.left_out["color"]["rare"]}}
    assert 1 <= splits.left_out["color"]["rare"] <= 3
    assert sum(map(len, (splits.train, splits.val, splits.test))) == len(rows)
    for images in (splits.train, splits.val, splits.test):
        assert images.shape == (8, 8, 3)
        for n, row_id in enumerate(images.ids):
            number = int(row_id.removeprefix("row "))
            assert (images.read_image(n) == np.array(number_colour(number))).all()
            label = images.read_labels()["color"][n]
            assert (images.attributes["color"][label] if label >= 0 else "rare") == rows[number].values["color"][0]


def test_the_same_photo_bytes_are_never_in_two_splits(tmp_path, options):
    rows = write_rows(tmp_path)
    copies = [
        replace(row, id=f"{row.id} again", group=f"other {row.id}", path=tmp_path / f"copy {n}.png")
        for n, row in enumerate(rows)
    ]
    for row, copy in zip(rows, copies, strict=True):
        copy.path.write_bytes(row.path.read_bytes())
    splits = build_splits([*rows, *copies], ["color"], options, name="made")
    for images in (splits.train, splits.val, splits.test):
        assert len(images)
        assert {name.removesuffix(" again") for name in images.ids} <= set(images.ids)


def test_an_unreadable_photo_is_named_and_left_out(tmp_path, options):
    rows = write_rows(tmp_path)
    rows[3].path.write_bytes(b"no photo")
    rows[4].path.unlink()
    splits = build_splits(rows, ["color"], options, name="made", problems=["row 9: before"])
    assert splits.problems[0] == "row 9: before"
    assert [problem.split(":")[0] for problem in splits.problems[1:]] == ["row 3", "row 4"]
    ids = {row_id for images in (splits.train, splits.val, splits.test) for row_id in images.ids}
    assert ids == {row.id for row in rows} - {"row 3", "row 4"}


def test_no_readable_photo_at_all_is_an_error_with_the_reason(tmp_path, options):
    rows = [replace(row, path=tmp_path / "nowhere.png") for row in write_rows(tmp_path, 12)]
    with pytest.raises(InputError, match=r"no photo can be read .*nowhere\.png"):
        build_splits(rows, ["color"], options, name="made")


def test_published_splits_are_taken_as_they_are_even_for_equal_photos(tmp_path, options):
    rows = [
        replace(row, split=("train", "train", "val", "test", None)[n % 5]) for n, row in enumerate(write_rows(tmp_path))
    ]
    rows[4].path.write_bytes(rows[3].path.read_bytes())
    rows[2].path.write_bytes(rows[0].path.read_bytes())
    splits = build_splits(rows, ["color"], options, name="made", published=True)
    assert set(splits.val.ids) == {row.id for row in rows if row.split == "val"}
    assert set(splits.test.ids) == {row.id for row in rows if row.split == "test"}
    assert len(splits.train) == 48
    moved = build_splits(rows, ["color"], options, name="made")
    assert "row 2" in moved.train.ids


def test_too_few_photos_for_any_label_are_refused_with_the_numbers(tmp_path, options):
    rows = write_rows(tmp_path, 30)
    with pytest.raises(InputError, match=r"color has 3 labels among .* and 0 of them on 50 photos or more"):
        build_splits(rows, ["color"], replace(options, min_photos=50), name="made", needed=["color"])


def test_many_photos_lie_in_a_file_that_the_next_run_reads(tmp_path):
    photos = [PhotoFile(name=row.id, path=row.path) for row in write_rows(tmp_path, 20)]
    photos[5].path.write_bytes(b"no photo")
    cache = tmp_path / "cache"

    def read():
        calls = []
        found = read_pixels(photos, side=8, cache=cache, in_memory_bytes=100, progress=lambda *at: calls.append(at))
        return found, calls

    first, calls = read()
    assert calls[-1] == (20, 20)
    plain = read_pixels(photos, side=8, cache=cache)
    assert np.array_equal(first.pixels, plain.pixels)
    second, calls = read()
    assert not calls
    assert np.array_equal(second.pixels, plain.pixels)
    assert list(second.hashes) == list(plain.hashes)
    assert list(second.problems) == list(plain.problems) == list(first.problems) != []

    write_photo(photos[0].path, (1, 2, 3), size=(25, 25))
    third, calls = read()
    assert calls
    assert (third.pixels[0] == (1, 2, 3)).all()


def test_a_file_of_pixels_cut_short_is_made_again(tmp_path):
    photos = [PhotoFile(name=row.id, path=row.path) for row in write_rows(tmp_path, 20)]
    first = read_pixels(photos, side=8, cache=tmp_path, in_memory_bytes=0)
    expected = np.array(first.pixels)
    (kept,) = (tmp_path / "pixels").glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:300])
    again = read_pixels(photos, side=8, cache=tmp_path, in_memory_bytes=0)
    assert np.array_equal(again.pixels, expected)


def test_a_photo_is_fitted_as_it_is_for_a_network_and_grey_is_its_lightness(tmp_path):
    picture = Image.new("RGB", (30, 10), (200, 30, 60))
    picture.save(tmp_path / "wide.png")
    data = (tmp_path / "wide.png").read_bytes()
    square = to_square(data, side=12, channels=3)
    assert np.array_equal(square, fit_square(picture, side=12, resampling=Image.Resampling.BICUBIC))
    grey = to_square(data, side=12, channels=1)
    assert grey.shape == (12, 12, 1)
    assert grey[0, 0, 0] == 255
    assert grey[6, 6, 0] == round(0.299 * 200 + 0.587 * 30 + 0.114 * 60)


@pytest.mark.parametrize(("side", "channels"), [(7, 3), (1_025, 3), (32, 2)])
def test_impossible_sizes_are_refused(side, channels, tmp_path):
    with pytest.raises(InputError, match=str(side)):
        read_pixels([], side=side, channels=channels, cache=tmp_path)


def test_labels_are_numbered_and_what_is_left_out_is_unknown():
    training = [{"color": ("red",), "tag": ("a", "b")}] * 10 + [{"color": ("blue",)}] * 10 + [{"color": ("odd",)}] * 9
    labels = choose_labels(training, ["color", "tag", "material"])
    assert labels.attributes == {"color": ("blue", "red"), "tag": ("a", "b")}
    assert labels.multi == {"tag"}
    assert labels.left_out == {"color": {"odd": 9}}
    encoded = encode_labels([{"color": ("odd",)}, {"color": ("red",), "tag": ("b",)}], labels)
    assert encoded["color"].tolist() == [-1, 1]
    assert encoded["tag"].tolist() == [[0, 0], [0, 1]]
    with pytest.raises(InputError, match="material has 0 labels"):
        choose_labels(training, ["color", "material"], needed=["material"])
    with pytest.raises(InputError, match="none of material"):
        choose_labels(training, ["material"])
