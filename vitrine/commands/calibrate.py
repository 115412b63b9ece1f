"""`vitrine calibrate`: what a catalogue's scores mean, learnt on its own validation items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from indexer.calibration import EmbedText, learn_calibration
from indexer.calibration_report import measure_calibration
from indexer.evaluation import FUSION
from indexer.evaluation_tables import Rows
from search.calibration import PHOTO, save_calibration
from search.catalogue import Catalogue
from search.errors import MismatchError, NotFoundError
from vitrine.commands.evaluate import check_feed
from vitrine.commands.evaluation_folder import print_rows
from vitrine.console import out, print_json, say, show_progress
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue


def calibrate_catalogue(settings: Settings, feed: Path, relevant: Sequence[str], *, as_json: bool) -> None:
    """Learn and keep a calibration; print how honest it is on validation items it was not fitted to.

    Raises:
        QueryError: an attribute the catalogue does not have, or a feed that was not indexed.
        InputError: too few items to learn from.
    """
    with open_catalogue(settings, say=say) as catalogue:
        check_feed(catalogue, feed)
        manifest = catalogue.manifest
        with show_progress("questions", None) as show:
            calibration = learn_calibration(
                catalogue,
                relevant,
                embed_text=_find_text(catalogue),
                progress=lambda done, total: show(done, f"of {total}"),
            )
        version = manifest.text.version if manifest.text else ""
        path = save_calibration(settings.data, calibration, manifest.spaces, text_encoder=version)
    weighings: dict[str, Mapping[str, float]] = {space.name: {space.name: 1.0} for space in manifest.spaces}
    weighings[FUSION] = {name: weight for name, weight in manifest.weights.items() if weight > 0}
    held_out = measure_calibration(calibration, weighings)
    wire: dict[str, Any] = {
        "file": str(path),
        "relevant": list(relevant),
        "pairs": {kind: len(pairs) for kind, pairs in calibration.pairs.items()},
        "questions": {kind: int(pairs.questions.max()) + 1 for kind, pairs in calibration.pairs.items()},
        "held_out": {name: each.to_wire() for name, each in held_out.items()},
    }
    if as_json:
        print_json(wire)
        return
    print_rows(_list_rows(wire))
    out.print(
        f"{wire['questions'][PHOTO]} validation items asked about, half of them fitted to and half held out;"
        f" relevant is what agrees in {', '.join(relevant)}"
    )
    say(f"next: vitrine --data {settings.data} search --item ID --min-relevance 0.5")


def _find_text(catalogue: Catalogue) -> EmbedText | None:
    """What embeds texts; None where nothing does, or what did belongs to a former classifier."""
    try:
        catalogue.find_text_encoder()
    except (NotFoundError, MismatchError) as error:
        say(f"texts are not calibrated: {error.message}")
        return None
    return catalogue.embed_text


def _list_rows(wire: Mapping[str, Any]) -> Rows:
    headings = (
        "scores of",
        "curve",
        "score of 0.5",
        "relevant",
        "ECE",
        "Brier",
        "of a constant",
        "ECE plain",
        "filtered",
    )
    return headings, [
        [
            name,
            each["curve"],
            "none" if each["half"] is None else f"{each['half']:.3f}",
            *(f"{each['all'][key]:.4f}" for key in ("share", "error", "brier", "sharpness")),
            f"{each['unfiltered']['error']:.4f}",
            f"{each['filtered']['error']:.4f}",
        ]
        for name, each in wire["held_out"].items()
    ]
