"""CSV files with one column a label: which columns are labels, what their cells may say, and what is refused."""

from __future__ import annotations

import csv

import pytest

from classifier.data.many_hot import ManyHotColumns, load_many_hot, read_many_hot
from classifier.data.photo_splits import ImageOptions
from search.errors import FeedError, NotFoundError
from tests.classifier.data.photo_files import number_colour, write_photo

COLUMNS = ManyHotColumns()


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def table(tmp_path):
    """60 photos with labels `coat`, `belt` and, on the first two only, `hat`."""
    rows = []
    for n in range(60):
        write_photo(tmp_path / "photos" / f"{n}.png", number_colour(n))
        split = ("train", "train", "val", "test")[n % 4]
        rows.append([f"photos/{n}.png", n, n % 2, ("true", "False")[n % 3 > 0], int(n < 2), split, "a note"])
    header = ["image_path", "id", "coat", "belt", "hat", "split", "note"]
    return write_csv(tmp_path / "labels.csv", header, rows)


def test_columns_of_marks_are_the_labels_of_one_attribute(table, tmp_path):
    splits = load_many_hot(table, ImageOptions(side=8, cache=tmp_path))
    assert splits.train.attributes == {"labels": ("belt", "coat")}
    assert splits.train.multi == {"labels"}
    assert splits.left_out == {"labels": {"hat": 2}}
    assert [len(s) for s in (splits.train, splits.val, splits.test)] == [30, 15, 15]
    for images in (splits.train, splits.val, splits.test):
        for n, found in enumerate(images.read_labels()["labels"].tolist()):
            number = int(images.ids[n].rsplit("/", 1)[1].removesuffix(".png"))
            assert found == [int(number % 3 == 0), number % 2]
            assert (images.read_image(n) == number_colour(number)).all()


def test_columns_may_be_named(table):
    rows = read_many_hot(table, ManyHotColumns(labels=("hat", "coat")))
    assert [row.values["labels"] for row in rows[:3]] == [("hat",), ("hat", "coat"), ()]
    assert rows[5].split == "train"
    assert read_many_hot(table, ManyHotColumns(split="note"))[5].split == "a note"


def test_the_same_photo_in_two_rows_stays_in_one_split(tmp_path):
    for n in range(40):
        write_photo(tmp_path / f"{n}.png", number_colour(n))
    rows = [[f"{n % 40}.png", n % 2, 1] for n in range(80)]
    table = write_csv(tmp_path / "t.csv", ["file_name", "a", "b"], rows)
    splits = load_many_hot(table, ImageOptions(side=8, cache=tmp_path))
    found = [{row.rsplit("/", 1)[1] for row in s.ids} for s in (splits.train, splits.val, splits.test)]
    assert sum(map(len, found)) == len(set.union(*found)) == 40


@pytest.mark.parametrize(
    ("lines", "columns", "said"),
    [
        (["image,coat", "a.png,1", "b.png,maybe"], ManyHotColumns(labels=("coat",)), r"t\.csv:3: coat is 'maybe'"),
        (["image,coat", "a.png,1", ",1"], COLUMNS, r"t\.csv:3: the row names no photo in column 'image'"),
        (["image,coat", "a.png,1", "b.png"], COLUMNS, r"t\.csv:3: 1 cells under 2 columns"),
        (["title,coat", "a,1"], COLUMNS, r"t\.csv:1: no column is called image"),
        (["image,coat", "a.png,red"], COLUMNS, "no column holds nothing but 0, 1"),
        (["image,coat", "a.png,1"], ManyHotColumns(labels=("hat",)), "no column 'hat'; there are image, coat"),
        (["image,coat"], COLUMNS, "has no rows"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(lines, columns, said, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(FeedError, match=said):
        read_many_hot(path, columns)


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match="nothing"):
        read_many_hot(tmp_path / "nothing.csv", COLUMNS)
    (tmp_path / "t.csv").write_bytes(b"image,coat\n\xff\xfe,1\n")
    with pytest.raises(FeedError, match="UTF-8"):
        read_many_hot(tmp_path / "t.csv", COLUMNS)
