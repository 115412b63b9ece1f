"""CLIP's tokenizer here gives the numbers open_clip's gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.encoders.clip_tokens import open_tokens
from search.errors import SetupError

upstream = pytest.importorskip("open_clip.tokenizer", reason="the extra clip is not installed")

LENGTH = 77
WORDS = ["red", "Shoes", "women's", "T-shirt", "antidisestablishmentarianism", "XL", "100%", "café", "größe", "鞋子"]
pieces = st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.sampled_from(["&amp;", "<end_of_text>", "\t", "_"]))
texts = st.lists(pieces, max_size=30).map(" ".join)


@pytest.fixture(scope="module", params=["lower", "whitespace", "canonicalize"])
def pair(request):
    theirs = upstream.SimpleTokenizer(context_length=LENGTH, clean=request.param)
    return open_tokens(context_length=LENGTH, clean=request.param), theirs


@given(text=texts)
@settings(max_examples=700, deadline=None)
def test_the_numbers_are_those_of_open_clip(pair, text):
    ours, theirs = pair
    np.testing.assert_array_equal(ours.encode([text]), theirs([text]).numpy())


def test_what_is_too_long_is_cut_and_still_ends(pair):
    ours, theirs = pair
    texts = ["red shoes " * 60, "x" * 900, "", "a"]
    tokens = ours.encode(texts)
    assert tokens.shape == (4, LENGTH)
    assert tokens.dtype == np.int64
    assert tokens[0, -1] == tokens[2, 1] == 49_407
    np.testing.assert_array_equal(tokens, theirs(texts).numpy())


def test_an_unknown_way_of_cleaning_is_refused():
    with pytest.raises(SetupError) as caught:
        open_tokens(context_length=LENGTH, clean="scrub")
    assert caught.value.code == "unsupported_encoder"
