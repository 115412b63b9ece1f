"""An encoder that runs an exported network in ONNX Runtime, on the processor.

Works with pictures and one graph. Knows nothing of torch, or of where the graph came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.embedding import Space
from search.encoder import EncoderCard, Picture, PictureMap
from search.encoders.graph import NetworkRecipe, obtain_graph
from search.errors import IntegrityError, SetupError
from search.pools import PARTS, weigh_bands

if TYPE_CHECKING:
    import onnxruntime

MAX_BATCH = 8
"""Photos of one forward pass at most: on a processor a larger pass is slower (its maps outgrow the caches) and takes
more memory."""

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class NetworkEncoder:
    """The encoder of one graph. Give it as many threads as it may use; calls from several threads share them."""

    def __init__(self, *, card: EncoderCard, space: Space, session: onnxruntime.InferenceSession) -> None:
        self._card = card
        self._space = space
        self._session = session

    @property
    def space(self) -> Space:
        """Which space the embeddings are in."""
        return self._space

    def prepare(self, picture: Picture) -> NDArray[np.generic]:
        """The picture, whole, on a white square of the network's side: uint8 (side, side, 3)."""
        return fit_square(picture, side=self._card.input_size, resampling=_RESAMPLING[self._card.interpolation])

    def pool(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """Means of the last map over the whole picture and over its bands: shape (photos, parts, dimension)."""
        pools = np.empty((len(prepared), len(PARTS), self._space.dimension), np.float32)
        for start in range(0, len(prepared), MAX_BATCH):
            batch = np.stack(prepared[start : start + MAX_BATCH])
            whole, maps = self._session.run(["pool", "map"], {"photos": batch})
            pools[start : start + len(batch), 0] = whole
            pools[start : start + len(batch), 1:] = pool_bands(maps)
        return pools

    def map_picture(self, picture: Picture) -> PictureMap:
        """The last map, and where its cells are: they cover the square that the picture is fitted into."""
        side = self._card.input_size
        (cells,) = self._session.run(["map"], {"photos": self.prepare(picture)[None]})[0]
        left, top, width, height = place_in_square(picture.size, side=side)
        frame = (-left / width, -top / height, (side - left) / width, (side - top) / height)
        return PictureMap(cells=np.asarray(cells, dtype=np.float32), frame=frame)


def pool_bands(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the bands of maps of shape (photos, dimension, rows, columns): shape (photos, bands, dimension)."""
    photos, dimension, rows, columns = maps.shape
    weights = np.repeat(weigh_bands(rows) / columns, columns, axis=1)
    flat = maps.reshape(photos, dimension, rows * columns).transpose(0, 2, 1)
    return np.asarray(np.matmul(weights, flat), dtype=np.float32)


def fit_square(picture: Picture, *, side: int, resampling: Image.Resampling) -> NDArray[np.uint8]:
    """A picture fitted whole into the middle of a white square, aspect kept: (side, side, 3). The one way photos are
    prepared, in the catalogue and in a query: a picture of that side already is not resampled."""
    left, top, width, height = place_in_square(picture.size, side=side)
    fitted = picture if (width, height) == picture.size else picture.resize((width, height), resampling)
    if (width, height) == (side, side):
        return np.array(fitted, dtype=np.uint8)
    square = np.full((side, side, 3), 255, np.uint8)
    square[top : top + height, left : left + width] = np.asarray(fitted)
    return square


def place_in_square(size: tuple[int, int], *, side: int) -> tuple[int, int, int, int]:
    """Where a picture of this size comes to lie in the square: left, top, width and height, pixels."""
    scale = side / max(size)
    width, height = (max(1, round(length * scale)) for length in size)
    return (side - width) // 2, (side - height) // 2, width, height


def open_network(
    recipe: NetworkRecipe, *, models: Path, threads: int = 0, progress: Callable[[str], None] | None = None
) -> NetworkEncoder:
    """The encoder of a recipe; its graph is made first where it is not in `models` yet.

    Raises:
        WeightsMissingError: there is no graph, and the weights cannot be had.
        IntegrityError: a file is damaged and cannot be made again, or is not of this recipe.
    """
    graph = obtain_graph(recipe, models=models, progress=progress)
    session = open_session(graph.path, threads)
    dimension = session.get_outputs()[0].shape[1]
    if dimension != recipe.card.dimension:
        raise IntegrityError(f"{graph.path} gives {dimension} numbers, {recipe.card.name} has {recipe.card.dimension}")
    space = Space(name=recipe.card.name, dimension=dimension, weights_sha256=graph.weights_sha256)
    return NetworkEncoder(card=recipe.card, space=space, session=session)


def open_session(path: Path, threads: int) -> Any:
    """ONNX Runtime's session of a graph on disk, on the processor.

    Raises:
        SetupError: with code `graph_unusable`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait for work by spinning take the processor from those that decode the next photos.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no other class
        raise SetupError(
            f"ONNX Runtime {onnxruntime.__version__} cannot open {path}: {error}. "
            "Remove the file, so that it is made again, or install the versions in constraints/",
            code="graph_unusable",
        ) from error
