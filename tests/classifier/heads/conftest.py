"""Heads trained once for all tests here: they are small, and nobody changes them."""

from __future__ import annotations

import pytest

from classifier.heads.artefact import Heads
from classifier.heads.training import train_heads
from tests.classifier.heads.made_photos import OPTIONS, MadePhotos, make_data, make_photos


@pytest.fixture(scope="session")
def photos() -> MadePhotos:
    """600 photos to learn from."""
    return make_photos(600, seed=1)


@pytest.fixture(scope="session")
def unseen() -> MadePhotos:
    """200 photos to choose by."""
    return make_photos(200, seed=2)


@pytest.fixture(scope="session")
def fresh() -> MadePhotos:
    """200 photos that neither training nor choosing has seen."""
    return make_photos(200, seed=3)


@pytest.fixture(scope="session")
def heads(photos: MadePhotos, unseen: MadePhotos) -> Heads:
    """Heads that know kind, colour and features."""
    return train_heads(make_data(photos, unseen), OPTIONS)
