"""Images of another size, and in another number of channels, than their source has them.

Works with one source of labelled images, and reads it when it is read. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifier.data.images import Batch, LabelledImages, Labels, Splits


class ResizedImages:
    """Square images of a side, by bicubic resampling as they are read; grey is repeated in every channel.

    Args:
        source: square images of 1 or 3 channels.
        side: pixels.
        channels: 1 or 3; grey is made of colour by ITU-R 601.
    """

    def __init__(self, source: LabelledImages, *, side: int, channels: int) -> None:
        self._source = source
        self.name = source.name
        self.shape = (side, side, channels)
        self.attributes: Mapping[str, Sequence[str]] = source.attributes
        self.multi = source.multi

    @property
    def ids(self) -> Sequence[str]:
        """The source's."""
        return self._source.ids

    @property
    def fingerprint(self) -> str:
        """The source's: the size is the network's choice, and not the data's."""
        return self._source.fingerprint

    def __len__(self) -> int:
        return len(self._source)

    def read_image(self, index: int) -> NDArray[np.uint8]:
        """As the port says."""
        return self._resize(self._source.read_image(index))

    def read_batch(self, indices: Batch) -> NDArray[np.uint8]:
        """As the port says."""
        batch = self._source.read_batch(indices)
        resized = np.empty((len(batch), *self.shape), np.uint8)
        for row, image in enumerate(batch):
            resized[row] = self._resize(image)
        return resized

    def read_labels(self) -> Labels:
        """The source's."""
        return self._source.read_labels()

    def _resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        side, _, channels = self.shape
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        if picture.size != (side, side):
            picture = picture.resize((side, side), Image.Resampling.BICUBIC)
        if channels == 1:
            return np.asarray(picture.convert("L"), np.uint8)[..., None]
        return np.asarray(picture.convert("RGB"), np.uint8)


def resize_splits(splits: Splits, *, side: int, channels: int) -> Splits:
    """The same splits with images of this size; as they are where they have it."""
    if splits.train.shape == (side, side, channels):
        return splits
    train, val, test = (
        ResizedImages(images, side=side, channels=channels) for images in (splits.train, splits.val, splits.test)
    )
    return replace(splits, train=train, val=val, test=test)
