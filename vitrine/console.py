"""What a person sees: data on standard output, everything else on standard error, an error as one clear line.

Knows nothing of what any command does.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from search.errors import VitrineError
from vitrine.exit_codes import INTERRUPTED, to_exit_code

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line for the person, on standard error."""
    err.print(text, markup=False)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", allow_nan=False) + "\n")
    sys.stdout.flush()


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Turn an error of ours into its message on standard error and its exit code; any other one stays a traceback."""
    try:
        yield
    except VitrineError as error:
        err.print(f"[bold red]error[/] [dim]{error.code}[/]", end=" ")
        say(error.message)
        raise typer.Exit(to_exit_code(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None


@contextmanager
def show_progress(what: str, total: int | None) -> Iterator[Callable[[int, str], None]]:
    """A progress bar on a terminal, nothing elsewhere; the function given takes how much is done and a note."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task: TaskID = bar.add_task(what, total=total, note="")
        yield lambda done, note: bar.update(task, completed=done, note=note)


@contextmanager
def first_interrupt_asks() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks the work to end after its batch, the second one ends it; the function says if asked."""
    asked = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say("stopping after this batch; press Ctrl-C again to stop at once")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
