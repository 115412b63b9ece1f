"""`vitrine evaluate attributes`: how good the live classifier is, on the shop's own labels.

Reads the feed's labels and the pools kept beside the store; no photo is read. The measures are those of
`classifier.evaluation`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from api.predictions import refuse_classifying
from classifier.data.splitting import TRAIN
from classifier.evaluation.figures import Evaluation, Figure
from classifier.evaluation.predictions import AttributePredictions
from classifier.report.content import Example, Report, choose_examples, describe_example
from classifier.report.folder import check_folder, write_report
from indexer.attribute_evaluation import Measured, Part, Predictor, choose_part, describe_labels, measure_part
from indexer.feed import FeedRow
from indexer.grouping import SPLIT
from indexer.training_data import LabelledPools, gather_labelled_pools
from search.catalogue import Catalogue
from search.filters import parse_filter
from search.manifest import ClassifierRecord
from search.photo import decode_photo
from vitrine.commands.index import open_recorded_feed
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import find_heads, open_catalogue

EXAMPLES = 12
"""Photos of each attribute in a report."""

_EXAMPLE_SIDE = 160

_COLUMNS = {
    "accuracy": "accuracy",
    "map": "mAP",
    "macro_f1": "macro F1",
    "ece": "ECE",
    "coverage": "coverage",
    "accepted_precision": "precision of accepted",
}


def measure_attributes(
    settings: Settings,
    feed: Path,
    *,
    split: str | None = None,
    queries: Sequence[str] = (),
    report: Path | None = None,
    as_json: bool,
) -> None:
    """Measure the live classifier; print a table or JSON, and write a report where a folder is named.

    Args:
        split: `train`, `val` or `test`; None for the test part, or, with `queries`, for all items that match.
        queries: filters: which items are measured.

    Raises:
        NotFoundError: `no_classifier`.
        QueryError: no item of the feed is in the catalogue, or none is in the part asked for.
        InputError: the report's folder holds something else, or no measured item has a learnt label.
    """
    if report is not None:
        check_folder(report)
    with open_catalogue(settings, say=say) as catalogue:
        record, tagger = catalogue.manifest.classifier, catalogue.find_tagger()
        if record is None or tagger is None:
            raise refuse_classifying()
        opened = open_recorded_feed(feed, (), catalogue.manifest)
        items = (row.item for row in opened if isinstance(row, FeedRow))
        labelled = gather_labelled_pools(catalogue, items, list(record.attributes))
        conditions = parse_filter(queries, catalogue.manifest.attributes)
        part = choose_part(catalogue.store, labelled, split=split, queries=conditions, own=SPLIT in opened.schema)
        measured = measure_part(labelled, part, record, tagger, _load_predictor(settings, record))
        for sentence in (*part.notes, *describe_labels(measured)):
            say(sentence)
        page = None
        if report is not None:
            page = write_report(report, _make_report(catalogue, feed, record, labelled, part, measured))
    if as_json:
        print_json({**_to_wire(record, labelled, part, measured), "report": str(page) if page else None})
        return
    _print_table(measured.evaluation)
    if page is not None:
        out.print(f"{page}", markup=False)


def _load_predictor(settings: Settings, record: ClassifierRecord) -> Predictor:
    from classifier.heads.artefact import load_heads

    return load_heads(find_heads(settings.data, record.version))


def _make_report(
    catalogue: Catalogue, feed: Path, record: ClassifierRecord, labelled: LabelledPools, part: Part, measured: Measured
) -> Report:
    trained = labelled.list_rows(TRAIN)
    return Report(
        title=f"Classifier {record.version}",
        evaluation=measured.evaluation,
        predictions=measured.predictions,
        facts={
            "classifier": record.version,
            "feed": feed.name,
            "items": str(len(part.rows)),
            "encoders": ", ".join(space.name for space in catalogue.manifest.list_encoder_spaces()),
        },
        notes=(*part.notes, *describe_labels(measured)),
        training_counts={
            name: Counter(value for row in trained for value in labelled.labels[name][row])
            for name in record.attributes
        },
        examples={
            name: _draw_examples(catalogue, own, [labelled.hashes[row] for row in part.rows])
            for name, own in measured.predictions.items()
        },
    )


def _draw_examples(catalogue: Catalogue, own: AttributePredictions, hashes: Sequence[str]) -> list[Example]:
    """Some items with their thumbnails; one whose thumbnail is gone is left out."""
    examples = []
    for row in choose_examples(own, EXAMPLES):
        thumbnail = catalogue.thumbnails.read(hashes[row])
        if thumbnail is not None:
            photo = np.asarray(decode_photo(thumbnail, max_side=_EXAMPLE_SIDE).picture)
            examples.append(describe_example(own, int(row), photo))
    return examples


def _to_wire(record: ClassifierRecord, labelled: LabelledPools, part: Part, measured: Measured) -> dict[str, object]:
    return {
        **measured.evaluation.to_wire(),
        "model": record.version,
        "parts": dict(part.parts),
        "notes": list(part.notes),
        "not_indexed": labelled.not_indexed,
        "without_pools": labelled.without_pools,
        "foreign_values": {name: dict(values) for name, values in measured.foreign.items()},
        "labels_not_in_feed": {name: list(labels) for name, labels in measured.unused.items()},
    }


def _print_table(evaluation: Evaluation) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("attribute", "items", "left out", "labels", *_COLUMNS.values()):
        table.add_column(heading)
    for name, each in evaluation.attributes.items():
        counts = (str(each.n), str(each.n_left_out), str(len(each.per_label)))
        table.add_row(name, *counts, *(_to_cell(each.figures[key]) for key in _COLUMNS))
    if len(evaluation.attributes) > 1:
        table.add_row("mean", "", "", "", *(_to_cell(evaluation.overall[key]) for key in _COLUMNS))
    out.print(table, markup=False)
    out.print(
        f"every known attribute right: {_to_cell(evaluation.exact_match)} of {evaluation.exact_match_n} items; "
        "intervals are 95 % over items",
        markup=False,
    )
    if evaluation.not_measured:
        out.print("not measured: " + ", ".join(evaluation.not_measured), markup=False)


def _to_cell(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
