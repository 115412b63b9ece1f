"""Training heads: labelled pools in, heads ready to tag out.

torch is needed, for the members alone. Everything that is chosen (how much a member counts, temperatures, thresholds)
is chosen on the validation photos. Knows nothing of photos, feeds or stores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.heads.artefact import Heads, seal_heads
from classifier.heads.assembly import Trained, even_out, join_members, list_columns, mix_logits, prepare_rows
from classifier.heads.calibration import Calibration, fit_calibration
from classifier.heads.mixing import choose_shares
from classifier.heads.model import HiddenLayer
from classifier.heads.outliers import OutlierModel, fit_outliers
from classifier.heads.plan import COMPONENTS, MEASURED, PARTS_TAKEN, RELEVANT, TrainingOptions
from classifier.heads.preparation import Preparation, fit_preparation
from classifier.heads.schema import HeadSchema, Labels, Targets, compute_fingerprint, encode_labels
from classifier.heads.scores import score_attribute
from classifier.heads.thresholds import choose_thresholds
from classifier.heads.vector import fit_recipe, weigh_attributes
from search.embedding import Space
from search.errors import InputError

Progress = Callable[[int, str], None]
"""Told how many passes are done, and what is being done."""

Pools = Mapping[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """What heads are trained on.

    Attributes:
        spaces: of the encoders, with the hashes of their weights; the first is the backbone's.
        train_pools, val_pools: by encoder, float16 or float32, shape (photos, parts, dimension); validation photos may
            be none.
        train_labels, val_labels: by attribute, each photo's values.
        ids: of the training photos, for the fingerprint.
    """

    schema: HeadSchema
    spaces: tuple[Space, ...]
    train_pools: Pools
    train_labels: Labels
    val_pools: Pools
    val_labels: Labels
    ids: Sequence[str] = ()


def train_heads(
    data: TrainingData, options: TrainingOptions | None = None, *, progress: Progress | None = None
) -> Heads:
    """Heads trained on these photos. Same seed, data and machine, same weights.

    Raises:
        InputError: pools and labels do not fit each other, or there are too few photos.
    """
    options = options or TrainingOptions()
    say = progress or (lambda done, text: None)  # noqa: ARG005
    started = time.perf_counter()
    _check_data(data)
    say(0, "components")
    preparations = _fit_preparations(data, options)
    train, val = prepare_rows(preparations, data.train_pools), prepare_rows(preparations, data.val_pools)
    targets = encode_labels(data.train_labels, data.schema)
    trained = _train_members(data.schema, preparations, train, targets, options, say)
    known = encode_labels(data.val_labels, data.schema)
    shares, calibrations = _choose(data.schema, trained, val, known, options)
    model = join_members(data.schema, preparations, trained, shares, calibrations)
    chances = model.compute_probabilities(train)
    heads = Heads(
        schema=data.schema,
        spaces=data.spaces,
        model=model,
        calibrations=calibrations,
        thresholds={},
        recipe=fit_recipe(
            chances,
            weigh_attributes(data.schema.names, options.relevant or RELEVANT),
            [preparation.projection.shape[1] for preparation in preparations.values()],
        ),
        outliers=_fit_outliers(data, options),
        fingerprint=compute_fingerprint(data.ids, data.train_labels),
    )
    return _finish(heads, val, known, shares, trained, options, started)


def _check_data(data: TrainingData) -> None:
    count = len(next(iter(data.train_labels.values()), ()))
    for space in data.spaces:
        for name, pools, labels in (
            ("training", data.train_pools, data.train_labels),
            ("validation", data.val_pools, data.val_labels),
        ):
            rows = len(next(iter(labels.values()), ()))
            if space.name not in pools or len(pools[space.name]) != rows:
                found = len(pools[space.name]) if space.name in pools else "no"
                raise InputError(f"there are {found} {name} pools of {space.name} for {rows} photos; embed them all")
    if count < 2:
        raise InputError(f"{count} photos are too few to learn from; give more")


def _fit_preparations(data: TrainingData, options: TrainingOptions) -> dict[str, Preparation]:
    return {
        space.name: fit_preparation(
            data.train_pools[space.name],
            parts=PARTS_TAKEN[space.name in MEASURED],
            power=1.0 if space.name in MEASURED else 0.5,
            components=COMPONENTS[space.name in MEASURED],
            seed=options.seed,
        )
        for space in data.spaces
    }


def _train_members(
    schema: HeadSchema,
    preparations: Mapping[str, Preparation],
    train: NDArray[np.float32],
    targets: Mapping[str, Targets],
    options: TrainingOptions,
    say: Progress,
) -> list[Trained]:
    from classifier.heads.members import train_member

    labels = [len(attribute.labels) for attribute in schema.attributes]
    done = 0
    members = []
    for number, plan in enumerate(options.members):
        columns = list_columns(preparations, plan)
        if not len(columns):
            continue  # a member for measured colours, where none are measured

        def note(loss: float, name: str = plan.name) -> None:
            nonlocal done
            done += 1
            say(done, f"{name}, loss {loss:.2f}")

        scale = even_out(train[:, columns], plan.evenness)
        network = train_member(
            train[:, columns] * scale,
            targets,
            labels,
            plan,
            batch=min(options.batch, len(train)),
            seed=options.seed * 1_000 + number,
            progress=note,
        )
        hidden_weight, hidden_bias, output_weight, output_bias = network.to_arrays()
        members.append(
            Trained(
                name=plan.name,
                layer=HiddenLayer(columns=columns, weight=hidden_weight * scale[:, None], bias=hidden_bias),
                output_weight=output_weight,
                output_bias=output_bias,
            )
        )
    return members


def _choose(
    schema: HeadSchema,
    members: Sequence[Trained],
    val: NDArray[np.float32],
    known: Mapping[str, Targets],
    options: TrainingOptions,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Calibration]]:
    """How much each member counts for each attribute, and each attribute's calibration."""
    logits = [member.compute_logits(val, schema) for member in members]
    shares = {name: choose_shares([each[name] for each in logits], known[name]) for name in schema.names}
    calibrations = {
        name: fit_calibration(mix_logits([each[name] for each in logits], share), known[name], seed=options.seed)
        for name, share in shares.items()
    }
    return shares, calibrations


