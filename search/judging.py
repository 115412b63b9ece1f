"""What becomes of a ranked list of photos: which of them are hits, and what is said of each beside its score.

One hit an item, or a group; nothing below the relevance asked for, too far from the colour asked for, or nearly the
same as a better hit. Works with scored points and a calibration. Knows nothing of stores or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.color_query import measure_tolerance
from search.errors import QueryError
from search.facets import choose_source, list_values
from search.filters import Source
from search.item import Palette
from search.legs import Sought
from search.manifest import Manifest
from search.query import ColorExample, Hit, ItemExample, PhotoExample, Query, TextExample
from search.store import ScoredPoint


class Calibration(Protocol):
    """What turns a score into a probability of being relevant; learnt for each kind of question apart."""

    @property
    def knows_text(self) -> bool:
        """Whether scores of texts are calibrated too."""

    def measure(self, score: float, weights: Mapping[str, float]) -> float:
        """Of a photo's or an item's score with these weights of the spaces, which sum to 1."""

    def measure_text(self, score: float) -> float:
        """Of a text's score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What a query asks of each photo of its ranking; made by `make_judge`.

    Attributes:
        kind: of questions the calibration knows: `photo`, `text`, or None for any other.
        color: the first colour asked for, as "#rrggbb".
    """

    query: Query
    sought: Sought
    kind: str | None
    calibration: Calibration | None
    source: Source
    color: str | None

    def choose_hits(self, points: Sequence[ScoredPoint]) -> list[Hit]:
        """The hits among points in the order given."""
        hits: dict[object, Hit] = {}
        for point in points:
            value = self._read_group(point)
            key = ("item", point.point.item.id) if value is None else ("group", value)
            if key in hits:
                continue
            hit = self._to_hit(point, value)
            if not self._reaches(hit):
                continue
            hits[key] = hit
        return list(hits.values())

    def find_palette(self) -> Palette | None:
        """The colours asked for, where they are all that is asked for."""
        examples = self.query.examples
        if len(examples) == 1 and isinstance(examples[0], ColorExample) and examples[0].weight > 0:
            return examples[0].colors
        return None

    def ends_at(self, point: ScoredPoint) -> bool:
        """Whether nothing after this point of an order by score can be a hit."""
        least = self.query.min_relevance
        relevance = self._measure_relevance(point)
        return least is not None and relevance is not None and relevance < least

    def _to_hit(self, scored: ScoredPoint, group: str | int | None) -> Hit:
        point = scored.point
        only_pictures = all(isinstance(example, (PhotoExample, ItemExample)) for example in self.query.examples)
        return Hit(
            item=point.item,
            photo=point.photo,
            # Float32 sums can pass 1 by a hair; a cosine cannot.
            score=_limit(scored.score) if only_pictures else scored.score,
            parts={name: _limit(part) if only_pictures else part for name, part in scored.parts.items()},
            predictions=point.predictions,
            model=point.model,
            relevance=self._measure_relevance(scored),
            group=group,
            delta_e=None if self.color is None else measure_tolerance(point.photo.palette, self.color),
        )

    def _measure_relevance(self, scored: ScoredPoint) -> float | None:
        if self.calibration is None or self.kind is None:
            return None
        score = sum(leg.weight * scored.parts[leg.space] for leg in self.sought.legs)
        if self.kind == "text":
            return self.calibration.measure_text(score)
        return self.calibration.measure(score, {leg.space: leg.weight for leg in self.sought.legs})

    def _reaches(self, hit: Hit) -> bool:
        query = self.query
        if query.min_relevance is not None and (hit.relevance is None or hit.relevance < query.min_relevance):
            return False
        return query.tolerance is None or (hit.delta_e is not None and hit.delta_e <= query.tolerance)

    def _read_group(self, scored: ScoredPoint) -> str | int | None:
        if self.query.group_by is None:
            return None
        values = list_values(scored.point, self.query.group_by, self.source)
        return values[0] if values and isinstance(values[0], (str, int)) else None


def make_judge(query: Query, sought: Sought, calibration: Calibration | None, manifest: Manifest) -> Judge:
    """What the query asks of its hits.

    Raises:
        QueryError: it asks for what this question or this catalogue has no measure of.
    """
    kind = None  # what is asked of several things at once was never calibrated
    if len(query.examples) == 1 and query.examples[0].weight > 0:
        if isinstance(query.examples[0], (PhotoExample, ItemExample)):
            kind = "photo"
        elif isinstance(query.examples[0], TextExample) and sought.legs:
            kind = "text"
    if query.min_relevance is not None:
        _check_calibrated(kind, calibration)
    color = next((e.colors[0][0] for e in query.examples if isinstance(e, ColorExample)), None)
    if query.tolerance is not None and color is None:
        raise QueryError("tolerance is a distance to a colour, and no colour is asked for", pointer="/tolerance")
    source = Source.EITHER if query.group_by is None else choose_source(query.group_by, query.source, manifest)
    return Judge(query=query, sought=sought, kind=kind, calibration=calibration, source=source, color=color)


def _check_calibrated(kind: str | None, calibration: Calibration | None) -> None:
    if kind is None:
        raise QueryError(
            "min_relevance is learnt for questions by one photo, item or text (with a text encoder); "
            "this question is another one: leave it out",
            code="not_calibrated",
            pointer="/min_relevance",
        )
    if calibration is None or (kind == "text" and not calibration.knows_text):
        raise QueryError(
            "this catalogue's scores are not calibrated for such questions, so no score means a probability; "
            "run 'vitrine calibrate FEED'",
            code="not_calibrated",
            pointer="/min_relevance",
        )


def _limit(cosine: float) -> float:
    return max(-1.0, min(1.0, cosine))
