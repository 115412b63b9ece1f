"""`vitrine info`: what the catalogue holds and what it was built with."""

from __future__ import annotations

from pathlib import Path

from indexer.journal import FILE_NAME, open_journal
from search.catalogue import Catalogue
from search.encoder import EncoderCard
from search.encoders.registry import list_cards, list_family_cards
from search.manifest import ClassifierRecord
from vitrine import __version__
from vitrine.console import out, print_json
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


def show_info(settings: Settings, *, as_json: bool) -> None:
    """Print the catalogue's facts, its last run, and the encoders there are."""
    with open_catalogue(settings) as catalogue:
        facts = describe_catalogue(catalogue, settings)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            out.print(f"{name}:", markup=False)
            for key, inner in value.items():
                text = ", ".join(f"{k} {v}" for k, v in inner.items()) if isinstance(inner, dict) else inner
                out.print(f"  {key}: {text}", markup=False)
        elif isinstance(value, list):
            out.print(f"{name}:", markup=False)
            for inner in value:
                out.print("  " + ", ".join(f"{k} {v}" for k, v in inner.items()), markup=False)
        else:
            out.print(f"{name}: {value}", markup=False)


def describe_catalogue(catalogue: Catalogue, settings: Settings) -> dict[str, object]:
    """The facts as one JSON object."""
    manifest = catalogue.manifest
    return {
        "version": __version__,
        "data": str(settings.data),
        "store": settings.qdrant_url or "embedded",
        "items": catalogue.store.count_items(),
        "generation": manifest.generation,
        "spaces": [
            {"name": s.name, "dimension": s.dimension, "weights": s.weights_sha256[:12]} for s in manifest.spaces
        ],
        "weights": dict(manifest.weights),
        "classifier": _describe_classifier(manifest.classifier),
        "attributes": {name: kind.value for name, kind in manifest.attributes.items()},
        "profile": manifest.profile,
        "mapping": dict(manifest.mapping),
        "last_run": _read_last_run(settings.data),
        "encoders": [_describe_card(card) for card in (*list_cards(), *list_family_cards())],
    }


def _describe_card(card: EncoderCard) -> dict[str, object]:
    """An encoder, or all of a family, whose dimension is each one's own."""
    dimension = {"dimension": card.dimension} if card.dimension else {}
    return {"name": card.name, **dimension, "licence": card.licence, "summary": card.summary}


def _describe_classifier(record: ClassifierRecord | None) -> dict[str, object]:
    """Version of the live classifier, and how many labels it has for each attribute; nothing without one."""
    if record is None:
        return {}
    return {
        "version": record.version,
        "labels": {name: len(attribute.labels) for name, attribute in record.attributes.items()},
    }


def _read_last_run(data: Path) -> dict[str, object]:
    if not (data / FILE_NAME).exists():
        return {}
    with open_journal(data) as journal:
        run = journal.read_last_run()
    if run is None:
        return {}
    return {"feed": run.feed, "state": run.state, "started_at": run.started_at, "ended_at": run.ended_at, **run.counts}
