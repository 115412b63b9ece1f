"""The page of a report: one HTML file with everything in it, and no script.

Works with figures and finished plots. Every text is escaped here, whatever it is: labels come from feeds. Knows nothing
of files.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence

from classifier.evaluation.figures import AttributeFigures, Figure
from classifier.report.content import Example, Plot, Report

MARK = '<meta name="generator" content="Vitrine classifier report">'
"""By which a report is known again."""

_HEAD = """<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">"""

_STYLE = """
:root { --ink: #1c1e21; --soft: #5a6068; --paper: #ffffff; --line: #d8dce1; --right: #1a7f37; --wrong: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7e9ec; --soft: #a5adb7; --paper: #16181b; --line: #3a3f46; --right: #57c278; --wrong: #ff8a80; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
a { color: inherit; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td.text, th.text { text-align: left; }
small { color: var(--soft); display: block; }
figure { margin: 1.5rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #ffffff; border-radius: .5rem; padding: .5rem;
  box-sizing: border-box; }
figcaption { color: var(--soft); margin-top: .4rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1rem;
  align-items: start; }
.plots .broad { grid-column: 1 / -1; }
.right { color: var(--right); } .wrong { color: var(--wrong); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; }
summary { cursor: pointer; }
"""

_SUMMARY = {
    "accuracy": "accuracy",
    "map": "mAP",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "precision": "precision",
    "recall": "recall",
    "ece": "ECE",
    "coverage": "coverage",
    "accepted_precision": "precision of accepted",
}

_EXPLAINED = (
    "Accuracy: share of items with exactly the true labels. mAP: mean of the average precisions of the labels that "
    "occur. Precision, recall and macro F1: means over the labels that occur or are predicted. ECE: how far "
    "probabilities are from what comes true, in 15 bins of equal width. Coverage: share of items with a prediction "
    "above its threshold. In small type: 95 % bootstrap intervals over items."
)


