"""How a network is trained: every choice there is, as one value that a card can carry and a checkpoint can record.

Loads nothing heavy. Knows nothing of networks or of images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from search.errors import InputError


class Optimiser(StrEnum):
    """What takes the steps."""

    SGD = "sgd"
    """With Nesterov's momentum."""
    ADAM = "adam"
    ADAMW = "adamw"


class Schedule(StrEnum):
    """How the rate goes over the run."""

    ONE_CYCLE = "one_cycle"
    """Up to the rate and down to nearly nothing, along cosines (Smith and Topin, arXiv:1708.07120)."""
    COSINE = "cosine"
    """A short way up, then down to nothing along a cosine (arXiv:1608.03983)."""
    CONSTANT = "constant"


class Loss(StrEnum):
    """What is made small."""

    CROSS_ENTROPY = "cross_entropy"
    """Cross-entropy of a softmax; binary cross-entropy for an attribute with several values."""
    BINARY = "binary"
    """Binary cross-entropy of every label for itself, for every attribute."""
    FOCAL = "focal"
    """Cross-entropy, or binary, times (1 - p)^gamma: easy images count less (Lin et al., arXiv:1708.02002)."""


class Balance(StrEnum):
    """What is done for rare labels."""

    NONE = "none"
    WEIGHTS = "weights"
    """Their images count more in the loss."""
    SAMPLER = "sampler"
    """Their images are drawn more often."""


class Augmentation(StrEnum):
    """How much images are varied."""

    NONE = "none"
    LIGHT = "light"
    """Mirrored, and moved by a few pixels."""
    MEDIUM = "medium"
    """Also turned and scaled a little, with a patch erased now and then."""
    STRONG = "strong"
    """More of it, and brightness and contrast too."""


class Precision(StrEnum):
    """Where the network's own arithmetic is in bfloat16; weights, losses and steps are always in single precision."""

    SINGLE = "single"
    """Nowhere."""
    GPU = "gpu"
    """On a GPU that has it; the processor computes in single precision, the same bits on every machine."""
    HALF = "half"
    """Also on a processor that has instructions for it (AVX-512 BF16, AMX), about half as long a run there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """All of one run but the network and the images.

    Attributes:
        epochs: passes over the images.
        batch: images a step.
        optimiser, schedule, loss, balance, augmentation, precision: see each.
        rate: highest learning rate.
        momentum: of SGD.
        weight_decay: of all weights but biases and those of normalisation.
        warmup: share of the run in which the rate goes up.
        label_smoothing: share of a label's probability that is spread over all labels.
        gamma: of the focal loss; at 0 it is cross-entropy.
        mirror: whether a mirrored image is still of its kind.
        plain_epochs: at the end, images are only mirrored and moved.
        ema: share of the averaged weights kept at a step (0: no averaging); validation and result are of the average.
        patience: epochs without a better score after which training ends; 0 for never.
        head_epochs: at the start only the heads learn; for networks with weights from elsewhere.
        epochs_a_stage: after those, a stage more learns every so many epochs, the last one first; 0: all at once.
        depth_decay: the rate of each stage as a share of that of the next one.
        clip: longest gradient, as one vector; 0 for no limit.
        seed: of everything random.
        threads: of the processor; 0 leaves torch's own choice.
    """

    epochs: int = 20
    batch: int = 128
    optimiser: Optimiser = Optimiser.ADAMW
    schedule: Schedule = Schedule.ONE_CYCLE
    loss: Loss = Loss.CROSS_ENTROPY
    balance: Balance = Balance.NONE
    augmentation: Augmentation = Augmentation.LIGHT
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.01
    warmup: float = 0.2
    label_smoothing: float = 0.0
    gamma: float = 2.0
    mirror: bool = True
    plain_epochs: int = 0
    ema: float = 0.0
    patience: int = 0
    head_epochs: int = 0
    epochs_a_stage: int = 0
    depth_decay: float = 1.0
    clip: float = 0.0
    seed: int = 0
    threads: int = 0
    precision: Precision = Precision.GPU

    def __post_init__(self) -> None:
        for name, low, high in _LIMITS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} is {value}; training takes {low} to {high}")


_LIMITS = (
    ("epochs", 1, 100_000),
    ("batch", 1, 65_536),
    ("rate", 0.0, 100.0),
    ("momentum", 0.0, 0.9999),
    ("weight_decay", 0.0, 10.0),
    ("warmup", 0.0, 1.0),
    ("label_smoothing", 0.0, 0.99),
    ("gamma", 0.0, 20.0),
    ("plain_epochs", 0, 100_000),
    ("ema", 0.0, 0.999999),
    ("patience", 0, 100_000),
    ("head_epochs", 0, 100_000),
    ("epochs_a_stage", 0, 100_000),
    ("depth_decay", 0.0, 1.0),
    ("clip", 0.0, 1e9),
    ("seed", 0, 2**32 - 1),
    ("threads", 0, 1024),
)


def to_json(settings: TrainingSettings) -> dict[str, Any]:
    """As JSON can hold it."""
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(settings).items()}


def from_json(values: Mapping[str, Any]) -> TrainingSettings:
    """What `to_json` wrote, or once wrote: `mixed_precision` is the name that `precision` had as yes or no.

    Raises:
        InputError: a name or a value no setting has.
    """
    kinds: Mapping[str, Callable[[Any], Any]] = {
        "optimiser": Optimiser,
        "schedule": Schedule,
        "loss": Loss,
        "balance": Balance,
        "augmentation": Augmentation,
        "precision": Precision,
    }
    if "mixed_precision" in values:
        old = Precision.GPU if values["mixed_precision"] else Precision.SINGLE
        values = {"precision": old, **values}
        values = {name: value for name, value in values.items() if name != "mixed_precision"}
    unknown = set(values) - {field.name for field in fields(TrainingSettings)}
    if unknown:
        raise InputError(f"there is no setting {', '.join(sorted(unknown))}; this was written by another version")
    try:
        read: dict[str, Any] = {name: kinds[name](value) if name in kinds else value for name, value in values.items()}
        return TrainingSettings(**read)
    except (TypeError, ValueError) as error:
        raise InputError(f"settings that make no sense: {error}") from error
