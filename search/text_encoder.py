"""The port to a text encoder: words in the spaces of photos.

Plain values. Knows nothing of how one is trained or where it comes from.
"""

from __future__ import annotations

from typing import Protocol

from search.embedding import Embeddings


class TextEncoder(Protocol):
    """Words to vectors, one for each of some spaces of photos. Safe to call from several threads."""

    @property
    def version(self) -> str:
        """What tells this text encoder from another one."""

    def embed(self, text: str) -> Embeddings:
        """The text by space, not of unit length: a photo's score is the sum, over the spaces, of the product of its own
        vector there with the text's. A text without a known word gives vectors that say little, never an error."""
