"""A catalogue's calibration: pairs that stand for all there are, curves for any weights, and one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.calibration import FILE_NAME, PAGE, PHOTO, TEXT, Calibration, Pairs, load_calibration, save_calibration
from search.embedding import Space
from search.errors import IntegrityError, QueryError

SPACES = (
    Space(name="shape", dimension=8, weights_sha256="a" * 64),
    Space(name="tint", dimension=4, weights_sha256="b" * 64),
)


def draw_pairs(questions: int = 60, gallery: int = 400, seed: int = 0) -> Pairs:
    """Every photo of a gallery beside every question; relevant as often as `shape` and, less so, `tint` are high."""
    generator = np.random.default_rng(seed)
    cosines = generator.uniform(0, 1, (questions * gallery, 2)).astype(np.float16)
    chance = 1 / (1 + np.exp(-(10 * cosines[:, 0] + 3 * cosines[:, 1] - 9)))
    return Pairs(
        columns=("shape", "tint"),
        scores=cosines,
        questions=np.repeat(np.arange(questions), gallery).astype(np.int32),
        stand_for=np.ones(questions * gallery, np.float32),
        relevant=generator.random(len(chance)) < chance,
    )


def draw_text_pairs() -> Pairs:
    pairs = draw_pairs(seed=3)
    return replace(pairs, columns=(TEXT,), scores=pairs.scores[:, :1] * np.float16(20))


def test_pairs_count_as_often_as_they_are_on_a_first_page() -> None:
    gallery, passing, trials = 300, 0.2, 4_000
    generator = np.random.default_rng(1)
    scores = generator.permutation(gallery).astype(np.float64)
    pairs = Pairs(
        columns=("shape",),
        scores=scores[:, None].astype(np.float16),
        questions=np.zeros(gallery, np.int32),
        stand_for=np.ones(gallery, np.float32),
        relevant=np.zeros(gallery, bool),
    )
    shown = np.zeros(gallery)
    order = np.argsort(-scores)
    for _ in range(trials):
        through = order[generator.random(gallery) < passing]
        shown[through[:PAGE]] += 1 / trials
    assert pairs.weigh(scores, {passing: 1.0}) == pytest.approx(shown, abs=0.04)
    assert pairs.weigh(scores, {passing: 1.0}).sum() == pytest.approx(PAGE, rel=0.01)
    whole = pairs.weigh(scores, {1.0: 1.0})
    assert set(np.flatnonzero(whole)) == set(order[:PAGE])


def test_pairs_that_stand_for_others_give_the_probabilities_all_of_them_give() -> None:
    everything = draw_pairs(questions=200)
    scores = everything.fuse({"shape": 0.5, "tint": 0.5})
    kept = np.zeros(len(everything), bool)
    copies = np.ones(len(everything), np.float32)
    generator = np.random.default_rng(2)
    for question in range(200):
        rows = np.flatnonzero(everything.questions == question)
        order = rows[np.argsort(-scores[rows])]
        drawn = generator.choice(order[50:], 70, replace=False)
        kept[order[:50]] = kept[drawn] = True
        copies[drawn] = 350 / 70
    sample = replace(everything, stand_for=copies).pick(kept)
    weights = {"shape": 0.5, "tint": 0.5}
    curves = [Calibration({PHOTO: pairs}, ("color",)).find_curve(weights) for pairs in (everything, sample)]
    grid = np.linspace(0.3, 1, 30)
    assert np.abs(curves[0].measure(grid) - curves[1].measure(grid)).max() < 0.05


def test_relevance_rises_with_the_score_for_any_weights_and_comes_back_from_its_threshold() -> None:
    calibration = Calibration({PHOTO: draw_pairs()}, ("color",))
    for weights in ({"shape": 1.0}, {"tint": 1.0}, {"shape": 0.3, "tint": 0.7}, {"shape": 3, "tint": 7}):
        said = [calibration.measure(score, weights) for score in np.linspace(-1, 1, 50)]
        assert said == sorted(said)
        middle = calibration.measure(0.7, weights)
        threshold = calibration.find_threshold(middle, weights)
        assert calibration.measure(threshold, weights) == pytest.approx(middle, abs=1e-6)
    assert calibration.measure(0.7, {"shape": 3, "tint": 7}) == calibration.measure(0.7, {"shape": 0.3, "tint": 0.7})


def test_a_curve_is_fitted_once_for_the_same_weights() -> None:
    calibration = Calibration({PHOTO: draw_pairs()}, ("color",))
    assert calibration.find_curve({"shape": 1.0}) is calibration.find_curve({"shape": 2.0, "tint": 0.0})
    assert calibration.find_curve({"shape": 1.0}) is not calibration.find_curve({"tint": 1.0})


@pytest.mark.parametrize("weights", [{"clip": 1.0}, {"shape": 0.0}, {}])
def test_weights_that_are_not_calibrated_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(QueryError, match="calibrated are shape, tint"):
        Calibration({PHOTO: draw_pairs()}, ("color",)).measure(0.5, weights)


def test_texts_have_a_calibration_of_their_own() -> None:
    photos = Calibration({PHOTO: draw_pairs()}, ("color",))
    assert not photos.knows_text
    with pytest.raises(QueryError, match="texts are not calibrated"):
        photos.measure_text(3.0)
    both = Calibration({PHOTO: draw_pairs(), TEXT: draw_text_pairs()}, ("color",))
    assert both.knows_text
    assert both.measure_text(4.0) < 0.3 < 0.7 < both.measure_text(18.0)
    assert both.find_curve({"shape": 1.0}) is not both.find_text_curve()


def test_what_is_saved_says_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    saved = Calibration({PHOTO: draw_pairs(), TEXT: draw_text_pairs()}, ("product_type", "color"))
    assert save_calibration(tmp_path, saved, SPACES, text_encoder="tower") == tmp_path / FILE_NAME
    loaded = load_calibration(tmp_path, SPACES[::-1], text_encoder="tower")
    assert loaded is not None
    assert loaded.relevant == ("product_type", "color")
    assert loaded.measure(0.6, {"shape": 0.4, "tint": 0.6}) == saved.measure(0.6, {"shape": 0.4, "tint": 0.6})
    assert loaded.measure_text(9.0) == saved.measure_text(9.0)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_calibration_of_other_spaces_or_of_another_text_encoder_is_not_used(tmp_path: Path) -> None:
    assert load_calibration(tmp_path, SPACES) is None
    save_calibration(tmp_path, Calibration({PHOTO: draw_pairs(), TEXT: draw_text_pairs()}, ("color",)), SPACES)
    retrained = (SPACES[0], replace(SPACES[1], weights_sha256="c" * 64))
    assert load_calibration(tmp_path, retrained) is None
    assert load_calibration(tmp_path, SPACES[:1]) is None
    other = load_calibration(tmp_path, SPACES, text_encoder="another")
    assert other is not None
    assert not other.knows_text


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half of it", b"not an archive"])
def test_damaged_file_says_so_and_names_the_way_out(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(damage)
    with pytest.raises(IntegrityError, match="vitrine calibrate"):
        load_calibration(tmp_path, SPACES)


def test_cut_file_says_so(tmp_path: Path) -> None:
    path = save_calibration(tmp_path, Calibration({PHOTO: draw_pairs()}, ("color",)), SPACES)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(IntegrityError, match="vitrine calibrate"):
        load_calibration(tmp_path, SPACES)
