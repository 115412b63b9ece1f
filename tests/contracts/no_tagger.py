"""For catalogues that have no classifier: the opener that is never called."""

from __future__ import annotations

from search.manifest import ClassifierRecord
from search.tagging import Tagger


def refuse_tagger(record: ClassifierRecord) -> Tagger:
    """Nothing has been tagged, so nothing asks for a classifier."""
    raise AssertionError(f"classifier {record.version} is asked for in a catalogue without one")
