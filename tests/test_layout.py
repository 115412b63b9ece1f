"""The house rules a program can check: who imports whom, how long a file is, what it is called, what it may do.

Every rule is a function from one file's path and text to complaints; each is run over the repository and then shown a
text it must complain about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent

LINE = ("vitrine", "api", "indexer", "classifier", "search")
"""Imports run one way along it; skipping downwards is fine, upwards never."""

MAX_LINES = 350
SCRIPTS = ("bench", "tests")
FORBIDDEN_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "base", "impl", "misc"}

NOT_SETTINGS = {
    "search/encoders/clip_weights.py": "Hugging Face's own variables say where its hub is, and whether to ask it",
    "search/encoders/onnx_export.py": "hands the environment on to a child process",
    "search/encoders/weights.py": "torch's own variables say where torch keeps weights",
}
"""Modules that read the environment for something that is not a setting of ours, and why."""

Rule = Callable[[PurePosixPath, str], Iterator[str]]


def find_imports(text: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, wherever it stands; a relative one begins with a dot."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def imports_run_one_way(path: PurePosixPath, text: str) -> Iterator[str]:
    here = path.parts[0]
    for line, module in find_imports(text):
        there = module.split(".")[0]
        if module.startswith("."):
            yield f"{path}:{line}: relative import of {module!r}; name the module in full"
        elif there in SCRIPTS and here in LINE:
            yield f"{path}:{line}: {here} imports {there}, which is not part of what is installed"
        elif here in LINE and there in LINE and LINE.index(there) < LINE.index(here):
            yield f"{path}:{line}: {here} imports {module}; imports run {' -> '.join(LINE)}"


def files_are_short(path: PurePosixPath, text: str) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, at most {MAX_LINES}; name a part and move it out"


def names_are_nouns_of_the_domain(path: PurePosixPath, text: str) -> Iterator[str]:
    del text
    for part in path.with_suffix("").parts:
        found = FORBIDDEN_WORDS & set(re.split(r"[_\W]+", part.lower()))
        if found:
            yield f"{path}: {found.pop()!r} says nothing; name the thing"


def only_the_command_line_prints(path: PurePosixPath, text: str) -> Iterator[str]:
    if path.parts[0] not in LINE[1:]:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{path}:{node.lineno}: print; return the value, or take a function to tell"


def only_the_application_reads_the_environment(path: PurePosixPath, text: str) -> Iterator[str]:
    if path.parts[0] not in LINE[1:] or str(path) in NOT_SETTINGS:
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" as name):
                yield f"{path}:{node.lineno}: os.{name}; take the value as an argument"
            case ast.ImportFrom(module="os", names=names) if {a.name for a in names} & {"environ", "getenv"}:
                yield f"{path}:{node.lineno}: the environment of os; take the value as an argument"


def modules_say_what_they_are(path: PurePosixPath, text: str) -> Iterator[str]:
    if text.strip() and not ast.get_docstring(ast.parse(text)):
        yield f"{path}: no docstring; say what it works with and what it knows nothing about"


RULES: dict[Rule, tuple[str, ...]] = {
    imports_run_one_way: LINE,
    files_are_short: (*LINE, *SCRIPTS),
    names_are_nouns_of_the_domain: (*LINE, *SCRIPTS),
    only_the_command_line_prints: LINE,
    only_the_application_reads_the_environment: LINE,
    modules_say_what_they_are: (*LINE, *SCRIPTS),
}


def read_sources(folders: tuple[str, ...]) -> Iterator[tuple[PurePosixPath, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield PurePosixPath(path.relative_to(ROOT).as_posix()), path.read_text("utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule):
    complaints = [said for path, text in read_sources(RULES[rule]) for said in rule(path, text)]
    assert not complaints, "\n".join(complaints)


BROKEN = [
    (imports_run_one_way, "search/photo.py", "from indexer.feed import open_feed"),
    (imports_run_one_way, "indexer/items.py", "def f():\n    import api.routes"),
    (imports_run_one_way, "api/errors.py", "from vitrine import settings"),
    (imports_run_one_way, "api/errors.py", "from . import problem"),
    (imports_run_one_way, "search/photo.py", "import tests.conftest"),
    (files_are_short, "search/photo.py", "x = 1\n" * (MAX_LINES + 1)),
    (names_are_nouns_of_the_domain, "search/utils.py", ""),
    (names_are_nouns_of_the_domain, "api/base/routes.py", ""),
    (names_are_nouns_of_the_domain, "indexer/photo_helpers.py", ""),
    (only_the_command_line_prints, "api/routes/search.py", "print('here')"),
    (only_the_application_reads_the_environment, "search/photo.py", "import os\nos.environ['X']"),
    (only_the_application_reads_the_environment, "indexer/items.py", "import os\nos.getenv('X')"),
    (only_the_application_reads_the_environment, "api/limits.py", "from os import environ"),
    (modules_say_what_they_are, "search/photo.py", "x = 1"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), BROKEN, ids=[f"{r.__name__}-{n}" for n, (r, *_) in enumerate(BROKEN)]
)
def test_every_rule_can_fail(rule, path, text):
    assert list(rule(PurePosixPath(path), text))


ALLOWED = [
    (imports_run_one_way, "vitrine/wiring.py", "from api.app import make_app\nimport search.photo"),
    (imports_run_one_way, "api/app.py", "from search.errors import InputError"),
    (files_are_short, "search/photo.py", "x = 1\n" * MAX_LINES),
    (names_are_nouns_of_the_domain, "search/database.py", ""),
    (only_the_command_line_prints, "vitrine/report.py", "print('here')"),
    (only_the_command_line_prints, "api/app.py", "console.print('here')"),
    (only_the_application_reads_the_environment, "vitrine/settings.py", "import os\nos.environ['X']"),
    (modules_say_what_they_are, "search/__init__.py", ""),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), ALLOWED, ids=[f"{r.__name__}-{n}" for n, (r, *_) in enumerate(ALLOWED)]
)
def test_no_rule_complains_of_what_is_fine(rule, path, text):
    assert not list(rule(PurePosixPath(path), text))


def test_the_page_has_no_python():
    assert not list((ROOT / "ui").rglob("*.py"))


def test_every_package_is_one():
    """A folder without `__init__.py` is left out of a wheel by some tools and found by others."""
    folders = {path.parent for name in LINE for path in (ROOT / name).rglob("*.py")}
    assert not [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]


def test_no_exception_outlives_its_reason(monkeypatch):
    excepted = {path: text for path, text in read_sources(LINE) if str(path) in NOT_SETTINGS}
    monkeypatch.setattr(f"{__name__}.NOT_SETTINGS", {})
    idle = [
        str(path) for path, text in excepted.items() if not any(only_the_application_reads_the_environment(path, text))
    ]
    assert not idle
    assert len(excepted) == 3


def test_there_is_something_to_check():
    assert {path.parts[0] for path, _ in read_sources(LINE)} == set(LINE)
