"""Weights files: where they may be, which one is the right one, and fetching one that is nowhere.

A file is known by the SHA-256 of its bytes, in full or by its first digits. Knows nothing of what is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.errors import IntegrityError, WeightsMissingError

TIMEOUT_S = 5.0
"""Longest silence of a server, seconds."""

_CHUNK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSource:
    """Where a weights file comes from.

    Attributes:
        file_name: name it is published under.
        sha256: of its bytes; all 64 digits, or as many of the first as its publisher gives.
        url: where it can be fetched; empty for nowhere.
        package: Python package that brings it; empty for none.
        package_path: where in the package it is.
        way_out: how to get it by hand, for a message.
    """

    file_name: str
    sha256: str
    url: str = ""
    package: str = ""
    package_path: str = ""
    way_out: str


def list_places(source: WeightsSource, models: Path) -> Sequence[Path]:
    """Every path at which the file is looked for, first choice first."""
    places = [models / source.file_name, find_torch_cache() / source.file_name]
    if source.package:
        # Found without importing it: the package itself is nobody's business here.
        spec = importlib.util.find_spec(source.package)
        if spec is not None and spec.origin is not None:
            places.insert(0, Path(spec.origin).parent / source.package_path)
    return places


def find_torch_cache() -> Path:
    """The folder torch keeps downloaded weights in: what `torch.hub.get_dir()` says, without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = os.environ.get("TORCH_HOME") or Path(cache) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def find_weights(source: WeightsSource, *, models: Path) -> Path | None:
    """The file on this disk, its hash verified; None where it is in none of its places.

    Raises:
        IntegrityError: a file of its name is there, but it is not the one.
    """
    for place in list_places(source, models):
        if place.is_file():
            _check_hash(place, source, name=str(place))
            return place
    return None


def fetch_weights(source: WeightsSource, *, models: Path, progress: Callable[[str], None] | None = None) -> Path:
    """The file from its URL, put into `models`: written aside, verified, then renamed.

    Raises:
        WeightsMissingError: it cannot be fetched; says where it was looked for and the ways out.
        IntegrityError: what came is not the file.
    """
    if not source.url:
        raise _missing(source, models, "it can be fetched from nowhere")
    part = models / f"{source.file_name}.{os.getpid()}.part"
    try:
        models.mkdir(parents=True, exist_ok=True)
        _download(source, part, progress)
        _check_hash(part, source, name=source.url)
        return part.replace(models / source.file_name)
    except OSError as error:
        raise _missing(source, models, f"fetching {source.url} failed ({error})") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def compute_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(source: WeightsSource, part: Path, progress: Callable[[str], None] | None) -> None:
    with urllib.request.urlopen(source.url, timeout=TIMEOUT_S) as answer, part.open("wb") as out:  # noqa: S310
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while chunk := answer.read(_CHUNK):
            out.write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(_draw_bar(source.file_name, done, total))
    if done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _draw_bar(name: str, done: int, total: int) -> str:
    if not total:
        return f"downloading {name}: {done / 1e6:.0f} MB"
    full = round(20 * done / total)
    return f"downloading {name} [{'#' * full}{'.' * (20 - full)}] {done / 1e6:.0f} of {total / 1e6:.0f} MB"


def _check_hash(path: Path, source: WeightsSource, *, name: str) -> None:
    found = compute_sha256(path)
    if not found.startswith(source.sha256):
        raise IntegrityError(
            f"{name} is damaged or is another file: its SHA-256 is {found}, that of {source.file_name} starts with "
            f"{source.sha256[:16]}; remove it, or put the right file in its place"
        )


def _missing(source: WeightsSource, models: Path, reason: str) -> WeightsMissingError:
    places = ", ".join(str(place) for place in list_places(source, models))
    return WeightsMissingError(
        f"the weights file {source.file_name} is not on this machine (looked for: {places}) and {reason}. "
        f"{source.way_out}"
    )
