"""`vitrine train sweep`: one network with every combination of some training settings, the best first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from classifier.networks.registry import find_card
from classifier.training.grid import Value, fix_settings, list_cells, parse_grid, to_markdown
from vitrine.commands.open_images import open_images
from vitrine.console import first_interrupt_asks, out, print_json, say, show_progress
from vitrine.exit_codes import INTERRUPTED
from vitrine.settings import Settings

if TYPE_CHECKING:
    from classifier.training.engine import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What is the same in all cells, as it was written on the command line.

    Attributes:
        attributes: those to learn; those of the data where none is named.
        side: pixels of the images; what the network is made for where None.
        mapping, many_hot: of the data, as `open_images` takes them.
        fixed: `NAME=VALUE` of training settings; the network's recipe for the others.
        pretrained: start from weights learnt elsewhere.
        seed: of the splits, where the data says none.
    """

    attributes: Sequence[str] = ()
    side: int | None = None
    mapping: Sequence[str] = ()
    many_hot: str = ""
    fixed: Sequence[str] = ()
    pretrained: bool = False
    seed: int = 0


def train_sweep(
    settings: Settings,
    name: str,
    data: str,
    grid: Sequence[str],
    options: SweepOptions,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """Train every cell of the grid and print the table, best first; exit 130 where stopped by Ctrl-C.

    Args:
        name: of the network.
        data: what `open_images` takes.
        grid: `NAME=VALUE,VALUE`.
        folder: where tables and finished cells are kept; run again, the sweep goes on there.
    """
    card = find_card(name)
    tried = parse_grid(grid)
    recipe = fix_settings(card.choose_recipe(pretrained=options.pretrained), options.fixed)
    list_cells(recipe, tried)  # a value out of its range is refused before anything is read
    splits = open_images(
        data,
        settings=settings,
        attributes=options.attributes,
        side=options.side or card.input_size,
        channels=card.channels,
        mapping=options.mapping,
        many_hot=options.many_hot,
        seed=options.seed,
    )
    from classifier.training.sweep import run_sweep  # loads torch

    with first_interrupt_asks() as stop, show_progress("cells", None) as show:

        def note(cell: int, cells: int, values: Mapping[str, Value], progress: Progress) -> None:
            told = " ".join(f"{key}={value}" for key, value in values.items())
            show(cell, f"of {cells}: {told}, epoch {progress.epoch}/{progress.epochs}, loss {progress.loss:.3f}")

        outcome = run_sweep(
            name,
            splits.train,
            splits.val,
            recipe,
            tried,
            folder=folder,
            pretrained=options.pretrained,
            tell=note,
            should_stop=stop,
        )
    if as_json:
        print_json(json.loads((folder / "sweep.json").read_text("utf-8")) if outcome.results else {"cells": []})
    elif outcome.results:
        out.print(to_markdown(outcome.results, title=f"{name} on {data}"), markup=False)
        say(f"{outcome.trained} cells trained now; tables in {folder}")
    if not outcome.complete:
        say("stopped; run the same command again to go on")
        raise typer.Exit(INTERRUPTED)
