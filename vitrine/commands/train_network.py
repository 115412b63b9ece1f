"""`vitrine train network`: a network on pixels, from labelled images to a folder that holds it.

Knows nothing of how a network learns; `classifier.training` does.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from classifier.data.images import LabelledImages, Splits
from classifier.networks.card import Shape
from classifier.networks.registry import find_card, list_cards
from classifier.training.grid import fix_settings
from classifier.training.settings import TrainingSettings, to_json
from search.errors import InputError
from vitrine.commands.open_images import open_images
from vitrine.console import first_interrupt_asks, out, print_json, say, show_progress
from vitrine.exit_codes import INTERRUPTED
from vitrine.settings import Settings

if TYPE_CHECKING:
    from classifier.networks.artefact import NetworkRecord
    from classifier.networks.network import Network
    from classifier.training.engine import Outcome, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """What was asked for, as it was written on the command line.

    Attributes:
        name: of the network.
        data, attributes, mapping, many_hot: images, as `open_images` takes them.
        side: pixels of the images; what the network is made for where None.
        fixed: `NAME=VALUE` of training settings; the network's recipe for the others.
        pretrained, start, out, test: as `NetworkOptions`.
    """

    name: str
    data: str
    attributes: Sequence[str] = ()
    mapping: Sequence[str] = ()
    many_hot: str = ""
    side: int | None = None
    fixed: Sequence[str] = ()
    pretrained: bool = False
    start: Path | None = None
    out: Path | None = None
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """How a network is trained on images that are open.

    Attributes:
        training: how; None for the network's own recipe.
        pretrained: start from the weights the network's card names.
        start: folder of a network trained before, whose weights to start from.
        out: folder for the network and, until it is done, its checkpoint; None for one under the data folder.
        test: measure on the test images too, once, after everything is chosen.
    """

    training: TrainingSettings | None = None
    pretrained: bool = False
    start: Path | None = None
    out: Path | None = None
    test: bool = False


def print_networks(*, as_json: bool) -> None:
    """Every network there is, by name."""
    cards = list_cards()
    if as_json:
        print_json([{**asdict(card), "recipe": to_json(card.recipe)} for card in cards])
        return
    for card in cards:
        size = f"{card.parameters / 1e6:.1f} M weights, {card.mmacs:,.0f} MMAC" if card.mmacs >= 1 else "tiny"
        out.print(f"{card.name:<20} {card.summary} ({size})", markup=False)
        if card.pretrained:
            out.print(f"{'':<20} --pretrained: {card.pretrained} ({card.licence})", markup=False)


def train_on_images(settings: Settings, request: NetworkRequest, *, as_json: bool) -> None:
    """Open the images and train; exit 130 where stopped by Ctrl-C, the checkpoint kept."""
    card = find_card(request.name)
    training = fix_settings(card.choose_recipe(pretrained=request.pretrained), request.fixed)
    data = open_images(
        request.data,
        settings=settings,
        attributes=request.attributes,
        side=request.side or card.input_size,
        channels=card.channels,
        mapping=request.mapping,
        many_hot=request.many_hot,
    )
    options = NetworkOptions(
        training=training, pretrained=request.pretrained, start=request.start, out=request.out, test=request.test
    )
    if train_network(settings, request.name, data, options, as_json=as_json) is None:
        raise typer.Exit(INTERRUPTED)


def train_network(
    settings: Settings, name: str, data: Splits, options: NetworkOptions, *, as_json: bool
) -> Path | None:
    """Train a network and keep it, or go on where the same run was stopped.

    Returns:
        The folder it is in; None where the run was interrupted, and its checkpoint kept.

    Raises:
        SetupError: the network is unknown, its weights cannot be had, or a folder cannot be written to.
        InputError: images it cannot take.
    """
    # Imported here: these load torch.
    from classifier.artefact import load_card
    from classifier.networks.artefact import NAME
    from classifier.networks.network import build_network
    from classifier.training.checkpoints import Checkpoints
    from classifier.training.engine import train_network as train

    training = options.training or find_card(name).choose_recipe(pretrained=options.pretrained)
    shape = _find_shape(data.train)
    identity = {
        "network": name,
        "pretrained": options.pretrained,
        "settings": to_json(training),
        "images": data.fingerprint,
        "size": [shape.size, shape.channels],
        **({} if options.start is None else {"start": load_card(options.start, NAME)["weights_sha256"]}),
    }
    folder = options.out or _name_run(settings, name, identity)
    network = build_network(
        name,
        shape,
        {attribute: len(labels) for attribute, labels in data.train.attributes.items()},
        seed=training.seed,
        pretrained=options.pretrained,
        models=settings.models_folder(),
    )
    if options.start is not None:
        _take_weights(network, name, shape, data.train, options.start)
    say(f"{name}: {len(data.train):,} images to learn from, {len(data.val):,} to choose by; checkpoint in {folder}")
    checkpoints = Checkpoints(folder, identity)
    with first_interrupt_asks() as asked, show_progress("training", training.epochs * 1000) as advance:
        outcome = train(
            network,
            data.train,
            data.val,
            training,
            checkpoints=checkpoints,
            tell=tell_progress(advance),
            should_stop=asked,
        )
    if not outcome.complete:
        say(f"stopped in epoch {len(outcome.history) + 1}; the same command goes on from the checkpoint in {folder}")
        return None
    record = _describe(name, shape, data, training, outcome, measure_test=options.test)
    place = _keep(options, folder, outcome, record)
    if place == folder:
        checkpoints.drop()
    _report(place, record, as_json=as_json)
    return place


def _take_weights(network: Network, name: str, shape: Shape, images: LabelledImages, folder: Path) -> None:
    """Those of a network trained before, which has to be the same one, for the same labels.

    Raises:
        InputError: it is another one.
        SetupError, IntegrityError: it cannot be loaded.
    """
    from classifier.networks.artefact import load_network

    trained, record = load_network(folder)
    known, wanted = (
        {attribute: tuple(labels) for attribute, labels in attributes.items()}
        for attributes in (record.attributes, images.attributes)
    )
    if (record.name, record.shape) != (name, shape) or known != wanted:
        raise InputError(
            f"{folder} holds {record.name} for {record.shape.size} pixels and {', '.join(known)}; "
            f"{name} for {shape.size} pixels and the labels of {images.name} cannot start from it"
        )
    network.load_state_dict(trained.state_dict())


def _find_shape(images: LabelledImages) -> Shape:
    height, width, channels = images.shape
    if height != width:
        raise InputError(f"{images.name} has images of {width} x {height} pixels; a network here takes square ones")
    return Shape(size=height, channels=channels)


def _name_run(settings: Settings, name: str, identity: Mapping[str, Any]) -> Path:
    """The same run has the same folder, which is how it is found again."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return settings.data / "models" / "networks" / f"{name}-run-{digest[:8]}"


