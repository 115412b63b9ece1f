"""Maps as they are written: a picture, a table, a projector's folder, and the one the page gets."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from indexer.explore.axes import parse_axis
from indexer.explore.catalogue_map import MapQuestion, check_question, make_map
from indexer.explore.map_files import check_target, to_frame, write_map
from indexer.explore.projection import Method
from indexer.explore.projector import CONFIG_FILE, choose_tile
from indexer.explore.saved_map import FILE_NAME, load_map, save_map, thin_out
from search.errors import IntegrityError, NotFoundError, QueryError, SetupError
from search.filters import AnyOf, Between, NoneOf


def refuse_text(text):
    raise NotFoundError(f"no text encoder for {text!r}", code="no_text_encoder")


def draw(shop, **question):
    return make_map(shop.catalogue, MapQuestion(**{"method": Method.PCA, **question}), embed_text=refuse_text)


@pytest.fixture(scope="module")
def plane(drawn):
    return draw(drawn)


@pytest.fixture(scope="module")
def read_thumbnail(drawn):
    return drawn.catalogue.thumbnails.read


def test_a_map_says_what_it_is(plane):
    assert plane.xy.shape == (60, 2)
    assert (plane.method, plane.table.space, plane.table.total) == ("pca", "fused", 60)
    assert 0.7 < plane.trust <= 1
    assert set(plane.seconds) == {"read", "project", "trust"}
    assert (plane.ends[0].low, plane.ends[1].high) == ("", "")


def test_axes_of_ones_own_take_the_methods_place(drawn):
    made = draw(drawn, axes=(parse_axis("color=Red..Blue"), parse_axis("product_type=Dresses..Trousers")))
    assert made.method == "axes"
    assert [(end.low, end.high) for end in made.ends] == [
        ("color Red", "color Blue"),
        ("product_type Dresses", "product_type Trousers"),
    ]
    of = {point.item.attributes["color"]: xy for point, xy in zip(made.points, made.xy, strict=True)}
    assert of["Red"][0] < of["Blue"][0]
    one = draw(drawn, axes=(parse_axis("color=Red..Blue"),))
    np.testing.assert_array_equal(one.xy[:, 0], made.xy[:, 0])
    assert one.ends[1].low == ""


def test_questions_that_make_no_sense_are_refused(drawn):
    manifest = drawn.catalogue.manifest
    axis = parse_axis("color=Red..Blue")
    for question, why in [
        (MapQuestion(axes=(axis, axis, axis)), "two axes"),
        (MapQuestion(limit=0), "1 to 200000"),
        (MapQuestion(axes=(parse_axis("hue=Red..Blue"),)), "not an attribute"),
        (MapQuestion(axes=(parse_axis("title=Red..Blue"),)), "free text"),
    ]:
        with pytest.raises(QueryError, match=why):
            check_question(question, manifest)
    with pytest.raises(QueryError, match="here are 4"):
        draw(drawn, limit=4)
    with pytest.raises(NotFoundError, match="no text encoder"):
        draw(drawn, axes=(parse_axis("red,blue"),))


@pytest.mark.parametrize(
    ("color_by", "thumbnails"), [("", False), ("color", False), ("product_type", False), ("", True)]
)
def test_a_picture_is_drawn(plane, read_thumbnail, tmp_path, color_by, thumbnails):
    to = tmp_path / "map.png"
    write_map(plane, to, color_by=color_by, read_thumbnail=read_thumbnail, thumbnails=thumbnails)
    first = to.read_bytes()
    with Image.open(io.BytesIO(first)) as picture:
        assert min(picture.size) > 600
        counts = picture.convert("RGB").getcolors(1 << 24)
    colors = {color: count for count, color in counts}
    assert colors[255, 255, 255] > 0.5 * sum(colors.values())
    if color_by == "color":  # the colours named are the colours drawn
        assert {(255, 0, 0), (0, 0, 255), (0, 128, 0), (255, 255, 0)} <= colors.keys()
    assert len(colors) > (1_000 if thumbnails else 20)
    write_map(plane, to, color_by=color_by, read_thumbnail=read_thumbnail, thumbnails=thumbnails)
    assert to.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_a_picture_without_thumbnails_on_disk_is_empty_not_an_error(plane, tmp_path):
    write_map(plane, tmp_path / "map.png", read_thumbnail=lambda _: None, thumbnails=True)
    assert (tmp_path / "map.png").stat().st_size > 1_000


def test_a_table_has_the_columns_embedding_atlas_reads(plane, read_thumbnail, tmp_path):
    write_map(plane, tmp_path / "map.parquet", read_thumbnail=read_thumbnail, thumbnails=True)
    frame = pl.read_parquet(tmp_path / "map.parquet")
    assert frame.columns[:3] == ["x", "y", "id"]
    assert {"color", "product_type", "price", "brand", "title"} <= set(frame.columns)
    assert frame.schema["x"] == pl.Float32
    assert frame.schema["price"] == pl.Float64
    assert frame["id"].to_list() == [point.item.id for point in plane.points]
    np.testing.assert_array_equal(frame.select("x", "y").to_numpy(), plane.xy)
    assert frame.schema["image"] == pl.Struct({"bytes": pl.Binary, "path": pl.String})
    with Image.open(io.BytesIO(frame["image"][7]["bytes"])) as picture:
        assert picture.format == "JPEG"
    assert "image" not in to_frame(plane).columns


def test_tensorboard_reads_the_projectors_folder(plane, read_thumbnail, tmp_path):
    folder = tmp_path / "projector"
    write_map(plane, folder, read_thumbnail=read_thumbnail)
    assert {file.name for file in folder.iterdir()} == {"tensors.tsv", "metadata.tsv", "sprite.png", CONFIG_FILE}
    rows = np.loadtxt(folder / "tensors.tsv", delimiter="\t", dtype=np.float32)
    near = plane.table.fuse()
    near = near - near.mean(axis=0)
    np.testing.assert_allclose(rows @ rows.T, near @ near.T, atol=2e-3)  # distances are kept
    lines = (folder / "metadata.tsv").read_text("utf-8").splitlines()
    assert len(lines) == 61
    assert lines[0].split("\t")[0] == "id"
    assert [line.split("\t")[0] for line in lines[1:]] == [point.item.id for point in plane.points]
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (8 * 64, 8 * 64)
    config = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2").ProjectorConfig()
    pytest.importorskip("google.protobuf.text_format").Parse((folder / CONFIG_FILE).read_text(), config)
    embedding = config.embeddings[0]
    assert (embedding.tensor_path, embedding.metadata_path) == ("tensors.tsv", "metadata.tsv")
    assert list(embedding.sprite.single_image_dim) == [64, 64]
    check_target(folder)  # a second map may take its place
    write_map(plane, folder, read_thumbnail=read_thumbnail)


def test_all_thumbnails_fit_into_one_picture():
    for items in (1, 60, 16_384, 16_385, 200_000):
        assert choose_tile(items) * int(np.ceil(np.sqrt(items))) <= 8_192


def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    for to, kind, why in [
        (tmp_path / "map.gif", QueryError, "'.gif'"),
        (tmp_path / "mine", QueryError, "files of its own"),
        (tmp_path / "file", QueryError, "is a file"),
        (tmp_path / "folder.png", QueryError, "is a folder"),
        (tmp_path / "none" / "map.png", SetupError, "there is no folder"),
    ]:
        with pytest.raises(kind, match=why):
            check_target(to)
    check_target(tmp_path / "new")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_folder_nobody_may_write_into_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(SetupError, match="nothing may be written") as refused:
        check_target(tmp_path / "map.png")
    assert refused.value.code == "no_access"


def test_a_disk_that_refuses_is_an_error_of_ours(plane, read_thumbnail, tmp_path):
    with pytest.raises(SetupError, match="cannot be written"):
        write_map(plane, tmp_path / "gone" / "map.parquet", read_thumbnail=read_thumbnail)


# the one kept for the page


def test_the_last_map_is_kept(plane, drawn, tmp_path):
    with pytest.raises(NotFoundError, match="vitrine map") as refused:
        load_map(tmp_path)
    assert refused.value.code == "no_map"
    save_map(plane, drawn.catalogue.manifest.attributes, tmp_path, color_by="color")
    kept = load_map(tmp_path)
    assert load_map(tmp_path) is kept
    assert (kept.method, kept.space, kept.color_by, kept.trust) == ("pca", "fused", "color", plane.trust)
    assert [point.item_id for point in kept.points] == [point.item.id for point in plane.points]
    np.testing.assert_allclose([(p.x, p.y) for p in kept.points], plane.xy, atol=1e-5)
    assert kept.points[3].photo.sha256 == plane.points[3].photo.sha256
    assert kept.points[3].list_labels("color") == (plane.points[3].item.attributes["color"],)
    assert "title" not in kept.points[3].merchant


def test_a_kept_map_is_filtered_as_the_store_is(plane, drawn, tmp_path):
    save_map(plane, drawn.catalogue.manifest.attributes, tmp_path)
    kept = load_map(tmp_path)
    for conditions in [
        (AnyOf(attribute="color", values=("Red", "Blue")),),
        (NoneOf(attribute="brand", values=("Kite & Co",)), Between(attribute="price", lt=30)),
        (AnyOf(attribute="color", values=("Mauve",)),),
    ]:
        points, total = kept.choose(conditions, 1_000)
        assert len(points) == total == drawn.store.count_items(conditions)
    points, total = kept.choose((), 7)
    assert (len(points), total) == (7, 60)


def test_a_large_map_is_thinned_out_evenly(plane, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.explore.saved_map.MAX_POINTS", 25)
    save_map(plane, drawn.catalogue.manifest.attributes, tmp_path)
    assert len(load_map(tmp_path).points) == 20  # every third
    assert thin_out(list(range(10)), 4) == [0, 2, 5, 7]
    assert thin_out(list(range(3)), 4) == [0, 1, 2]


def test_a_damaged_map_is_said_to_be(plane, drawn, tmp_path):
    save_map(plane, drawn.catalogue.manifest.attributes, tmp_path)
    path: Path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IntegrityError, match="vitrine map"):
        load_map(tmp_path)
