"""The learning rate, as a function of the step alone: nothing to save, nothing to get out of step.

Knows nothing of optimisers.
"""

from __future__ import annotations

import math

from classifier.training.settings import Schedule, TrainingSettings

START = 1 / 25
END = 1e-4
"""First rate as a share of the highest one, and last rate as a share of the first one: those of torch's OneCycleLR."""


def compute_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """The rate as a share of the highest one, 0 to 1.

    Args:
        step: from 0; every step has one rate.
        steps: of the whole run.
    """
    done = step / max(steps - 1, 1)
    match settings.schedule:
        case Schedule.CONSTANT:
            return 1.0
        case Schedule.ONE_CYCLE:
            if done < settings.warmup:
                return go_along_cosine(START, 1.0, done / settings.warmup)
            return go_along_cosine(1.0, START * END, _share_after(done, settings.warmup))
        case Schedule.COSINE:
            if done < settings.warmup:
                return max(done / settings.warmup, START)
            return go_along_cosine(1.0, 0.0, _share_after(done, settings.warmup))


def _share_after(done: float, warmup: float) -> float:
    return (done - warmup) / (1 - warmup) if warmup < 1 else 0.0


def go_along_cosine(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a wave, `share` of the way, 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
