"""An explanation as an answer: numbers rounded, heat drawn.

Plain conversions. Knows nothing of HTTP requests or threads; drawing takes some milliseconds, so it belongs in one.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal

from api.explain_schemas import (
    AttributePairModel,
    ColorModel,
    ColorsModel,
    ExplainAnswer,
    ExplainNoteModel,
    HeatModel,
    HeatSideModel,
    PartModel,
    SaidModel,
)
from api.wire import to_photo
from search.attribute_pairs import Said
from search.color_difference import Palette
from search.encoder import Picture
from search.explanation import AskedPicture, Explanation
from search.filters import Source
from search.heat_map import HeatMap
from search.heat_picture import choose_size, draw_overlay, join_heat
from search.query import ItemExample, TextExample

_DIGITS = 6


def to_explain_answer(
    explanation: Explanation, asked: AskedPicture | ItemExample | TextExample, *, took_ms: float, draw: bool = True
) -> ExplainAnswer:
    """The answer.

    Args:
        draw: with overlays.
    """
    example = asked.example if isinstance(asked, AskedPicture) else None
    region = None if example is None else example.region
    kind: Literal["photo", "region", "thumbnail"] = "thumbnail"
    if example is not None:
        kind = "photo" if region is None else "region"
    colors = explanation.colors
    return ExplainAnswer(
        item_id=asked.item_id if isinstance(asked, ItemExample) else None,
        photo=None if example is None else f"sha256:{example.sha256}",
        text=asked.text if isinstance(asked, TextExample) else None,
        region=None if region is None else region.to_wire(),
        hit_id=explanation.item.id,
        hit_photo=to_photo(explanation.item.id, explanation.photo),
        score=explanation.score,
        parts=[
            PartModel(space=part.space, weight=part.weight, cosine=part.cosine, contribution=part.contribution)
            for part in explanation.parts
        ],
        words=list(explanation.words),
        attributes=[
            AttributePairModel(
                name=pair.name,
                agrees=pair.agrees,
                shared=list(pair.shared),
                asked=_to_said(pair.asked),
                found=_to_said(pair.found),
            )
            for pair in explanation.attributes
        ],
        colors=None
        if colors is None
        else ColorsModel(
            asked=_to_palette(colors.asked),
            found=_to_palette(colors.found),
            main=round(colors.difference.main, 2),
            palettes=round(colors.difference.palette, 2),
        ),
        asked_heat=_to_side(explanation, explanation.asked_heat, explanation.asked_picture, kind, draw=draw),
        found_heat=_to_side(explanation, explanation.found_heat, explanation.found_picture, "thumbnail", draw=draw),
        notes=[ExplainNoteModel(code=note.code, message=note.message) for note in explanation.notes],
        took_ms=round(took_ms, 3),
    )


def _to_said(said: Said) -> SaidModel:
    return SaidModel(
        values=list(said.values),
        source="merchant" if said.source is Source.MERCHANT else "predicted",
        confidence=None if said.confidence is None else round(said.confidence, 4),
    )


def _to_palette(palette: Palette) -> list[ColorModel]:
    return [ColorModel(color=color, share=round(share, 4)) for color, share in palette]


def _to_side(
    explanation: Explanation,
    heat: Sequence[HeatMap],
    picture: Picture | None,
    kind: Literal["photo", "region", "thumbnail"],
    *,
    draw: bool,
) -> HeatSideModel | None:
    if picture is None or not heat:
        return None
    overlay = None
    if draw:
        png = draw_overlay(join_heat(heat, explanation.weights, choose_size(picture)))
        overlay = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    stored = {part.space: part.cosine for part in explanation.parts}
    maps = [_to_heat(each, stored[each.space]) for each in heat]
    return HeatSideModel(of=kind, maps=maps, overlay_url=overlay)


def _to_heat(heat: HeatMap, stored_cosine: float) -> HeatModel:
    rows, columns = heat.values.shape
    return HeatModel(
        space=heat.space,
        kind=heat.kind.value,
        rows=rows,
        columns=columns,
        values=[[round(value, _DIGITS) for value in row] for row in heat.values.tolist()],
        frame=[round(edge, 4) for edge in heat.frame],
        cosine=round(heat.cosine, _DIGITS),
        stored_cosine=round(stored_cosine, _DIGITS),
    )