def _fit_outliers(data: TrainingData, options: TrainingOptions) -> OutlierModel | None:
    learnt = [space.name for space in data.spaces if space.name not in MEASURED]
    if not learnt:
        return None
    name = learnt[0]
    return fit_outliers(data.train_pools[name], data.val_pools[name], encoder=name, seed=options.seed)


def _finish(
    heads: Heads,
    val: NDArray[np.float32],
    known: Mapping[str, Targets],
    shares: Mapping[str, NDArray[np.float64]],
    members: Sequence[Trained],
    options: TrainingOptions,
    started: float,
) -> Heads:
    """Thresholds, figures and the version."""
    chances = heads.predict_components(val)
    thresholds = {
        name: choose_thresholds(chances[name], known[name], precision=options.precision) for name in heads.schema.names
    }
    attributes: dict[str, Any] = {}
    for name in heads.schema.names:
        attributes[name] = score_attribute(chances[name], known[name], thresholds[name])
        attributes[name]["ece_before"] = round(heads.calibrations[name].error_before, 4)
        attributes[name]["ece"] = round(heads.calibrations[name].error_after, 4)
        attributes[name]["members"] = {
            member.name: round(float(share), 3) for member, share in zip(members, shares[name], strict=True)
        }
    training = {**asdict(options), "seconds": round(time.perf_counter() - started, 1)}
    finished = replace(heads, thresholds=thresholds, metrics={"attributes": attributes}, training=training)
    return seal_heads(finished)
