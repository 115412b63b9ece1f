"""A drawn shop of sixty items in a store in memory: five colours, three shapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer.explore.vectors import VectorTable, read_table
from tests.contracts.drawn_shop import draw_shop, write_csv
from tests.indexer.conftest import Shop, open_memory_store, open_shop

ITEMS = 60


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, indexed; for tests that write nothing into its store."""
    folder = tmp_path_factory.mktemp("drawn")
    shop = open_shop(folder / "data", open_memory_store)
    report = shop.index(write_csv(folder / "feed.csv", draw_shop(folder, ITEMS, second_photos=True)))
    assert report.indexed == ITEMS
    return shop


@pytest.fixture
def read(drawn: Shop) -> Callable[..., VectorTable]:
    """Reads the shop's table."""

    def read_it(conditions=(), *, limit=1_000, **settings) -> VectorTable:
        catalogue = drawn.catalogue
        return read_table(catalogue.store, catalogue.manifest, conditions, limit=limit, **settings)

    return read_it
