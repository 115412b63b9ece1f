"""DeepFashion's list files, made here in their published format: what is read of them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from classifier.data.deepfashion import Part, is_deepfashion, load_deepfashion
from classifier.data.deepfashion_lists import read_attributes, read_boxes, read_names
from classifier.data.photo_splits import ImageOptions
from search.errors import FeedError, InputError, NotFoundError

CATEGORIES = ("Anorak", "Blazer", "Button Down")
ATTRIBUTES = ("a-line", "abstract chevron print", "zip-up")
SPLITS = ("train",) * 6 + ("val",) * 2 + ("test",) * 2
BOX = (10, 20, 30, 60)


def name_image(n):
    return f"img/{CATEGORIES[n % 2].replace(' ', '_')}_Top_{n}/img_{n:08d}.jpg"


def write_list(path, heading, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([str(len(lines)), heading, *lines]) + "\n")
    return path


def write_benchmark(folder, count=60):
    """As the archive unpacks: `Anno`, `Eval` and `Img`; columns padded with blanks as in the published files."""
    images = [name_image(n) for n in range(count)]
    anno = folder / "Anno"
    write_list(
        anno / "list_category_cloth.txt",
        "category_name  category_type",
        [f"{c:20}{n + 1}" for n, c in enumerate(CATEGORIES)],
    )
    write_list(
        anno / "list_category_img.txt",
        "image_name  category_label",
        [f"{i:70} {n % 2 + 1}" for n, i in enumerate(images)],
    )
    write_list(anno / "list_attr_cloth.txt", "attribute_name  attribute_type", [f"{a:30}{3}" for a in ATTRIBUTES])
    write_list(
        anno / "list_attr_img.txt",
        "image_name  attribute_labels",
        [f"{i:70}{(' 1 -1  0', '-1  1 -1', ' 1  1 -1')[n % 3]}" for n, i in enumerate(images)],
    )
    write_list(
        anno / "list_bbox.txt",
        "image_name  x_1 y_1 x_2 y_2",
        [f"{i:70} {BOX[0]:03} {BOX[1]:03} {BOX[2]:03} {BOX[3]:03}" for i in images],
    )
    write_list(
        folder / "Eval" / "list_eval_partition.txt",
        "image_name  evaluation_status",
        [f"{i:70} {SPLITS[n % 10]}" for n, i in enumerate(images)],
    )
    for n, image in enumerate(images):
        path = folder / "Img" / image
        path.parent.mkdir(parents=True)
        photo = Image.new("RGB", (50, 100), (0, 0, 255))
        photo.paste((255, 0, 0), BOX)
        photo.putpixel((0, 99), (n, n, n))  # no two files are equal
        photo.save(path, format="PNG")
    return folder


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    return write_benchmark(tmp_path_factory.mktemp("DeepFashion"))


@pytest.fixture
def options(tmp_path):
    return ImageOptions(side=16, cache=tmp_path)


def test_categories_attributes_and_the_partition_are_those_of_the_lists(benchmark, options):
    assert is_deepfashion(benchmark)
    splits = load_deepfashion(benchmark, options)
    assert splits.train.attributes == {
        "category": ("Anorak", "Blazer"),
        "attributes": ("a-line", "abstract chevron print"),
    }
    assert splits.train.multi == {"attributes"}
    assert splits.problems == ()
    for images, wanted in ((splits.train, "train"), (splits.val, "val"), (splits.test, "test")):
        assert set(images.ids) == {name_image(n) for n in range(60) if SPLITS[n % 10] == wanted}
        numbers = [int(image[-12:-4]) for image in images.ids]
        assert images.read_labels()["category"].tolist() == [n % 2 for n in numbers]
        has = np.array([(1, 0), (0, 1), (1, 1)])
        assert np.array_equal(images.read_labels()["attributes"], has[[n % 3 for n in numbers]])


def test_the_box_is_what_is_taken_unless_the_whole_photo_is_asked_for(benchmark, options):
    boxed = load_deepfashion(benchmark, options, attributes=["category"]).train.read_image(0)
    red, blue, white = (255, 0, 0), (0, 0, 255), (255, 255, 255)
    assert (boxed[:, 4:12] == red).all()  # 20 x 40 fitted into 16 x 16 is 8 wide
    assert (boxed[:, :4] == white).all()
    whole = load_deepfashion(benchmark, options, attributes=["category"], part=Part.WHOLE).train.read_image(0)
    assert (whole[0, 4:12] == blue).all()


def test_without_a_partition_photos_of_one_folder_stay_together(tmp_path, options):
    folder = write_benchmark(tmp_path / "set")
    (folder / "Eval" / "list_eval_partition.txt").unlink()
    splits = load_deepfashion(folder, options, attributes=["category"])
    found = [{str(image).rsplit("/", 1)[0] for image in s.ids} for s in (splits.train, splits.val, splits.test)]
    assert sum(map(len, found)) == len(set.union(*found)) == 60


def test_a_box_outside_its_photo_and_a_missing_photo_are_named(tmp_path, options):
    folder = write_benchmark(tmp_path / "set")
    boxes = folder / "Anno" / "list_bbox.txt"
    lines = boxes.read_text().splitlines()
    lines[2] = f"{name_image(0)} 200 20 300 60"
    boxes.write_text("\n".join(lines))
    (folder / "Img" / name_image(1)).unlink()
    splits = load_deepfashion(folder, options, attributes=["category"])
    assert [problem.split(":")[0] for problem in splits.problems] == [name_image(0), name_image(1)]
    assert "200" in splits.problems[0]


def test_images_without_a_place_in_the_partition_are_counted(tmp_path, options):
    folder = write_benchmark(tmp_path / "set")
    partition = folder / "Eval" / "list_eval_partition.txt"
    partition.write_text("\n".join(["58", *partition.read_text().splitlines()[1:60]]))
    splits = load_deepfashion(folder, options, attributes=["category"])
    assert splits.problems == (f"2 images have labels and are not in {partition}",)
    assert sum(map(len, (splits.train, splits.val, splits.test))) == 58


@pytest.mark.parametrize(
    ("name", "line", "text", "said"),
    [
        ("list_category_cloth.txt", 4, "Blazer", "type"),
        ("list_category_img.txt", 7, f"{name_image(4)} 4", "category from 1 to 3"),
        ("list_category_img.txt", 8, f"{name_image(5)} two", "category from 1 to 3"),
        ("list_attr_img.txt", 9, f"{name_image(6)} 1 -1", "3 times -1, 0 or 1"),
        ("list_attr_img.txt", 10, f"{name_image(7)} 1 -1 2", "3 times -1, 0 or 1"),
        ("list_attr_img.txt", 11, f"{name_image(8)} 1 -11 ", "3 times -1, 0 or 1"),
        ("list_attr_img.txt", 12, f"{name_image(9)} 1-1 0 ", "3 times -1, 0 or 1"),
        ("list_attr_img.txt", 13, f"{name_image(10)} 1 - 1 0", "3 times -1, 0 or 1"),
        ("list_attr_img.txt", 14, f"{name_image(11)} 1 é 0", "3 times -1, 0 or 1"),
        ("list_bbox.txt", 5, f"{name_image(2)} 1 2 3", "x_1 y_1 x_2 y_2"),
        ("list_bbox.txt", 6, f"{name_image(3)} 1 2 3 4.5", "x_1 y_1 x_2 y_2"),
        ("list_eval_partition.txt", 3, f"{name_image(0)} training", "train, val or test"),
        ("list_eval_partition.txt", 1, "sixty", "number of entries"),
    ],
)
def test_a_malformed_line_is_refused_by_file_and_line(name, line, text, said, tmp_path, options):
    folder = write_benchmark(tmp_path / "set")
    (path,) = folder.rglob(name)
    lines = path.read_text().splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines))
    with pytest.raises(FeedError) as caught:
        load_deepfashion(folder, options)
    assert f"{name}:{line}:" in caught.value.message
    assert said in caught.value.message


def test_a_list_that_is_cut_short_is_refused(benchmark, tmp_path):
    path = tmp_path / "list_bbox.txt"
    path.write_text("\n".join((benchmark / "Anno" / "list_bbox.txt").read_text().splitlines()[:-1]))
    with pytest.raises(FeedError, match="60 entries are announced, and 59 are there"):
        read_boxes(path)


def test_a_folder_without_the_lists_asked_for_is_refused(tmp_path, options):
    folder = write_benchmark(tmp_path / "set", count=10)
    (folder / "Anno" / "list_attr_cloth.txt").unlink()
    with pytest.raises(NotFoundError, match=r"list_attr_cloth\.txt"):
        load_deepfashion(folder, options)
    (folder / "Anno" / "list_attr_img.txt").unlink()
    with pytest.raises(NotFoundError, match=r"list_attr_img\.txt"):
        load_deepfashion(folder, options, attributes=["attributes"])
    with pytest.raises(InputError, match="'color' is not in DeepFashion's lists"):
        load_deepfashion(folder, options, attributes=["color"])


def test_names_may_hold_blanks(benchmark):
    assert read_names(benchmark / "Anno" / "list_attr_cloth.txt") == list(ATTRIBUTES)


def test_a_thousand_columns_over_many_blocks_are_read_as_written(tmp_path):
    random = np.random.default_rng(0)
    wanted = random.integers(-1, 2, (300, 1_000))
    lines = [f"img/a_{n}/img_{n}.jpg   " + " ".join(f"{value:2}" for value in row) for n, row in enumerate(wanted)]
    lines.insert(150, "")
    path = tmp_path / "list_attr_img.txt"

    def write():
        path.write_text("\n".join(["300", "image_name attribute_labels", *lines]))

    write()
    images, has = read_attributes(path, 1_000)
    assert images[299] == "img/a_299/img_299.jpg"
    assert np.array_equal(has, wanted == 1)

    lines[290] += " 1"
    write()
    with pytest.raises(FeedError, match=r"list_attr_img\.txt:293:"):
        read_attributes(path, 1_000)
