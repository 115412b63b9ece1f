"""Fetches Fashion-MNIST's files: from Debian's package, without being root, or from the mirror torchvision knows.

Works with programs and addresses. Knows nothing of what the files hold or of where they are kept.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import httpx

from search.errors import NotFoundError

_DEBIAN_PACKAGE = "dataset-fashion-mnist"
_APT_TIMEOUT_S = 120
_DOWNLOAD_TIMEOUT_S = 10.0

Say = Callable[[str], None]
"""Told, in a sentence, what is being done."""


class Fetch(Protocol):
    """Puts the files of these names into the folder `aside`, unchecked.

    Raises:
        NotFoundError: it cannot; the message says why.
    """

    def __call__(self, names: Sequence[str], aside: Path, say: Say) -> None: ...


def fetch_from_debian(names: Sequence[str], aside: Path, say: Say) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotFoundError("this is not a Debian system")
    say(f"fetching Fashion-MNIST: Debian's package {_DEBIAN_PACKAGE}, 31 MB")
    # A list of packages may be missing, as in a fresh container: then one of our own is read, aside, root or not.
    lists = ["-o", f"Dir::State::Lists={aside}/lists", "-o", f"Dir::Cache={aside}/cache"]
    attempts = [[["download", _DEBIAN_PACKAGE]], [[*lists, "update"], [*lists, "download", _DEBIAN_PACKAGE]]]
    for commands in attempts:
        if all(_run_quietly(["apt-get", "-qq", *command], aside) for command in commands):
            break
    package = next(aside.glob("*.deb"), None)
    if package is None or not _run_quietly(["dpkg-deb", "-x", package.name, "unpacked"], aside):
        raise NotFoundError(f"apt-get could not fetch {_DEBIAN_PACKAGE}")
    for name in names:
        found = next((aside / "unpacked").rglob(name), None)
        if found is None:
            raise NotFoundError(f"{package.name} has no {name}")
        found.rename(aside / name)


def _run_quietly(command: list[str], folder: Path) -> bool:
    """Whether the program ended well and in time; what it says is dropped."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs with fixed arguments, no shell
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_APT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def fetch_from_mirror(names: Sequence[str], aside: Path, say: Say) -> None:
    from torchvision.datasets import FashionMNIST  # heavy, and needed for its addresses alone

    say("fetching Fashion-MNIST from the mirror torchvision knows, 31 MB")
    for name in names:
        for mirror in FashionMNIST.mirrors:
            try:
                _download_file(mirror + name, aside / name)
                break
            except httpx.HTTPError as error:
                problem = error
        else:
            raise NotFoundError(f"{name} could not be downloaded ({problem})")


def _download_file(url: str, path: Path) -> None:
    # As stored: the file itself is gzip, and must not be unpacked on the way.
    headers = {"Accept-Encoding": "identity"}
    with httpx.stream("GET", url, headers=headers, timeout=_DOWNLOAD_TIMEOUT_S, follow_redirects=True) as answer:
        answer.raise_for_status()
        with path.open("wb") as out:
            for chunk in answer.iter_raw():
                out.write(chunk)
