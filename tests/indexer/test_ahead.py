"""The look-ahead: `map` in order, a window of it at work, and nothing left running after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.ahead import map_ahead


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(), max_size=40), st.integers(0, 50), st.integers(1, 4))
def test_it_is_map(inputs, depth, threads):
    with ThreadPoolExecutor(threads) as pool:
        assert list(map_ahead(str, inputs, pool, depth=depth)) == [str(n) for n in inputs]


def test_the_slow_first_one_comes_first(pool):
    def work(n: int) -> int:
        time.sleep(0.05 if n == 0 else 0)
        return n

    assert list(map_ahead(work, range(10), pool, depth=5)) == list(range(10))


def test_an_endless_input_is_taken_only_as_the_window_moves(pool):
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    ahead = map_ahead(lambda n: n * n, count(), pool, depth=10)
    assert taken == 0  # nothing before it is asked for
    assert [next(ahead) for _ in range(5)] == [1, 4, 9, 16, 25]
    assert taken == 15
    ahead.close()
    assert taken == 15


def test_the_window_works_at_once(pool):
    together = threading.Barrier(4, timeout=20)

    def work(n: int) -> int:
        together.wait()  # passes only if four are at work
        return n

    assert list(map_ahead(work, range(8), pool, depth=4)) == list(range(8))


def test_an_error_is_raised_where_its_result_would_have_come(pool):
    done: list[int] = []

    def work(n: int) -> int:
        if n == 3:
            raise ValueError("three")
        done.append(n)
        return n

    ahead = map_ahead(work, range(100), pool, depth=4)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(ahead)
    pool.shutdown(wait=True)
    assert max(done) < 10  # what was not at work was called off


def test_an_error_of_the_input_comes_through(pool):
    def feed() -> Iterator[int]:
        yield 1
        raise OSError("the feed ended")

    with pytest.raises(OSError, match="the feed ended"):
        list(map_ahead(str, feed(), pool, depth=4))
