"""The measures of a ranking agree with trec_eval, and keep the laws their definitions promise."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, P, R, ScoredDoc, Success, nDCG
from numpy.typing import NDArray

from search.metrics import (
    average_precision_at_k,
    bootstrap_interval,
    ideal_gains,
    match_within_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    reciprocal_rank,
)

Case = tuple[list[int], list[int]]
"""Gains of the hits in ranked order; gains of relevant items that were not found."""

gains = st.integers(min_value=0, max_value=3)
cases: st.SearchStrategy[list[Case]] = st.lists(
    st.tuples(st.lists(gains, min_size=1, max_size=30), st.lists(gains, max_size=30)), min_size=1, max_size=4
)


def ask_trec_eval(case: list[Case], k: int) -> dict[str, list[float]]:
    """Each measure of each query, as ir-measures' default provider (trec_eval through pytrec_eval) gives it."""
    qrels, run = [], []
    for number, (found, missed) in enumerate(case):
        for rank, gain in enumerate(found):
            qrels.append(ir_measures.Qrel(f"q{number}", f"found{rank}", gain))
            run.append(ScoredDoc(f"q{number}", f"found{rank}", float(-rank)))
        qrels.extend(ir_measures.Qrel(f"q{number}", f"missed{n}", gain) for n, gain in enumerate(missed))
    measures = {"p": P @ k, "recall": R @ k, "ap": AP @ k, "ndcg": nDCG @ k, "rr": RR, "cmc": Success @ k}
    values = {(m.query_id, m.measure): m.value for m in ir_measures.iter_calc(list(measures.values()), qrels, run)}
    return {name: [values[f"q{n}", measure] for n in range(len(case))] for name, measure in measures.items()}


def to_matrix(rows: list[list[int]]) -> NDArray[np.float64]:
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows], dtype=float).reshape(len(rows), width)


@settings(max_examples=150, deadline=None)
@given(case=cases, k=st.integers(min_value=1, max_value=40))
def test_every_measure_agrees_with_trec_eval_on_random_rankings(case: list[Case], k: int) -> None:
    ranked, everything = to_matrix([f for f, _ in case]), to_matrix([f + m for f, m in case])
    relevant = (everything > 0).sum(axis=1)
    expected = ask_trec_eval(case, k)
    ours = {
        "p": precision_at_k(ranked, k),
        "recall": recall_at_k(ranked, relevant, k),
        "ap": average_precision_at_k(ranked, relevant, k),
        "ndcg": ndcg_at_k(ranked, everything, k),
        "rr": reciprocal_rank(ranked),
        "cmc": match_within_k(ranked, k),
    }
    for name, values in ours.items():
        assert values == pytest.approx(expected[name], abs=1e-6), name


@given(case=cases, k=st.integers(min_value=1, max_value=40))
def test_ideal_gains_stand_for_every_relevant_item_where_relevance_is_yes_or_no(case: list[Case], k: int) -> None:
    ranked = to_matrix([f for f, _ in case]) > 0
    everything = to_matrix([f + m for f, m in case]) > 0
    from_counts = ndcg_at_k(ranked, ideal_gains(everything.sum(axis=1), k), k)
    assert from_counts == pytest.approx(ndcg_at_k(ranked, everything, k))


def test_average_precision_is_divided_by_all_relevant_items_and_not_by_k() -> None:
    perfect = np.ones((1, 10))
    assert average_precision_at_k(perfect, [40], 10)[0] == pytest.approx(0.25)
    assert average_precision_at_k(perfect, [10], 10)[0] == pytest.approx(1.0)


def test_worked_example_by_hand() -> None:
    ranked = np.array([[1, 0, 1, 0, 0]])
    assert precision_at_k(ranked, 5)[0] == pytest.approx(2 / 5)
    assert recall_at_k(ranked, [4], 5)[0] == pytest.approx(2 / 4)
    assert average_precision_at_k(ranked, [4], 5)[0] == pytest.approx((1 / 1 + 2 / 3) / 4)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    assert ndcg_at_k(ranked, ideal_gains([4], 5), 5)[0] == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert reciprocal_rank(np.array([[0, 0, 1]]))[0] == pytest.approx(1 / 3)


def test_queries_with_nothing_relevant_and_rankings_with_no_hit_score_zero() -> None:
    nothing = np.zeros((2, 0))
    assert precision_at_k(nothing, 3).tolist() == [0, 0]
    assert recall_at_k(nothing, [0, 2], 3).tolist() == [0, 0]
    assert average_precision_at_k(nothing, [0, 2], 3).tolist() == [0, 0]
    assert ndcg_at_k(nothing, ideal_gains([0, 2], 3), 3).tolist() == [0, 0]
    assert reciprocal_rank(nothing).tolist() == [0, 0]
    assert match_within_k(nothing, 3).tolist() == [0, 0]


def test_graded_gains_with_weights_agree_with_trec_eval_where_a_grade_is_missed_at_the_top() -> None:
    case = [([1, 3, 0, 2], [3, 1]), ([0, 0], [2]), ([2], [])]
    ranked, everything = to_matrix([f for f, _ in case]), to_matrix([f + m for f, m in case])
    for k in (1, 3, 10):
        assert ndcg_at_k(ranked, everything, k) == pytest.approx(ask_trec_eval(case, k)["ndcg"], abs=1e-6)
    assert ndcg_at_k(ranked, everything, 1)[0] == pytest.approx(1 / 3)
    assert match_within_k(ranked, 1).tolist() == [1, 0, 1]


def test_a_cut_before_the_first_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 0"):
        precision_at_k(np.ones((1, 3)), 0)


def test_interval_is_the_same_for_the_same_seed_and_holds_the_mean() -> None:
    values = np.random.default_rng(4).random(300)
    low, high = bootstrap_interval(values, seed=1)
    assert (low, high) == bootstrap_interval(values, seed=1)
    assert (low, high) != bootstrap_interval(values, seed=2)
    assert low < values.mean() < high


def test_interval_has_the_width_theory_gives_a_mean() -> None:
    values = np.random.default_rng(5).normal(size=2_000)
    low, high = bootstrap_interval(values)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(2_000), rel=0.1)


def test_interval_of_nothing_is_refused_and_of_one_value_is_that_value() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])
    assert bootstrap_interval([0.5]) == (0.5, 0.5)
