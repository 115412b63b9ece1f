"""Fashion-MNIST as labelled images: 28 x 28 grey pixels, ten kinds of garment.

Works with what `fashion_mnist_files` finds. Knows nothing of networks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.data.fashion_mnist_files import CATEGORIES, TEST, TRAINING, FashionMnist, load_fashion_mnist
from classifier.data.fetching import Say
from classifier.data.images import ArrayImages, LazyImages, Splits
from classifier.data.splitting import pick_stratified

ATTRIBUTE = "product_type"
VAL_SHARE = 5_000 / 60_000


def load_fashion_mnist_splits(
    folder: Path | None = None, *, cache: Path, seed: int = 0, say: Say | None = None
) -> Splits:
    """55,000 training images, 5,000 for choosing, as many of each kind, and the 10,000 published for testing.

    The test images are not read, nor even fetched, until somebody asks for one of them.

    Args:
        folder: where the files already are; else they are looked for and fetched as `load_fashion_mnist` says.
        cache: where they are kept, once fetched.
        seed: another one picks other images for choosing.

    Raises:
        NotFoundError: the training files cannot be had. The test files raise it when they are asked for.
        IntegrityError: a file is not Fashion-MNIST's.
    """
    training = load_fashion_mnist(TRAINING, cache=cache, folder=folder, say=say)
    chosen = pick_stratified(training.labels, VAL_SHARE, seed=seed)

    def load_test() -> ArrayImages:
        test = load_fashion_mnist(TEST, cache=cache, folder=folder, say=say)
        return _make_images(test, np.arange(len(test.labels)), "test")

    return Splits(
        train=_make_images(training, np.flatnonzero(~chosen), "train"),
        val=_make_images(training, np.flatnonzero(chosen), "val"),
        test=LazyImages(load_test, name="fashion-mnist test", shape=(28, 28, 1), attributes={ATTRIBUTE: CATEGORIES}),
    )


def _make_images(part: FashionMnist, rows: NDArray[np.int64], name: str) -> ArrayImages:
    """Ids are the file an image is in and its number there."""
    source = "test" if name == "test" else "train"
    return ArrayImages(
        np.ascontiguousarray(part.images[rows])[..., None],
        {ATTRIBUTE: part.labels[rows].astype(np.int64)},
        name=f"fashion-mnist {name}",
        attributes={ATTRIBUTE: CATEGORIES},
        ids=[f"{source}/{row}" for row in rows],
    )
