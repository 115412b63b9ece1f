"""`vitrine snn convert`: a trained network as one that spikes, kept where the server and `vitrine classify` find it.

Knows nothing of how a network is converted; `classifier.spiking` does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from search.errors import InputError
from vitrine.commands.open_images import open_images
from vitrine.commands.train_network import tell_progress
from vitrine.console import first_interrupt_asks, out, print_json, say, show_progress
from vitrine.exit_codes import INTERRUPTED
from vitrine.settings import Settings
from vitrine.wiring import find_spiking

if TYPE_CHECKING:
    from classifier.spiking.artefact import SpikingNetwork
    from classifier.spiking.conversion import ConversionOptions
    from classifier.training.checkpoints import Checkpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRequest:
    """What was asked for.

    Attributes:
        network: folder of a trained network.
        data, mapping, many_hot: the images it was trained on, as `open_images` takes them.
        options: how; None for the defaults.
        out: folder for the converted network; the data directory's own where None.
    """

    network: Path
    data: str
    mapping: Sequence[str] = ()
    many_hot: str = ""
    options: ConversionOptions | None = field(default=None)
    out: Path | None = None


def convert(settings: Settings, request: ConvertRequest, *, as_json: bool) -> None:
    """Convert; exit 130 where stopped by Ctrl-C, the finetuning's checkpoint kept."""
    from classifier.networks.artefact import load_network
    from classifier.spiking.artefact import save_spiking
    from classifier.spiking.compatibility import load_libraries
    from classifier.spiking.conversion import ConversionOptions, Watchers, convert_network
    from classifier.training.checkpoints import Checkpoints

    options = request.options or ConversionOptions()
    network, record = load_network(request.network)
    load_libraries(options.threads)  # a missing extra is said before anybody has waited for a training
    data = open_images(
        request.data,
        settings=settings,
        attributes=tuple(record.attributes),
        side=record.shape.size,
        channels=record.shape.channels,
        mapping=request.mapping,
        many_hot=request.many_hot,
    )
    folder = request.out or find_spiking(settings.data)
    identity = {"network": record.training, "options": asdict(options), "images": data.fingerprint}
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    opened: list[Path] = []

    def open_checkpoints(stage: str) -> Checkpoints:
        own = folder / f"finetuning-{stage}-{digest}"
        opened.append(own)
        return Checkpoints(own, {"conversion": digest, "stage": stage})

    with contextlib.ExitStack() as stack:
        asked = stack.enter_context(first_interrupt_asks())
        epochs = max(options.epochs, options.spike_epochs, 1)
        advance = stack.enter_context(show_progress("finetuning", epochs * 1000))
        watchers = Watchers(say=say, tell=tell_progress(advance), should_stop=asked, open_checkpoints=open_checkpoints)
        converted = convert_network(network, record, data, options, watchers)
    if converted is None:
        say(f"stopped; the same command goes on from the checkpoint in {folder}")
        raise typer.Exit(INTERRUPTED)
    converted = save_spiking(folder, converted)
    for own in opened:
        shutil.rmtree(own, ignore_errors=True)
    _report(folder, converted, as_json=as_json)


def read_levels(texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """`["8", "4,8,16"]` as numbers.

    Raises:
        InputError: a text that is not numbers with commas between them.
    """
    try:
        return tuple(tuple(sorted({int(part) for part in text.split(",")})) for text in texts)
    except ValueError:
        raise InputError(f"levels are {', '.join(texts)}; whole numbers are right, commas between them") from None


def _report(folder: Path, network: SpikingNetwork, *, as_json: bool) -> None:
    from classifier.spiking.conversion import say_levels

    choices = network.choices
    if as_json:
        chosen = {"levels": choices.levels, "steps": choices.steps, "margin": choices.margin}
        print_json({"folder": str(folder), "version": network.version, **chosen, "source": dict(network.source)})
        return
    early = "" if choices.margin is None else f", {network.source['chosen_on']['mean_steps']:.1f} on average"
    out.print(
        f"{network.version}: {say_levels(choices.levels)} levels, at most {choices.steps} steps{early}", markup=False
    )
    out.print(f"{folder}", markup=False)
