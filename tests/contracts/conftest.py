"""The contract suites' fixture: every store, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.store import Store
from tests.contracts.opened_stores import OPENERS


@pytest.fixture(params=sorted(OPENERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    yield from OPENERS[request.param](tmp_path)
