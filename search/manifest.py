"""The manifest of a catalogue: what it was built with, so that it is never mixed with anything else.

Works with one JSON file, `catalogue.json` in the data directory. Knows nothing of settings or of opening a store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from search.attributes import AttributeKind
from search.embedding import Space
from search.errors import IntegrityError, NotFoundError

FORMAT = 2
"""What is written. Format 1, from before there were classifiers, is read too; it lacks `classifier`."""

FILE_NAME = "catalogue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedAttribute:
    """An attribute the classifier names, and the labels it chooses from."""

    labels: tuple[str, ...]
    multi_valued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecord:
    """The classifier whose predictions and vectors the catalogue's points carry.

    Attributes:
        version: first digits of the weights' hash; the artefact is in `models/heads/<version>` of the data directory.
        weights_sha256: hash of the weights.
        attributes: the attribute schema: what is predicted, and the labels there are.
    """

    version: str
    weights_sha256: str
    attributes: Mapping[str, PredictedAttribute]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRecord:
    """The text tower that texts are embedded with; the artefact is in `models/text/<version>` of the data directory."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a catalogue was built with.

    Attributes:
        spaces: every space of its points; the first is the backbone's, the classifier's comes last.
        weights: how much each space counts in the default fusion.
        attributes: the kind of every attribute.
        mapping: canonical field -> column of the feed, as last indexed.
        profile: name of the recognised feed profile.
        generation: the live build, a folder under `generations/`.
        classifier: the live classifier; None where no item has been tagged.
        text: the live text tower; None where none was trained.
    """

    spaces: tuple[Space, ...]
    weights: Mapping[str, float]
    attributes: Mapping[str, AttributeKind]
    mapping: Mapping[str, str] = field(default_factory=dict)
    profile: str = "generic"
    generation: str = "0001"
    classifier: ClassifierRecord | None = None
    text: TextRecord | None = None

    def list_encoder_spaces(self) -> tuple[Space, ...]:
        """The spaces that an encoder embeds photos in: all but the classifier's."""
        return tuple(space for space in self.spaces if not space.trained)

    def name_state(self) -> str:
        """What tells one order of answers from another: a cursor does not go on in another one."""
        versions = [record.version for record in (self.classifier, self.text) if record]
        return " ".join([self.generation, *versions])

    def list_predicted(self) -> frozenset[str]:
        """Attributes that points have predictions of."""
        return frozenset(self.classifier.attributes) if self.classifier else frozenset()


def load_manifest(data: Path) -> Manifest:
    """The manifest of the catalogue in this data directory.

    Raises:
        NotFoundError: nothing was indexed here yet.
        IntegrityError: the file is damaged or of a later version.
    """
    path = data / FILE_NAME
    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["format"] not in (1, FORMAT):
            raise IntegrityError(f"{path} has format {raw['format']}, this version reads 1 to {FORMAT}: update Vitrine")
        return Manifest(
            spaces=tuple(Space(**space) for space in raw["spaces"]),
            weights={name: float(weight) for name, weight in raw["weights"].items()},
            attributes={name: AttributeKind(kind) for name, kind in raw["attributes"].items()},
            mapping=dict(raw["mapping"]),
            profile=str(raw["profile"]),
            generation=str(raw["generation"]),
            classifier=_to_record(raw.get("classifier")),
            text=TextRecord(version=str(raw["text"]["version"])) if raw.get("text") else None,
        )
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no catalogue in {data}: make one with 'vitrine index FEED'", code="no_catalogue"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path} is damaged ({error}); restore it, or index again in another folder") from error


def _to_record(raw: Mapping[str, Any] | None) -> ClassifierRecord | None:
    if raw is None:
        return None
    attributes = {
        name: PredictedAttribute(labels=tuple(each["labels"]), multi_valued=bool(each["multi_valued"]))
        for name, each in raw["attributes"].items()
    }
    return ClassifierRecord(
        version=str(raw["version"]), weights_sha256=str(raw["weights_sha256"]), attributes=attributes
    )


def read_stamp(data: Path, name: str = FILE_NAME) -> tuple[int, int]:
    """Something that differs once the manifest, or another file beside it, was written again: its time of change (ns)
    and its inode; 0 without."""
    try:
        status = (data / name).stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def save_manifest(manifest: Manifest, data: Path) -> None:
    """Write the manifest aside, then rename it into place: a reader sees the old one or the new one, whole."""
    data.mkdir(parents=True, exist_ok=True)
    aside = data / f"{FILE_NAME}.{os.getpid()}.tmp"
    with aside.open("w", encoding="utf-8") as out:
        json.dump({"format": FORMAT, **asdict(manifest)}, out, ensure_ascii=False, indent=2)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(data / FILE_NAME)
