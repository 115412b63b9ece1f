"""The graphs of an OpenCLIP model: found again in the models folder, or made once from its weights in a child process.

Works with names and files. Knows nothing of running a graph, and loads neither torch nor open_clip.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from search.encoders.clip_name import PREFIX, is_clip, parse_clip_name
from search.encoders.clip_record import ClipRecord, find_record, is_whole, load_record
from search.encoders.onnx_export import run_module
from search.errors import IntegrityError, SetupError, WeightsMissingError

ANSWER = "answer.json"
"""What the child process leaves in its folder: nothing in particular, or the error it ended with."""

_ERRORS: dict[str, type[SetupError]] = {kind.__name__: kind for kind in (IntegrityError, WeightsMissingError)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTask:
    """What the child process is to make.

    Attributes:
        space: name of the space.
        name: `clip:MODEL/TAG`, or with a file; empty where only the space is known.
        models: folder of the weights that were converted before.
    """

    space: str
    name: str
    models: str


def name_clip_space(name: str) -> str:
    """Name of the space of an encoder's name; a space's own name stays what it is.

    Raises:
        SetupError: no such name.
        WeightsMissingError: the name has a file that is not there.
    """
    return parse_clip_name(name).name_space() if name.startswith(PREFIX) else name


def obtain_clip(name: str, *, models: Path, progress: Callable[[str], None] | None = None) -> ClipRecord:
    """The model, its graphs whole in `models`; made now where they were not.

    Args:
        name: an encoder's name, or a space's.

    Raises:
        SetupError: no such name or model, the extra is not installed, or the folder is not writable.
        WeightsMissingError: there are no graphs, and the weights cannot be had.
        IntegrityError: what the weights' file holds is not this model.
    """
    assert is_clip(name), name
    space = name_clip_space(name)
    record = load_record(space, models)
    if record is not None and is_whole(record.photos, models) and is_whole(record.texts, models):
        return record
    require_open_clip()
    if progress is not None:
        progress(f"making the graphs of {space}: once, and takes some minutes; weights that are not here are fetched")
    return _export(ClipTask(space=space, name=name if name != space else "", models=str(models)), models)


def require_open_clip() -> Path:
    """Folder of the library, found without loading it.

    Raises:
        SetupError: with code `extra_missing`, naming the extra.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(
            f"{PREFIX} needs the extra clip, which is not installed here: pip install --constraint "
            "constraints/py311.txt --editable '.[clip]' (py312.txt beyond Python 3.11)",
            code="extra_missing",
        )
    return Path(spec.submodule_search_locations[0])


def _export(task: ClipTask, models: Path) -> ClipRecord:
    """Graphs and record made aside, then renamed: the record last, as nothing is read without it."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".clip-", dir=models) as folder:
            aside = Path(folder)
            said = run_module("search.encoders.clip_export", json.dumps(asdict(task)), folder).stderr
            record = load_record(task.space, aside)
            if record is None:
                raise _to_error(task, aside, said)
            for graph in (record.photos, record.texts):
                (aside / graph.name).replace(models / graph.name)
            find_record(task.space, aside).replace(find_record(task.space, models))
            return record
    except OSError as error:
        raise SetupError(
            f"the graphs of {task.space} cannot be written to {models}: {error}. "
            "Make that folder writable, or choose another models folder",
            code="models_not_writable",
        ) from error


def _to_error(task: ClipTask, aside: Path, said: str) -> SetupError:
    try:
        answer = json.loads((aside / ANSWER).read_text("utf-8"))
        return _ERRORS.get(answer["kind"], SetupError)(answer["message"], code=answer["code"])
    except (OSError, ValueError, KeyError):
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        return SetupError(
            f"the graphs of {task.space} could not be made: {last}. Check that torch, timm and open_clip_torch are "
            "installed as in constraints/",
            code="export_failed",
        )
