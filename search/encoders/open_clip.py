"""OpenCLIP: photos and texts in one space, by any of open_clip's models with CLIP's own tokenizer.

Radford et al., "Learning transferable visual models from natural language supervision" (arXiv:2103.00020); Cherti et
al., "Reproducible scaling laws for contrastive language-image learning" (arXiv:2212.07143). The photo side is here; the
text side is `search.encoders.clip_text`. Photos are fitted whole on a white square, as for every encoder here, where
open_clip crops their middle: a product is not cut off. Runs in ONNX Runtime; torch and open_clip make the graphs, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.embedding import Space
from search.encoder import Encoder, EncoderCard, Picture
from search.encoders.clip_graphs import name_clip_space, obtain_clip
from search.encoders.clip_name import PATTERN, is_clip
from search.encoders.network import NetworkEncoder, open_session
from search.encoders.registry import Progress, register_family

DEFAULT_CLIP_SHARE = 0.5
"""How much of the backbone's weight this space takes beside one.

Not measured: no weights of CLIP could be had. Reasoned: CLIP says what a backbone says, what the product is and what it
is like, so it takes from the backbone's share and leaves measured colour its own, which was measured (0.45); and of two
that say the same thing nobody knows to be better on these photos, each has half. `vitrine evaluate retrieval FEED
--weight` measures it on a shop's own labels, and `vitrine train heads` chooses all weights on them.
"""

CARD = EncoderCard(
    name=PATTERN,
    dimension=0,
    input_size=0,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
    interpolation="bicubic",
    licence="LicenseRef-as-its-publisher-says",
    source="open_clip's pretrained tags (cache or hub), or weights in a file; the library: MIT",
    weights_sha256="",
    summary="OpenCLIP, photos and texts in one space; needs the extra clip, and weights: a tag of open_clip or a file",
)


class ClipEncoder:
    """The photo side of one model.

    It gives no map of a picture: its embedding is no mean over places, so no part of a similarity is a place's own.
    """

    def __init__(self, network: NetworkEncoder) -> None:
        self._network = network

    @property
    def space(self) -> Space:
        """Which space the embeddings are in."""
        return self._network.space

    def prepare(self, picture: Picture) -> NDArray[np.generic]:
        """The picture, whole, on a white square of the network's side: uint8 (side, side, 3)."""
        return self._network.prepare(picture)

    def pool(self, prepared: Sequence[NDArray[np.generic]]) -> NDArray[np.float32]:
        """The photo's embedding, not scaled, and means over its bands of what the network says of each place, see
        `search.encoders.clip_export`: shape (photos, parts, dimension)."""
        return self._network.pool(prepared)


@register_family
class ClipFamily:
    """Every model of open_clip with CLIP's own tokenizer."""

    card = CARD

    def owns(self, name: str) -> bool:
        """Whether it is a name such as `clip:ViT-B-32/openai`, or the space of one."""
        return is_clip(name)

    def name_space(self, name: str) -> str:
        """Name of the space; see `search.encoders.clip_name`."""
        return name_clip_space(name)

    def open(self, name: str, *, models: Path, threads: int, progress: Progress | None) -> Encoder:
        """The photo side, ready; see `search.encoders.clip_graphs.obtain_clip` for what can go wrong."""
        record = obtain_clip(name, models=models, progress=progress)
        session = open_session(models / record.photos.name, threads)
        return ClipEncoder(NetworkEncoder(card=record.to_card(), space=record.to_space(), session=session))
