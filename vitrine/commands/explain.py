"""`vitrine explain`: why an item is a hit, answered as the HTTP API answers it, and drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.table import Table

from api.explain_schemas import ExplainAnswer, SaidModel
from api.explanations import to_explain_answer
from indexer.feed.photos import read_photo
from search.catalogue import Catalogue
from search.encoder import Picture
from search.errors import QueryError
from search.explanation import AskedPicture, Explanation, explain
from search.heat_map import HeatMap
from search.heat_picture import blend_heat, choose_size, join_heat
from search.photo import decode_photo
from search.query import ItemExample, PhotoExample, TextExample
from search.region import parse_box
from vitrine.commands.search import parse_weights
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

DRAWN_SIDE = 480
"""Longer side of each photo that is drawn, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked on the command line, as it was written."""

    hit: str
    photo: Path | None = None
    item: str | None = None
    text: str | None = None
    region: str | None = None
    photo_index: int | None = None
    weights: Sequence[str] = ()
    to: Path | None = None


def explain_hit(settings: Settings, question: Question, *, as_json: bool) -> None:
    """Print the explanation, and draw both photos where a file is named.

    Raises:
        QueryError: nothing or several things are asked about, a region that is none, a file that is no PNG.
        NotFoundError: an item that is not there.
    """
    if [question.photo, question.item, question.text].count(None) != 2:
        raise QueryError("say what was asked about: --photo FILE, --item ID or --text WORDS, one of them")
    if question.region is not None and question.photo is None:
        raise QueryError("only a photo has a region: give --photo with --region", code="invalid_region")
    if question.to is not None and question.to.suffix.lower() != ".png":
        raise QueryError(f"{question.to} is no name of a PNG; give --out a name that ends in .png")
    started = time.perf_counter()
    with open_catalogue(settings, say=say) as catalogue:
        asked = _read_asked(catalogue, question)
        weights = parse_weights(question.weights)
        explanation = explain(asked, question.hit, catalogue, photo_index=question.photo_index, weights=weights)
    took_ms = 1e3 * (time.perf_counter() - started)
    answer = to_explain_answer(explanation, asked, took_ms=took_ms, draw=as_json)
    if question.to is not None:
        _draw(explanation, question.to)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        _print_answer(answer)
        if question.to is not None:
            say(f"drew {question.to}")


def _read_asked(catalogue: Catalogue, question: Question) -> AskedPicture | ItemExample | TextExample:
    if question.text is not None:
        return TextExample(text=question.text, embeddings=catalogue.embed_text_or_not(question.text))
    if question.item is not None:
        return ItemExample(item_id=question.item)
    assert question.photo is not None
    region = None if question.region is None else parse_box(question.region, "/region")
    embedded = catalogue.embed_photo(read_photo(str(question.photo.absolute()), question.photo.parent), region)
    picture = decode_photo(embedded.picture).picture
    return AskedPicture(
        example=PhotoExample(embeddings=embedded.embeddings, sha256=embedded.sha256, region=region),
        picture=picture if region is None else region.crop(picture),
        predictions={} if embedded.tagging is None else embedded.tagging.predictions,
    )


def _draw(explanation: Explanation, to: Path) -> None:
    sides = (
        (explanation.asked_picture, explanation.asked_heat),
        (explanation.found_picture, explanation.found_heat),
    )
    drawn = [_blend(picture, heat, explanation) for picture, heat in sides if picture is not None]
    sheet = Image.new("RGB", (len(drawn) * DRAWN_SIDE, DRAWN_SIDE), "white")
    for place, picture in enumerate(drawn):
        left, top = (DRAWN_SIDE - picture.width) // 2, (DRAWN_SIDE - picture.height) // 2
        sheet.paste(picture, (place * DRAWN_SIDE + left, top))
    try:
        sheet.save(to, "PNG")
    except OSError as error:
        raise QueryError(f"{to} cannot be written ({error.strerror}); name another file") from error


def _blend(picture: Picture, heat: Sequence[HeatMap], explanation: Explanation) -> Picture:
    return blend_heat(picture, join_heat(heat, explanation.weights, choose_size(picture, DRAWN_SIDE)))


def _print_answer(answer: ExplainAnswer) -> None:
    out.print(f"{answer.hit_id}: score {answer.score:.4f}", markup=False)
    table = _make_table("space", "weight", "cosine", "gives")
    for part in answer.parts:
        table.add_row(part.space, f"{part.weight:.2f}", f"{part.cosine:.4f}", f"{part.contribution:.4f}")
    out.print(table, markup=False)
    if answer.text is not None:
        out.print()
        out.print(f"words in its title and attributes: {', '.join(answer.words) or 'none'}", markup=False)
    if answer.attributes:
        out.print()
        table = _make_table("attribute", "", "asked about", "found")
        for pair in answer.attributes:
            verdict = "same" if pair.agrees else "differs"
            table.add_row(pair.name, verdict, _to_text(pair.asked), _to_text(pair.found))
        out.print(table, markup=False)
    colors = answer.colors
    if colors is not None:
        out.print()
        for name, palette in (("asked about", colors.asked), ("found", colors.found)):
            shown = ", ".join(f"{each.color} {100 * each.share:.0f} %" for each in palette)
            out.print(f"colours {name}: {shown}", markup=False)
        told = f"main colours differ by {colors.main:.1f}, palettes by {colors.palettes:.1f} (CIEDE2000)"
        out.print(told, markup=False)
    for note in answer.notes:
        say(note.message)


def _make_table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table


def _to_text(said: SaidModel) -> str:
    values = " / ".join(map(str, said.values))
    return values if said.confidence is None else f"{values} (seen, {said.confidence:.2f})"
