"""The folder of a report: `index.html`, which needs nothing beside it, and every plot as a PNG file of its own.

Written aside and renamed: whoever opens it sees a former report or this one, whole.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from classifier.report.content import Report
from classifier.report.page import MARK, write_page
from classifier.report.plots import draw_plots
from search.errors import InputError, SetupError

PAGE = "index.html"


def write_report(folder: Path, report: Report) -> Path:
    """Write the report, in place of a former one.

    Args:
        folder: where it is to be; not there yet, empty, or the folder of a former report.

    Returns:
        The page.

    Raises:
        InputError: the folder holds something else; nothing of it is touched.
        SetupError: it cannot be written to.
    """
    folder = folder.absolute()
    check_folder(folder)
    plots = draw_plots(report)
    page = write_page(report, plots)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        aside.mkdir(parents=True)
        for plot in (plot for group in plots.values() for plot in group):
            (aside / f"{plot.name}.png").write_bytes(plot.png)
        (aside / PAGE).write_text(page, "utf-8")
        _put_in_place(aside, folder)
    except OSError as error:
        raise SetupError(f"{folder} cannot be written to ({error}); free space, or name another folder") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / PAGE


def check_folder(folder: Path) -> None:
    """See that a report can be written there, before time is spent on making one.

    Raises:
        InputError: it is a file, or a folder that holds something else than a report.
        SetupError: it cannot be read.
    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise InputError(f"{folder} is a file; a report is a folder, name another one")
        names = [path.name for path in folder.iterdir()]
        if names and not _is_report(folder, names):
            raise InputError(f"{folder} holds something else than a report; name an empty folder, or a new one")
    except OSError as error:
        raise SetupError(f"{folder} cannot be read ({error}); name another folder") from error


def _is_report(folder: Path, names: list[str]) -> bool:
    if PAGE not in names or any(name != PAGE and not name.endswith(".png") for name in names):
        return False
    return MARK in (folder / PAGE).read_text("utf-8", errors="replace")[:2_000]


def _put_in_place(aside: Path, folder: Path) -> None:
    """Rename the new folder to its name; a former report makes way first and is removed afterwards."""
    former = folder.with_name(f".{folder.name}.{os.getpid()}.former")
    if folder.exists():
        folder.rename(former)
    try:
        aside.rename(folder)
    except OSError:
        if former.exists():
            former.rename(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)
