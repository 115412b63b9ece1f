"""A grid of photos with what is predicted of each: right in green with a tick, wrong in red with a cross.

Works with examples. Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifier.report.canvas import GREEN, RED, open_figure, to_plot_text, to_png
from classifier.report.content import Example, Plot

COLUMNS = 6

_TEXT = 18
"""Characters of a label above a photo."""


def plot_examples(attribute: str, examples: Sequence[Example]) -> Plot:
    """The photos, six in a row; above each the prediction with its probability, and what is true."""
    rows = -(-len(examples) // COLUMNS)
    figure = open_figure(1.9 * COLUMNS, 2.5 * rows)
    cells = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for cell in cells:
        cell.set_axis_off()
    for cell, example in zip(cells, examples, strict=False):
        photo = example.photo[..., 0] if example.photo.shape[2:] == (1,) else example.photo
        cell.imshow(photo, cmap="gray", vmin=0, vmax=255)
        cell.set_title(_to_title(example), color=GREEN if example.right else RED, fontsize=8)
    figure.subplots_adjust(wspace=0.1, hspace=0.3)
    right = sum(example.right for example in examples)
    return Plot(
        name="examples",
        alt=f"{len(examples)} photos with the predicted and the true {attribute}: {right} right, "
        f"{len(examples) - right} wrong.",
        caption="Photos drawn by a seed, with the predicted label, its probability and the true label.",
        png=to_png(figure),
        broad=True,
    )


def _to_title(example: Example) -> str:
    mark = "✓" if example.right else "✗"
    predicted = to_plot_text(example.predicted, _TEXT) or "nothing"
    true = to_plot_text(example.true, _TEXT) or "nothing"
    return f"{mark} {predicted} {example.confidence:.0%}\ntrue: {true}"
