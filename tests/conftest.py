"""What every test may ask for: the data that is not in the repository, and a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Names under which Debian, other distributions and Google ship Chromium.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FASHION_MNIST = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own `VITRINE_*` settings change no test; those meant for tests stay."""
    for name in list(os.environ):
        if name.startswith("VITRINE_") and not name.startswith("VITRINE_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder with `pyproject.toml`."""
    return ROOT


@pytest.fixture(scope="session")
def catalogue_dir() -> Path:
    """Folder of 6,000 real photos and `products.csv`: `VITRINE_TEST_CATALOGUE`, else `../shared/catalogue`."""
    folder = Path(os.environ.get("VITRINE_TEST_CATALOGUE") or ROOT.parent / "shared" / "catalogue")
    if not (folder / "products.csv").is_file():
        pytest.skip(f"no products.csv in {folder}; name the folder of the real photos in VITRINE_TEST_CATALOGUE")
    return folder


@pytest.fixture(scope="session")
def fashion_mnist_dir() -> Path:
    """Folder with Fashion-MNIST's four files: `VITRINE_TEST_FASHION_MNIST`, else where Debian's package puts them."""
    folder = Path(os.environ.get("VITRINE_TEST_FASHION_MNIST") or "/usr/share/datasets/fashion-mnist")
    if not all((folder / name).is_file() for name in FASHION_MNIST):
        pytest.skip(f"Fashion-MNIST is not in {folder}; on Debian it is the package dataset-fashion-mnist")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of a Chromium: `VITRINE_TEST_BROWSER`, else the first one on the path."""
    wanted = os.environ.get("VITRINE_TEST_BROWSER")
    found = next(filter(None, map(shutil.which, (wanted,) if wanted else BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join((wanted,) if wanted else BROWSERS)} is on the path")
    return Path(found)
