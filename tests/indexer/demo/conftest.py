"""Fashion-MNIST, where this machine already has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.demo.fashion_mnist import IMAGES, LABELS


@pytest.fixture(scope="session")
def fashion_mnist_dir() -> Path:
    """Folder with its files: `VITRINE_TEST_FASHION_MNIST`, else where Debian's package puts them."""
    folder = Path(os.environ.get("VITRINE_TEST_FASHION_MNIST") or "/usr/share/datasets/fashion-mnist")
    if not all((folder / name).is_file() for name in (IMAGES, LABELS)):
        pytest.skip(f"Fashion-MNIST is not in {folder}; on Debian it is the package dataset-fashion-mnist")
    return folder
