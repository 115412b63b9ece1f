"""The command line's other half: training, tagging and asking a classifier. `vitrine.cli` puts it beside the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine.cli_options import Feed, Filters, Json, Mapping, get_settings
from vitrine.console import errors_as_exit_codes

train_app = typer.Typer(
    help="Train a classifier, on the shop's own labels or on any labelled photos.", no_args_is_help=True
)

Attributes = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute", "-a", help="Attribute to learn; those that can be learnt where not given. May be repeated."
    ),
]
Data = Annotated[
    str,
    typer.Argument(help="fashion-mnist, a feed, a folder with DeepFashion's list files, or a CSV with --many-hot."),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="NAME=VALUE of a training setting, such as epochs=10. May be repeated."),
]
ManyHot = Annotated[str, typer.Option(help="The CSV has one column a label: their names by commas, or all.")]
Side = Annotated[
    int | None, typer.Option(min=8, max=1_024, help="Side of the images, pixels; the network's own if unset.")
]
Pretrained = Annotated[bool, typer.Option("--pretrained", help="Start from weights learnt elsewhere.")]


@train_app.command("heads")
def train_heads(
    context: typer.Context,
    feed: Feed,
    attributes: Attributes = None,
    mapping: Mapping = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random; the same seed, the same weights.")] = 0,
    json: Json = False,
) -> None:
    """Train heads on the catalogue's embeddings, from the feed's labels: a minute, no photo is read again."""
    from vitrine.commands.train_heads import train_catalogue

    with errors_as_exit_codes():
        train_catalogue(get_settings(context), feed, attributes or [], mapping or [], seed=seed, as_json=json)


@train_app.command("text")
def train_text(
    context: typer.Context,
    feed: Feed,
    mapping: Mapping = None,
    epochs: Annotated[
        int, typer.Option(min=1, max=1_000, help="Times every item is looked at; more in a small shop.")
    ] = 25,
    towers: Annotated[int, typer.Option(min=1, max=16, help="Networks whose mean answers.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random; the same seed, the same weights.")] = 0,
    json: Json = False,
) -> None:
    """Train a text tower on the feed's titles and attributes, so that words find photos. Needs the extra clip."""
    from vitrine.commands.train_text import train_text as train

    with errors_as_exit_codes():
        train(get_settings(context), feed, mapping or [], epochs=epochs, towers=towers, seed=seed, as_json=json)


@train_app.command("network")
def train_network(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Network; 'vitrine train networks' lists them.")],
    data: Data,
    attributes: Attributes = None,
    mapping: Mapping = None,
    many_hot: ManyHot = "",
    side: Side = None,
    fixed: Fixed = None,
    pretrained: Pretrained = False,
    start: Annotated[
        Path | None, typer.Option("--from", help="Folder of the same network trained before: go on from its weights.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Folder for the network; one under DATA where unset.")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Measure on the test images too, once, at the end.")] = False,
    json: Json = False,
) -> None:
    """Train a network on pixels. Stopped, the same command goes on from its checkpoint."""
    from vitrine.commands.train_network import NetworkRequest, train_on_images

    request = NetworkRequest(
        name=name,
        data=data,
        attributes=tuple(attributes or ()),
        mapping=tuple(mapping or ()),
        many_hot=many_hot,
        side=side,
        fixed=tuple(fixed or ()),
        pretrained=pretrained,
        start=start,
        out=to,
        test=test,
    )
    with errors_as_exit_codes():
        train_on_images(get_settings(context), request, as_json=json)


@train_app.command("networks")
def list_networks(json: Json = False) -> None:
    """List the networks there are."""
    from vitrine.commands.train_network import print_networks

    with errors_as_exit_codes():
        print_networks(as_json=json)


@train_app.command("sweep")
def train_sweep(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Network.")],
    data: Data,
    grid: Annotated[
        list[str], typer.Option("--grid", "-g", help="NAME=VALUE,VALUE of a training setting. May be repeated.")
    ],
    to: Annotated[Path, typer.Option("--out", help="Folder for the tables and the finished cells.")],
    attributes: Attributes = None,
    mapping: Mapping = None,
    many_hot: ManyHot = "",
    side: Side = None,
    fixed: Fixed = None,
    pretrained: Pretrained = False,
    json: Json = False,
) -> None:
    """Train a network with every combination of some settings; the table is ordered by validation."""
    from vitrine.commands.train_sweep import SweepOptions
    from vitrine.commands.train_sweep import train_sweep as run

    options = SweepOptions(
        attributes=tuple(attributes or ()),
        mapping=tuple(mapping or ()),
        many_hot=many_hot,
        side=side,
        fixed=tuple(fixed or ()),
        pretrained=pretrained,
    )
    with errors_as_exit_codes():
        run(get_settings(context), name, data, grid, options, to, as_json=json)


def tag(
    context: typer.Context,
    feed: Annotated[
        Path | None, typer.Argument(help="Feed whose photos are embedded again where pools are missing.")
    ] = None,
    heads: Annotated[str | None, typer.Option(help="Version to tag with; the one trained last where unset.")] = None,
    json: Json = False,
) -> None:
    """Write the classifier's predictions and vectors to every item; no photo is embedded again."""
    from vitrine.commands.tag import tag_items

    with errors_as_exit_codes():
        tag_items(get_settings(context), feed, heads, as_json=json)


def classify(
    context: typer.Context,
    photos: Annotated[list[Path], typer.Argument(help="Photos.")],
    engine: Annotated[
        str, typer.Option(help="heads (the catalogue's classifier), cnn or snn (a network 'vitrine snn convert' made).")
    ] = "heads",
    json: Json = False,
) -> None:
    """Say what is on photos: attributes with confidence, and whether it is of the catalogue's world at all."""
    from vitrine.commands.classify import classify_photos

    with errors_as_exit_codes():
        classify_photos(get_settings(context), photos, engine=engine, as_json=json)


def conflicts(
    context: typer.Context,
    filters: Filters = None,
    attributes: Attributes = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Report from this confidence on.")] = 0.9,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the worst first.")] = 50,
    to: Annotated[Path | None, typer.Option("--out", help="File to write: .csv or .jsonl.")] = None,
    json: Json = False,
) -> None:
    """List items whose label the classifier, surely, sees otherwise: likely mistakes of the catalogue."""
    from vitrine.commands.conflicts import report_conflicts

    with errors_as_exit_codes():
        report_conflicts(
            get_settings(context),
            filters=filters or [],
            attributes=attributes or [],
            min_confidence=min_confidence,
            limit=limit,
            out=to,
            as_json=json,
        )


def evaluate_attributes(
    context: typer.Context,
    feed: Feed,
    split: Annotated[str | None, typer.Option(help="Which part is measured: train, val or test.")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a report with plots.")] = None,
    json: Json = False,
) -> None:
    """Measure the classifier on the shop's labels: accuracy, mAP, F1, calibration, with intervals."""
    from vitrine.commands.evaluate_attributes import measure_attributes

    with errors_as_exit_codes():
        measure_attributes(get_settings(context), feed, split=split, report=report, as_json=json)


def add_commands(app: typer.Typer, evaluate_app: typer.Typer) -> None:
    """Put this half's commands beside the others."""
    app.add_typer(train_app, name="train")
    app.command()(tag)
    app.command()(classify)
    app.command()(conflicts)
    evaluate_app.command("attributes")(evaluate_attributes)