def write_page(report: Report, plots: Mapping[str, Sequence[Plot]]) -> str:
    """The page.

    Args:
        plots: by attribute, and under "" those of no attribute.
    """
    title = _escape(report.title)
    attributes = report.evaluation.attributes
    body = [
        "<main>",
        f"<h1>{title}</h1>",
        _write_facts(report),
        *(f"<p>{_escape(note)}</p>" for note in report.notes),
        "<h2>Figures</h2>",
        _write_summary(report),
        _write_plots(plots.get("", ())),
    ]
    for number, (name, figures) in enumerate(attributes.items(), 1):
        body += [
            f'<section aria-labelledby="attribute-{number}">',
            f'<h2 id="attribute-{number}"><bdi>{_escape(name)}</bdi></h2>',
            _write_counts(figures),
            _write_plots(plots.get(name, ())),
            _write_labels(name, figures),
            _write_confusions(figures),
            _write_examples(report.examples.get(name, ())),
            "</section>",
        ]
    body.append("</main>")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n{_HEAD}\n{MARK}\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _escape(text: str) -> str:
    """A text as HTML; what HTML cannot hold becomes a replacement character."""
    allowed = "".join(
        letter if letter.isprintable() or letter in "\n\t " else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return html.escape(allowed, quote=True)


def _write_facts(report: Report) -> str:
    if not report.facts:
        return ""
    entries = "".join(
        f"<dt>{_escape(name)}</dt><dd><bdi>{_escape(text)}</bdi></dd>" for name, text in report.facts.items()
    )
    return f"<dl>{entries}</dl>"


def _write_summary(report: Report) -> str:
    evaluation = report.evaluation
    rows: list[Sequence[str]] = [
        [f"<bdi>{_escape(name)}</bdi>", str(each.n), *(_write_figure(each.figures[key]) for key in _SUMMARY)]
        for name, each in evaluation.attributes.items()
    ]
    if len(rows) > 1:
        overall = [_write_figure(evaluation.overall[key]) for key in _SUMMARY]
        rows.append(["mean over attributes", str(evaluation.n), *overall])
    match = (
        f"<p>Every known attribute of an item exactly right: {_write_inline(evaluation.exact_match)} of "
        f"{evaluation.exact_match_n} items; of the {evaluation.complete_match_n} with all attributes known "
        f"{_write_inline(evaluation.complete_match)}.</p>"
    )
    missing = ", ".join(f"<bdi>{_escape(name)}</bdi>" for name in evaluation.not_measured)
    unmeasured = f"<p>Not measured, because no item has a learnt label: {missing}.</p>" if missing else ""
    return _write_table(_EXPLAINED, ["attribute", "items", *_SUMMARY.values()], rows) + match + unmeasured


def _write_counts(figures: AttributeFigures) -> str:
    parts = [f"{len(figures.per_label)} labels, {figures.n} items"]
    if figures.n_left_out:
        parts.append(f"{figures.n_left_out} items not counted, because none of their labels was learnt")
    if figures.without_positive:
        parts.append("no item has: " + ", ".join(f"<bdi>{_escape(name)}</bdi>" for name in figures.without_positive))
    return f"<p>{'; '.join(parts)}.</p>"


def _write_labels(attribute: str, figures: AttributeFigures) -> str:
    rows = [
        [
            f"<bdi>{_escape(label)}</bdi>",
            str(each.support),
            str(each.predicted),
            _write_number(each.precision),
            _write_number(each.recall),
            _write_number(each.f1),
            _write_number(each.average_precision),
        ]
        for label, each in sorted(figures.per_label.items(), key=lambda pair: (-pair[1].support, pair[0]))
    ]
    headings = ["label", "items", "predicted", "precision", "recall", "F1", "average precision"]
    table = _write_table(f"Labels of {_escape(attribute)}, commonest first.", headings, rows)
    return f"<details><summary>Every label</summary>{table}</details>"


def _write_confusions(figures: AttributeFigures) -> str:
    found = figures.list_confusions(10)
    if not found:
        return ""
    rows = [[f"<bdi>{_escape(a)}</bdi>", f"<bdi>{_escape(b)}</bdi>", str(count)] for a, b, count in found]
    table = _write_table("The commonest mistakes.", ["true", "predicted", "items"], rows, texts=2)
    return f"<details><summary>Commonest mistakes</summary>{table}</details>"


def _write_examples(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    rows = [
        [
            str(number),
            f"<bdi>{_escape(each.predicted) or 'nothing'}</bdi>",
            f"<bdi>{_escape(each.true) or 'nothing'}</bdi>",
            f"{each.confidence:.0%}",
            '<span class="right">right</span>' if each.right else '<span class="wrong">wrong</span>',
        ]
        for number, each in enumerate(examples, 1)
    ]
    table = _write_table(
        "The photos above, row by row.", ["photo", "predicted", "true", "probability", "verdict"], rows, texts=3
    )
    return f"<details><summary>The examples in words</summary>{table}</details>"


def _write_plots(plots: Iterable[Plot]) -> str:
    figures = "".join(map(_write_plot, plots))
    return f'<div class="plots">{figures}</div>' if figures else ""


def _write_plot(plot: Plot) -> str:
    kind = ' class="broad"' if plot.broad else ""
    source = f"data:image/png;base64,{base64.b64encode(plot.png).decode()}"
    return (
        f'<figure{kind}><img src="{source}" alt="{_escape(plot.alt)}">'
        f"<figcaption>{_escape(plot.caption)}</figcaption></figure>"
    )


def _write_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """A table of cells that are HTML already; the first column heads the rows.

    Args:
        texts: how many columns, from the left, hold words.
    """
    style = [' class="text"' if n < texts else "" for n in range(len(headings))]
    head = "".join(f'<th scope="col"{kind}>{text}</th>' for text, kind in zip(headings, style, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row[1:], style[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _write_figure(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:.3f}<small>{figure.low:.3f} to {figure.high:.3f}</small>"


def _write_inline(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "–"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _write_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
