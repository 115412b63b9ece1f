"""Doing the next pieces of work while the present one is used: an ordered look-ahead over a thread pool.

Knows nothing of photos or feeds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def map_ahead(work: Callable[[A], B], inputs: Iterable[A], pool: ThreadPoolExecutor, *, depth: int) -> Iterator[B]:
    """`map(work, inputs)` in order, with up to `depth` inputs at work in the pool before they are asked for.

    What `work` raises is raised where its result would have come. Inputs are taken only as the window moves on, so an
    endless input is no trouble.
    """
    window: deque[Future[B]] = deque()
    try:
        for piece in inputs:
            window.append(pool.submit(work, piece))
            if len(window) > depth:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    finally:
        for future in window:
            future.cancel()