def tell_progress(advance: Callable[[int, str], None]) -> Callable[[Progress], None]:
    """What shows a training on a progress bar of 1,000 an epoch, and says a line at the end of each."""

    def tell(progress: Progress) -> None:
        done = (progress.epoch - 1) * 1000 + progress.step * 1000 // progress.steps
        note = f"epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.3f}, {progress.images_per_s:.0f}/s"
        advance(done, note)
        if progress.finished:
            entry = progress.finished
            say(
                f"epoch {entry['epoch']:>3} of {progress.epochs}: loss {entry['loss']:.4f}, on validation "
                f"{entry['val_loss']:.4f}, score {entry['score']:.2%}, {progress.images_per_s:.0f} images/s"
            )

    return tell


def _describe(
    name: str, shape: Shape, data: Splits, training: TrainingSettings, outcome: Outcome, *, measure_test: bool
) -> NetworkRecord:
    from classifier.networks.artefact import NetworkRecord
    from classifier.training.evaluation import Views, measure_network, measure_probabilities, predict_probabilities

    metrics: dict[str, Any] = {}
    for part, images in {"val": data.val, **({"test": data.test} if measure_test else {})}.items():
        plain = measure_network(outcome.network, images)
        varied = measure_probabilities(predict_probabilities(outcome.network, images, Views.SHIFTED), images)
        metrics[part] = {
            "images": len(images),
            "loss": plain.loss,
            "score": plain.score,
            "attributes": dict(plain.attributes),
            "score_ten_views": varied.score,
        }
    return NetworkRecord(
        name=name,
        shape=shape,
        attributes=data.train.attributes,
        multi=data.train.multi,
        data={"name": data.train.name, "fingerprint": data.fingerprint, "images": len(data.train)},
        metrics=metrics,
        training={"settings": to_json(training), "best": outcome.best, "history": outcome.history},
    )


def _keep(options: NetworkOptions, folder: Path, outcome: Outcome, record: NetworkRecord) -> Path:
    """Into the folder asked for, else into one beside the run's that is named by the weights' hash."""
    from classifier.networks.artefact import save_network

    if options.out is not None:
        save_network(folder, outcome.network, record)
        return folder
    aside = folder / "finished"
    place = folder.with_name(f"{record.name}-{save_network(aside, outcome.network, record)[:8]}")
    if not place.exists():
        aside.rename(place)
    shutil.rmtree(folder)
    return place


def _report(place: Path, record: NetworkRecord, *, as_json: bool) -> None:
    if as_json:
        print_json({"network": record.name, "folder": str(place), "metrics": record.metrics})
        return
    for part, figures in record.metrics.items():
        out.print(f"{part}: score {figures['score']:.2%} ({figures['score_ten_views']:.2%} over ten views)")
        for attribute, score in figures["attributes"].items():
            out.print(f"  {attribute}: {score:.2%}", markup=False)
    out.print(f"{place}", markup=False)
