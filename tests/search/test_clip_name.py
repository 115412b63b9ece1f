"""Names of OpenCLIP's models, and of their spaces."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search.encoders.clip_name import CONFIGURATION, ClipName, parse_clip_name
from search.errors import SetupError, WeightsMissingError

LEGAL = re.compile(r"clip_[A-Za-z0-9_-]+")


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("clip:ViT-B-32/laion2b_s34b_b79k", "clip_ViT-B-32_laion2b_s34b_b79k"),
        ("ViT-B-32/laion2B-s34B-b79K", "clip_ViT-B-32_laion2b_s34b_b79k"),
        ("clip:ViT-B/32/openai", "clip_ViT-B-32_openai"),
        (" clip:My Shop's model (v2) / Größe.1 ", "clip_My-Shop-s-model-v2-_gr-e-1"),
    ],
)
def test_a_space_is_named_by_model_and_tag(text, space):
    assert parse_clip_name(text).name_space() == space
    assert LEGAL.fullmatch(space)


@pytest.mark.parametrize("text", ["clip:", "clip:ViT-B-32", "clip:/openai", "clip:ViT-B-32/", "clip:M/file:", ""])
def test_half_a_name_is_refused_with_an_example(text):
    with pytest.raises(SetupError, match="clip:ViT-B-32/laion2b_s34b_b79k") as caught:
        parse_clip_name(text)
    assert caught.value.code == "unknown_encoder"


def test_a_file_is_part_of_the_name_by_its_hash(tmp_path: Path):
    file = tmp_path / "odd name.v1.safetensors"
    file.write_bytes(b"one")
    name = parse_clip_name(f"clip:RN 50/file:{file}")
    assert (name.model, name.file) == ("RN 50", file)
    first = name.name_space()
    assert first.startswith("clip_RN-50_odd-name-v1_")
    assert LEGAL.fullmatch(first)
    file.write_bytes(b"two")
    second = name.name_space()
    (tmp_path / CONFIGURATION).write_text("{}")
    assert len({first, second, name.name_space()}) == 3, "other weights or another configuration: another space"


def test_a_name_says_itself_again():
    for text in ("clip:ViT-B-32/openai", "clip:RN50/file:/weights/a.pt"):
        assert str(parse_clip_name(text)) == text
        assert parse_clip_name(str(parse_clip_name(text))) == parse_clip_name(text)


def test_a_file_that_is_no_weights_file_or_not_there(tmp_path: Path):
    with pytest.raises(SetupError, match=r"\.safetensors"):
        parse_clip_name(f"clip:RN50/file:{tmp_path}/photo.jpg")
    with pytest.raises(WeightsMissingError, match=r"gone\.pt"):
        parse_clip_name(f"clip:RN50/file:{tmp_path}/gone.pt").name_space()


def test_every_published_model_has_a_legal_name_of_its_own():
    open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")
    names = [ClipName(model=model, tag=tag).name_space() for model, tag in open_clip.list_pretrained()]
    assert len(names) > 100
    assert len({name.lower() for name in names}) == len(names)
    assert all(LEGAL.fullmatch(name) for name in names)
