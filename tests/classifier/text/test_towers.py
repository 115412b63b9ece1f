"""A text tower on a shop made of numbers: it learns what it is told, and nothing where there is nothing to learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.decomposition import PCA

from classifier.text.artefact import CARD, FORMAT, GRAPH, TextCard, load_text, save_text
from classifier.text.export import export_towers
from classifier.text.training import Pair, TextRecipe, TrainedTowers, measure_side, train_towers
from classifier.text.vocabulary import CONTEXT, learn_vocabulary, split_words
from indexer.text_training import measure_titles
from search.embedding import Space, normalise_rows
from search.errors import IntegrityError, MismatchError

pytest.importorskip("open_clip", reason="the extra clip is not installed")

COLORS = ("red", "blue", "green", "white")
KINDS = ("shoe", "shirt", "watch", "bag", "dress")
SPACES = (
    Space(name="shape", dimension=12, weights_sha256="a" * 64),
    Space(name="tint", dimension=6, weights_sha256="b" * 64, trained=True),
)
RECIPE = TextRecipe(towers=1, epochs=12, fewest_steps=1, batch=100)


def make_shop(count: int, *, seed: int) -> tuple[list[Pair], np.ndarray]:
    """Photos whose vectors say what kind and colour they are, and titles that say it too."""
    world, rng = np.random.default_rng(7), np.random.default_rng(seed)
    shapes, tints = world.normal(size=(len(KINDS), 12)), world.normal(size=(len(COLORS), 6))
    pairs, rows = [], []
    for _ in range(count):
        kind, color = rng.integers(len(KINDS)), rng.integers(len(COLORS))
        title = [("nice", "new", "great")[rng.integers(3)], COLORS[color], KINDS[kind]]
        pairs.append(Pair(title=tuple(title), labels=((COLORS[color],), (KINDS[kind],))))
        parts = (shapes[kind] + 0.3 * rng.normal(size=12), tints[color] + 0.3 * rng.normal(size=6))
        rows.append(np.concatenate([part / np.linalg.norm(part) for part in parts]))
    return pairs, np.array(rows, np.float32)


@pytest.fixture(scope="module")
def trained() -> TrainedTowers:
    return train_towers(*make_shop(400, seed=0), [12, 6], RECIPE, seed=0)


def measure_kinds(trained: TrainedTowers, titles: list[list[str]], wanted: list[Pair], vectors: np.ndarray) -> float:
    """Share of titles whose best photo is of the colour and kind they name."""
    best = (trained.embed(titles) @ vectors.T).argmax(axis=1)
    return float(np.mean([set(title) <= set(wanted[place].title) for title, place in zip(titles, best, strict=True)]))


def test_a_trained_tower_finds_what_is_said_and_one_trained_on_shuffled_photos_does_not(trained):
    pairs, vectors = make_shop(200, seed=1)
    asked = [[color, kind] for color in COLORS for kind in KINDS]
    assert measure_kinds(trained, asked, pairs, vectors) > 0.8
    learnt, photos = make_shop(400, seed=0)
    shuffled = np.random.default_rng(3).permutation(len(photos))
    lost = train_towers(learnt, photos[shuffled], [12, 6], RECIPE, seed=0)
    assert measure_kinds(lost, asked, pairs, vectors) < 0.4
    found = measure_titles(trained.embed([pair.title for pair in pairs]), vectors)
    by_chance = measure_titles(lost.embed([pair.title for pair in pairs]), vectors)
    assert found["r@10"] > 2 * by_chance["r@10"]


def test_the_exported_graph_says_what_the_network_says(trained, tmp_path):
    texts = ["new Red shoes", "blue shirt", "umbrella", "x" * 900]
    graph = export_towers(trained, factor=2.0)
    version = save_text(tmp_path, graph, TextCard(vocabulary=trained.vocabulary, spaces=SPACES, metrics={"r@1": 0.5}))
    encoder = load_text(tmp_path / version, SPACES)
    assert encoder.version == version
    for text in texts:
        own = 2.0 * trained.embed([split_words(text)])[0]
        said = encoder.embed(text)
        assert {name: vector.shape for name, vector in said.items()} == {"shape": (12,), "tint": (6,)}
        np.testing.assert_allclose(np.concatenate([said["shape"], said["tint"]]), own, atol=1e-4)


def test_a_tower_of_other_spaces_or_a_damaged_one_is_refused(trained, tmp_path):
    graph = export_towers(trained, factor=1.0)
    card = TextCard(vocabulary=trained.vocabulary, spaces=SPACES, metrics={})
    folder = tmp_path / save_text(tmp_path, graph, card)
    other = (SPACES[0], Space(name="tint", dimension=6, weights_sha256="c" * 64, trained=True))
    with pytest.raises(MismatchError) as caught:
        load_text(folder, other)
    assert caught.value.code == "text_encoder_stale"
    assert "train text" in caught.value.message
    (folder / GRAPH).write_bytes(graph[:-1])
    with pytest.raises(IntegrityError):
        load_text(folder, SPACES)
    (folder / GRAPH).write_bytes(graph)
    (folder / CARD).write_text(json.dumps({"format": 1}))
    with pytest.raises(MismatchError) as caught:
        load_text(folder, SPACES)
    assert caught.value.code == "text_encoder_stale"
    for damaged in ({"format": FORMAT}, {}):
        (folder / CARD).write_text(json.dumps(damaged))
        with pytest.raises(IntegrityError):
            load_text(folder, SPACES)
    with pytest.raises(IntegrityError):
        load_text(tmp_path / "nowhere", SPACES)


def test_words_are_known_by_their_stems_and_unknown_ones_by_their_letters():
    assert split_words("Écharpe, T-Shirts & DRESSES_2") == ["echarpe", "t", "shirt", "dresse", "2"]
    vocabulary = learn_vocabulary([["red", "shoe"], ["red", "shoe", "new"], ["blue", "shoe"]])
    assert vocabulary.words == ("shoe", "red")
    assert vocabulary.pairs == ("red shoe",)
    rows = vocabulary.encode_rows([["red", "shoe", "umbrella"], [], ["shoe"] * 99])
    assert rows.shape == (3, CONTEXT)
    assert rows[0, :4].tolist() == [2, 1, vocabulary.token_count - 1, 0]
    assert rows[2, -1] == vocabulary.token_count - 1
    bags = vocabulary.encode_bags([["shoe", "red", "shoe"], ["shoes"], ["xylophone"], []])
    assert bags.shape[0] == 4
    assert sorted(part for part in bags[0] if part in (1, 2, 3)) == [1, 1, 2, 3]  # as often as it is there
    known, unknown = set(bags[0]) - {0}, set(bags[1]) - {0}
    assert 1 not in unknown
    assert {vocabulary.pieces[part - 4] for part in known & unknown} == {"#<sh", "#sho", "#hoe", "#<sho", "#shoe"}
    assert not bags[2:].any()
    assert vocabulary.encode_bags([[]]).shape == (1, 1)


def test_photos_are_turned_to_half_whitened_components_that_fold_back():
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(size=(500, 8)) * np.arange(1, 9), rng.normal(size=(500, 6))], axis=1)
    side = measure_side(vectors.astype(np.float32), [8, 6])
    assert side.basis.shape == (14, 4 + 3)
    assert not side.basis[:8, 4:].any()
    assert not side.basis[8:, :4].any()
    seen = side.apply(vectors.astype(np.float32))
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose((seen[:, :4] ** 2).mean(), 1, rtol=1e-3)
    first, second = PCA().fit(vectors[:, :8]).explained_variance_[:2]
    # Half whitened: a component's variance is the root of what it was.
    np.testing.assert_allclose(seen[:, 0].var() / seen[:, 1].var(), (first / second) ** 0.5, rtol=1e-3)


def test_photos_that_are_all_alike_are_no_error():
    side = measure_side(np.ones((60, 5), np.float32), [3, 2])
    assert np.isfinite(side.apply(np.ones((2, 5), np.float32))).all()


def test_the_same_seed_gives_the_same_tower():
    shop = make_shop(120, seed=0)
    recipe = TextRecipe(towers=1, epochs=1, fewest_steps=2, batch=60)
    one, same, other = (train_towers(*shop, [12, 6], recipe, seed=seed).embed([["red"]]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_titles_that_tell_nothing_apart_count_as_not_found():
    photos = normalise_rows(np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32))
    assert measure_titles(np.zeros((20, 4), np.float32), photos)["r@1"] == 0
    assert measure_titles(photos, photos)["r@1"] == 1
