"""What is trained, and with which settings. Plain values.

Members see different parts of a photo, and validation photos say how much each member counts for each attribute: so no
attribute has to be told what it is about. Over five folds of the training and validation photos of
`../shared/catalogue`, a network that sees no measured colour told types best, one that sees colours and little else
told colours best.
"""

from __future__ import annotations

from dataclasses import dataclass

MEASURED = frozenset(("color",))
"""Encoders that measure rather than learn; their values are square roots already."""

COMPONENTS = {True: 160, False: 384}
"""Principal components kept of an encoder, by whether it is a measured one. 512 were no better, and slower to apply."""


PARTS_TAKEN = {True: (0, 1, 2, 3), False: (1, 2, 3)}
"""Parts taken of an encoder, likewise. The whole picture of a learnt one is about the mean of the bands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlan:
    """One network among several.

    Attributes:
        name: for the card.
        learnt, measured: how many of the first components it sees of each encoder, of either kind.
        hidden: width of its one hidden layer.
        epochs: passes over the training photos.
        evenness: 0 leaves the first components as large as they are, 1 makes all components alike.
        dropout, input_dropout: share of the hidden numbers and of the components that are left out at a step.
        smoothing: of the labels.
        rate, decay: highest learning rate and weight decay of AdamW.
    """

    name: str
    learnt: int
    measured: int
    hidden: int
    epochs: int
    evenness: float = 0.5
    dropout: float = 0.4
    input_dropout: float = 0.2
    smoothing: float = 0.03
    rate: float = 4e-3
    decay: float = 2e-2


MEMBERS = (
    MemberPlan(name="shape", learnt=384, measured=0, hidden=384, epochs=40, dropout=0.5, input_dropout=0.3),
    MemberPlan(name="whole", learnt=384, measured=32, hidden=512, epochs=24, evenness=0.0),
    MemberPlan(name="mixed", learnt=192, measured=160, hidden=256, epochs=16),
    MemberPlan(name="colour", learnt=64, measured=160, hidden=256, epochs=30, dropout=0.3, input_dropout=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """Settings of a training.

    Attributes:
        seed: same seed, data and machine, same weights.
        members: the networks.
        batch: photos a step.
        precision: share of accepted predictions that should be right, of each label.
        relevant: attributes that make two items alike, for the vector; those of `RELEVANT` that are learnt where
            empty, else all.
    """

    seed: int = 0
    members: tuple[MemberPlan, ...] = MEMBERS
    batch: int = 384
    precision: float = 0.9
    relevant: tuple[str, ...] = ()


RELEVANT = ("product_type", "color")
