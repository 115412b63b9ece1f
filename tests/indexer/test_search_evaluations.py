"""Cut-off, filters and paired comparisons, each against a plain recount or a case whose outcome is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from indexer.calibration import learn_calibration
from indexer.cutoff import FILTERED, HELD_OUT, LEVELS, PLAIN, measure_cutoff
from indexer.evaluation import choose_split, list_weighings
from indexer.evaluation_tables import (
    list_comparison,
    list_cutoff,
    list_filters,
    list_honesty,
    list_retrieval,
    plot_cutoff,
    plot_differences,
    plot_filters,
    plot_matches,
    plot_measures,
    to_table,
)
from indexer.filter_recall import SHARES, choose_filters, measure_filters
from indexer.paired_retrieval import compare_weighings
from indexer.rankings import Question, Rankings, rank_items
from indexer.retrieval_report import report_on
from search.errors import QueryError
from search.metrics import bootstrap_interval
from search.store import ScoredPoint
from tests.contracts.memory_store import MemoryStore
from tests.indexer.sorted_shelf import MANIFEST, SPACES, Shelf, draw_points, fill_shelf

RELEVANT = ("product_type", "color")


def rank(shelf: Shelf, weighings=None, **changes) -> Rankings:
    split = choose_split(shelf.store, shelf.manifest)
    question = Question(
        relevant=RELEVANT,
        grades={"product_type": 2.0, "color": 1.0, "gender": 0.5},
        k=5,
        queries=split.queries,
        gallery=split.gallery,
    )
    return rank_items(shelf, replace(question, **changes), weighings or list_weighings(shelf.manifest, {}))


def test_grade_is_the_sum_over_the_attributes_in_common_and_the_ideal_is_the_best_there_is() -> None:
    shelf = fill_shelf(200)
    rankings = rank(shelf)
    items = {p.item.id: p.item for p in draw_points(200, seed=0, noise=0.9)}
    gallery = [item for item in items.values() if item.attributes["split"] != "test"]
    for row, query in enumerate(rankings.items):
        own = items[query].attributes
        best = sorted(
            (
                sum(g * (own[name] == each.attributes[name]) for name, g in rankings.question.grades.items())
                for each in gallery
            ),
            reverse=True,
        )
        assert rankings.ideal[row].tolist() == best[:5]
        relevant = rankings.gains["fusion"][None][row]
        assert (rankings.graded["fusion"][row][relevant] >= 3).all()
        assert (rankings.graded["fusion"][row][~relevant] < 3).all()
    report = report_on(rankings)
    assert 0 < report.spaces["fusion"].measures["graded_ndcg"].mean < 1
    assert report.spaces["fusion"].by_attribute.keys() == {"product_type", "color", "gender"}


def test_gender_counts_in_grades_but_not_in_what_is_relevant() -> None:
    shelf = fill_shelf(200)
    without = report_on(rank(shelf, grades={"product_type": 1.0})).spaces["fusion"].measures
    beside = report_on(rank(shelf)).spaces["fusion"].measures
    assert without["p"] == beside["p"]
    assert without["graded_ndcg"] != beside["graded_ndcg"]


def test_comparison_is_the_difference_query_by_query() -> None:
    rankings = rank(fill_shelf(300))
    report = compare_weighings(rankings, "tint", "fusion")
    precision = [rankings.gains[name][None].mean(axis=1) for name in ("tint", "fusion")]
    measure = report.measures["p"]
    assert measure.difference == pytest.approx((precision[1] - precision[0]).mean())
    assert measure.low <= measure.difference <= measure.high
    assert measure.better == (precision[1] > precision[0]).sum()
    assert measure.better + measure.worse + measure.equal == report.queries == len(rankings.items)
    assert measure.low > 0, "shape and tint together know more than tint"
    assert report.gained[0][1] >= report.gained[-1][1] > 0
    assert report.to_wire()["measures"].keys() >= {"p_at_5", "graded_ndcg_at_5"}


def test_a_weighing_beside_itself_differs_by_nothing() -> None:
    report = compare_weighings(rank(fill_shelf(200)), "fusion", "fusion")
    for measure in report.measures.values():
        assert (measure.difference, measure.low, measure.high, measure.better) == (0, 0, 0, 0)
    assert (report.gained, report.lost) == ([], [])


def test_paired_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    generator = np.random.default_rng(8)
    held = paired = alone = 0.0
    for trial in range(300):
        hard = generator.normal(size=120)
        a, b = hard + 0.3 * generator.normal(size=120), hard + 0.1 + 0.3 * generator.normal(size=120)
        low, high = bootstrap_interval(b - a, samples=400, seed=trial)
        held += low <= 0.1 <= high
        paired += high - low
        low, high = bootstrap_interval(a, samples=400, seed=trial)
        alone += high - low
    assert 0.90 <= held / 300 <= 0.98
    assert paired < 0.6 * alone, "what makes a query hard is in both"


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return fill_shelf(700)


@pytest.fixture(scope="module")
def cutoff(shelf: Shelf):
    split = choose_split(shelf.store, shelf.manifest)
    calibration = learn_calibration(shelf, RELEVANT)
    return measure_cutoff(shelf, calibration, queries=split.queries, gallery=split.gallery, max_queries=60)


def test_cut_off_keeps_the_relevant_and_finds_less_where_the_type_is_held_out(cutoff) -> None:
    plain, held_out = cutoff.scenarios[PLAIN], cutoff.scenarios[HELD_OUT]
    assert held_out.answerable == 0
    assert not held_out.true.any()
    assert plain.answerable == plain.questions
    for before, after in zip(plain.levels, plain.levels[1:], strict=False):
        assert before.kept >= after.kept
        assert before.close >= after.close
    middle = LEVELS.index(0.5)
    assert plain.levels[middle].precision > plain.honesty.share
    assert held_out.levels[middle].kept < plain.levels[middle].kept / 3
    assert held_out.levels[-2].close < plain.levels[-2].close
    assert cutoff.separation[PLAIN] > 0.8
    assert cutoff.scenarios[FILTERED].answerable <= cutoff.scenarios[FILTERED].questions


def test_levels_are_counted_as_by_hand(cutoff) -> None:
    plain = cutoff.scenarios[PLAIN]
    for level in plain.levels:
        kept = plain.said >= level.min_relevance
        assert level.kept == kept.sum()
        assert level.recall == pytest.approx(plain.true[kept].sum() / plain.true.sum())
        assert level.close == pytest.approx((plain.best >= level.min_relevance).mean())
        assert level.right == pytest.approx(level.close), "every question has an answer"


def test_what_is_held_out_decides_what_is_relevant(shelf: Shelf) -> None:
    calibration = learn_calibration(shelf, ("color",))
    with pytest.raises(QueryError, match="does not decide"):
        measure_cutoff(shelf, calibration, queries=(), gallery=(), hold_out="gender")


class Forgetful(MemoryStore):
    """A store that misses the second-best photo unless every photo is compared."""

    def find_nearest(self, legs, conditions, *, limit, exact=False, **rest) -> Sequence[ScoredPoint]:
        found = super().find_nearest(legs, conditions, limit=limit + 1, exact=exact, **rest)
        return found[:limit] if exact else [*found[:1], *found[2:]][:limit]


def test_recall_counts_what_the_index_misses_and_filters_let_through_what_they_should() -> None:
    store = Forgetful({space.name: space.dimension for space in SPACES})
    store.upsert(draw_points(600, seed=4, noise=0.6))
    shelf = Shelf(manifest=MANIFEST, store=store)
    figures = measure_filters(shelf, k=4, count=30)
    assert [each.wanted for each in figures] == [share for share in SHARES if share >= 0.001]
    for each in figures:
        assert all(each.wanted / 3 < share < 3 * each.wanted for share in each.shares)
        assert each.engine.p50 <= each.engine.p95 <= each.engine.p99
    assert figures[0].recall == pytest.approx(0.75)
    whole = measure_filters(replace(shelf, store=fill_shelf(600).store), k=4, count=30)
    assert [each.recall for each in whole] == [1.0] * len(whole)
    assert [each.least for each in whole] == [1.0] * len(whole)


def test_filters_are_of_real_values_and_count_what_the_store_counts() -> None:
    shelf = fill_shelf(600)
    for share in (0.5, 0.1, 0.01):
        filters = choose_filters(shelf, share, total=600)
        assert filters
        for conditions, passing in filters:
            assert shelf.store.count_items(conditions) == passing
        distances = [abs(np.log(passing / (600 * share))) for _, passing in filters]
        assert distances == sorted(distances)


def test_tables_and_plots_show_every_row(shelf: Shelf, cutoff) -> None:
    rankings = rank(fill_shelf(200))
    report, figures = report_on(rankings), measure_filters(fill_shelf(300), k=3, count=10)
    compared = compare_weighings(rankings, "shape", "tint")
    tables = [
        list_retrieval(report),
        list_filters(figures, 3),
        list_comparison(compared),
        list_cutoff(cutoff),
        list_honesty(cutoff),
    ]
    for headings, rows in tables:
        assert rows
        assert all(len(row) == len(headings) for row in rows)
        assert to_table((headings, rows)).count("\n") == len(rows) + 2
    plots = (
        plot_matches(report),
        plot_measures(report),
        plot_filters(figures, 3),
        plot_cutoff(cutoff.scenarios),
        plot_differences(compared),
    )
    assert all(png.startswith(b"\x89PNG") for png in plots)
