"""`vitrine snn compare`: the same images through the CNN and what spikes, as a table, JSON and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from search.errors import InputError, SetupError
from vitrine.commands.open_images import open_images
from vitrine.console import out, print_json, say
from vitrine.settings import Settings
from vitrine.wiring import find_spiking

if TYPE_CHECKING:
    from classifier.data.images import LabelledImages
    from classifier.spiking.artefact import SpikingNetwork
    from classifier.spiking.compared import Comparison, ComparisonOptions

SHOWN = ("system", "T", "accuracy", "to CNN, points", "mAP", "agrees", "spikes a synapse", "s / 1,000")
"""Columns on a terminal; all of them are in the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What was asked for.

    Attributes:
        data, mapping, many_hot: images, as `open_images` takes them.
        network: folder of a converted network; the data directory's own where None.
        part: test or val.
        limit: images at most, the first ones; 0 for all.
        steps, systems: as `ComparisonOptions`; its own where empty.
        timed: images for the clock.
        threads: 0 for the libraries' own choice.
        out: folder for `comparison.md`, `comparison.json` and three plots; nothing is written where None.
    """

    data: str
    mapping: Sequence[str] = ()
    many_hot: str = ""
    network: Path | None = None
    part: str = "test"
    limit: int = 0
    steps: Sequence[int] = ()
    systems: Sequence[str] = ()
    timed: int = 200
    threads: int = 0
    out: Path | None = None


def compare(settings: Settings, request: CompareRequest, *, as_json: bool) -> None:
    """Run every system over the images and show what each gave and cost."""
    from classifier.spiking.artefact import load_spiking
    from classifier.spiking.comparison import compare_systems
    from classifier.spiking.compatibility import load_libraries

    options = _read_options(request)
    if request.part not in ("test", "val"):
        raise InputError(f"part is {request.part!r}; test or val")
    network = load_spiking(request.network or find_spiking(settings.data))
    load_libraries(request.threads)
    side, _, channels = network.cnn.size
    data = open_images(
        request.data,
        settings=settings,
        attributes=tuple(network.cnn.attributes),
        side=side,
        channels=channels,
        mapping=request.mapping,
        many_hot=request.many_hot,
    )
    images = data.test if request.part == "test" else data.val
    check_labels(network, images)
    rows = range(min(len(images), request.limit or len(images)))
    if not rows:
        raise InputError(f"{images.name} has no images to compare on")
    labels = {name: np.asarray(values)[: len(rows)] for name, values in images.read_labels().items()}
    comparison = compare_systems(network, images.read_batch(rows), labels, options, say=say)
    if request.out is not None:
        _save(request.out, comparison)
    _show(comparison, as_json=as_json)


def check_labels(network: SpikingNetwork, images: LabelledImages) -> None:
    """See that images have the labels of a network, in its order.

    Raises:
        InputError: they have not.
    """
    own = {name: evidence.labels for name, evidence in network.cnn.attributes.items()}
    given = {name: tuple(labels) for name, labels in images.attributes.items()}
    if own != given:
        raise InputError(
            f"{images.name} has other labels than the network, which knows "
            f"{', '.join(f'{len(labels)} of {name}' for name, labels in own.items())}; give the data it was trained on"
        )


def _read_options(request: CompareRequest) -> ComparisonOptions:
    from classifier.spiking.compared import ComparisonOptions, System

    plain = ComparisonOptions()
    steps = tuple(request.steps) or plain.steps
    if min(steps) < 1 or max(steps) > 256:
        raise InputError(f"steps are {list(steps)}; between 1 and 256 is right")
    try:
        systems = frozenset(map(System, request.systems)) if request.systems else plain.systems
    except ValueError as error:
        raise InputError(f"{error}; there are {', '.join(System)}") from None
    return ComparisonOptions(
        steps=tuple(sorted(set(steps))), systems=systems, timed=max(0, request.timed), threads=request.threads
    )


def _save(folder: Path, comparison: Comparison) -> None:
    from classifier.spiking.comparison_tables import plot_activity, plot_energy, plot_scores, to_markdown, to_wire

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "comparison.json").write_text(json.dumps(to_wire(comparison), indent=1, allow_nan=False), "utf-8")
        (folder / "comparison.md").write_text(to_markdown(comparison), "utf-8")
        for name, plot in (("scores", plot_scores), ("activity", plot_activity), ("energy", plot_energy)):
            (folder / f"{name}.png").write_bytes(plot(comparison))
    except OSError as error:
        raise SetupError(f"{folder} cannot be written to ({error}); free space, or give another folder") from error
    say(f"tables and plots are in {folder}")


def _show(comparison: Comparison, *, as_json: bool) -> None:
    from rich.table import Table

    from classifier.spiking.comparison_tables import HEADINGS, list_rows, to_wire

    if as_json:
        print_json(to_wire(comparison))
        return
    for attribute in comparison.rows[0].attributes:
        table = Table(
            box=None, pad_edge=False, title=f"{attribute}, {comparison.images:,} images", title_justify="left"
        )
        for heading in SHOWN:
            table.add_column(heading, justify="left" if heading == "system" else "right")
        for row in list_rows(comparison, attribute):
            table.add_row(*(row[HEADINGS.index(heading)] for heading in SHOWN))
        out.print(table, markup=False)
    out.print("On this processor a spiking run is slower than the CNN; energy is in the files, and is an estimate.")
