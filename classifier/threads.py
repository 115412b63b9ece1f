"""How many threads torch multiplies with. Knows nothing of networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """For products that are too small to share: with two threads on a busy machine each waits for the other at every
    step, and a minute's training was seen to take ten; one thread takes as long as two on an idle one."""
    with use_threads(1):
        yield


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """So many threads, or as many as before where `count` is 0; afterwards as it was."""
    threads = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
