"""The text side of an OpenCLIP model: a text to where the photos it describes are.

Works with one graph in ONNX Runtime and CLIP's tokenizer. Knows nothing of photos, and
loads neither torch nor open_clip.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from search.embedding import Embeddings, Space, normalise_rows
from search.encoders.clip_graphs import obtain_clip
from search.encoders.clip_record import ClipRecord
from search.encoders.clip_tokens import ClipTokens, open_tokens
from search.encoders.network import open_session


class ClipTextEncoder:
    """A text encoder, see `search.text_encoder`. Safe to use from several threads.

    Args:
        session: ONNX Runtime's session of the text graph.
    """

    def __init__(self, *, record: ClipRecord, session: Any, tokens: ClipTokens) -> None:
        self._space = record.to_space()
        self._session = session
        self._tokens = tokens

    @property
    def version(self) -> str:
        """First 8 digits of the weights' hash."""
        return self._space.weights_sha256[:8]

    @property
    def space(self) -> Space:
        """Which space it embeds in."""
        return self._space

    def embed(self, text: str) -> Embeddings:
        """The text in the model's space, at unit length: its product with a photo's embedding is their cosine."""
        (rows,) = self._session.run(["text"], {"tokens": self._tokens.encode([text])})
        return {self._space.name: normalise_rows(np.asarray(rows, dtype=np.float32))[0]}


def open_clip_text(name: str, *, models: Path, threads: int = 0) -> ClipTextEncoder:
    """The text side of a model, by the name of its encoder or of its space.

    Raises:
        SetupError: the extra `clip` is not installed, which has the vocabulary.
        WeightsMissingError: there are no graphs, and the weights cannot be had.
        IntegrityError: a file is damaged and cannot be made again.
    """
    record = obtain_clip(name, models=models)
    tokens = open_tokens(context_length=record.context_length, clean=record.clean)
    session = open_session(models / record.texts.name, threads)
    return ClipTextEncoder(record=record, session=session, tokens=tokens)
