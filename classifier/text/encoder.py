"""A trained text tower that answers: words in the spaces of photos, by ONNX Runtime.

Knows nothing of torch, of training, or of where the graph came from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.text.vocabulary import Vocabulary, split_words
from search.embedding import Embeddings, Space

INPUTS = ("rows", "bags")
OUTPUT = "vectors"


class OnnxTextEncoder:
    """`search.text_encoder.TextEncoder` on one graph. Safe to call from several threads."""

    def __init__(self, graph: bytes, vocabulary: Vocabulary, spaces: Sequence[Space], *, version: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one text is over in a millisecond or two
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._vocabulary = vocabulary
        self._spaces = tuple(spaces)
        self._version = version

    @property
    def version(self) -> str:
        """First digits of the graph's hash."""
        return self._version

    def embed(self, text: str) -> Embeddings:
        """The text by space, not of unit length."""
        words = [split_words(text)]
        given = {"rows": self._vocabulary.encode_rows(words), "bags": self._vocabulary.encode_bags(words)}
        (vectors,) = self._session.run([OUTPUT], given)
        edges = np.cumsum([space.dimension for space in self._spaces])[:-1]
        parts = np.split(np.asarray(vectors[0], np.float32), edges)
        return {space.name: part for space, part in zip(self._spaces, parts, strict=True)}
