"""A text tower: words in the spaces the catalogue's photos are in, trained on its own titles and attributes."""

from __future__ import annotations
