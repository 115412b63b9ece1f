"""`vitrine doctor`: checks of the set-up and the catalogue, each with what it found and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import typer

from search.catalogue import Catalogue
from search.errors import NotFoundError, VitrineError
from search.store import Leg
from vitrine.console import out, print_json
from vitrine.exit_codes import FAILED
from vitrine.settings import Settings
from vitrine.wiring import open_catalogue

SAMPLE = 200
"""Items looked at closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: whether it is well, and what was found."""

    check: str
    ok: bool
    found: str


def run_doctor(settings: Settings, *, as_json: bool) -> None:
    """Run every check and print; exit 1 where something is not well."""
    findings = list(_check_setup(settings))
    try:
        with open_catalogue(settings) as catalogue:
            findings += _check_catalogue(catalogue)
    except NotFoundError as error:
        findings.append(Finding(check="catalogue", ok=True, found=error.message))
    except VitrineError as error:
        findings.append(Finding(check="catalogue", ok=False, found=error.message))
    if as_json:
        print_json({"ok": all(f.ok for f in findings), "findings": [asdict(f) for f in findings]})
    else:
        for finding in findings:
            mark = "[green]ok  [/]" if finding.ok else "[bold red]FAIL[/]"
            out.print(mark, end=" ")
            out.print(f"{finding.check}: {finding.found}", markup=False)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


def _check_setup(settings: Settings) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(check="python", ok=(3, 11) <= sys.version_info[:2] <= (3, 13), found=python)
    there = settings.data if settings.data.exists() else settings.data.absolute().parent
    free = shutil.disk_usage(there).free
    yield _check_clip()
    yield Finding(check="disk", ok=free > 2**30, found=f"{free / 2**30:.1f} GiB free for {settings.data}")


def _check_clip() -> Finding:
    """Whether the extra is there; nothing is wrong without it, as only a catalogue with CLIP's texts needs it."""
    try:
        return Finding(check="clip", ok=True, found=f"open_clip {version('open_clip_torch')} is installed")
    except PackageNotFoundError:
        return Finding(check="clip", ok=True, found="the extra clip is not installed; only --clip asks for it")


def _check_catalogue(catalogue: Catalogue) -> Iterator[Finding]:
    yield _guard("encoders", lambda: _check_encoders(catalogue))
    yield _guard("texts", lambda: _check_texts(catalogue))
    yield _guard("store", lambda: _check_points(catalogue))
    yield _guard("classifier", lambda: _check_classifier(catalogue))
    yield _guard("search", lambda: _check_self_search(catalogue))


def _guard(check: str, run: Callable[[], Finding]) -> Finding:
    try:
        return run()
    except VitrineError as error:
        return Finding(check=check, ok=False, found=error.message)


def _check_encoders(catalogue: Catalogue) -> Finding:
    names = ", ".join(encoder.space.name for encoder in catalogue.embedder.load())
    return Finding(check="encoders", ok=True, found=f"{names} load, and are the ones the catalogue was built with")


def _check_texts(catalogue: Catalogue) -> Finding:
    """A text becomes vectors that are numbers, where the catalogue has what makes them."""
    try:
        embedded = catalogue.embed_text("red shoes")
    except NotFoundError:
        found = "compared by their words alone; 'vitrine train text FEED' or --clip on a new catalogue gives more"
        return Finding(check="texts", ok=True, found=found)
    bad = [name for name, vector in embedded.items() if not np.isfinite(vector).all()]
    if bad:
        return Finding(check="texts", ok=False, found=f"a text has no numbers in {bad[0]}; bring its files back")
    return Finding(check="texts", ok=True, found=f"are embedded in {', '.join(embedded)}")


def _check_points(catalogue: Catalogue) -> Finding:
    """Vectors of a sample are there, finite and of unit length: what a damaged file does not leave alone."""
    spaces = [space.name for space in catalogue.manifest.list_encoder_spaces()]
    points = catalogue.store.scan((), limit=SAMPLE, spaces=spaces).points
    bad = [
        point.item.id
        for point in points
        for name in spaces
        if name not in point.vectors or not abs(float(np.linalg.norm(point.vectors[name])) - 1) < 1e-3
    ]
    count = catalogue.store.count_items()
    if bad:
        found = f"{len(bad)} of {len(points)} items have damaged vectors, the first is {bad[0]!r}; index again"
        return Finding(check="store", ok=False, found=found)
    return Finding(check="store", ok=True, found=f"{count} items; vectors of {len(points)} looked at are sound")


def _check_classifier(catalogue: Catalogue) -> Finding:
    """The live classifier loads, and a sample of the items carries its predictions."""
    tagger = catalogue.find_tagger()
    if tagger is None:
        return Finding(check="classifier", ok=True, found="none; train one with 'vitrine train heads FEED'")
    points = catalogue.store.scan((), limit=SAMPLE).points
    untagged = [point.item.id for point in points if point.model != tagger.version]
    if untagged:
        found = (
            f"{len(untagged)} of {len(points)} items are not tagged with {tagger.version}, the first is {untagged[0]!r}"
        )
        return Finding(check="classifier", ok=False, found=found + "; run 'vitrine tag FEED'")
    return Finding(check="classifier", ok=True, found=f"{tagger.version} loads; {len(points)} items looked at carry it")


def _check_self_search(catalogue: Catalogue) -> Finding:
    """A stored vector asked for must come back first, with cosine 1."""
    name = catalogue.manifest.spaces[0].name
    points = catalogue.store.scan((), limit=SAMPLE // 4, spaces=[name]).points
    lost = []
    for point in points:
        leg = Leg(space=name, vector=point.vectors[name], weight=1.0)
        hits = catalogue.store.find_nearest([leg], (), limit=1)
        if not hits or abs(hits[0].score - 1) > 1e-3:
            lost.append(point.item.id)
    if lost:
        found = f"{len(lost)} of {len(points)} items are not found by their own vector, the first is {lost[0]!r}"
        return Finding(check="search", ok=False, found=found + "; index again")
    return Finding(check="search", ok=True, found=f"{len(points)} of {len(points)} items are found by their own vector")
