"""A registry: things that register themselves from the modules of one folder, found by name.

The folder's modules are imported at the first question, so that whatever lies there is known and nothing needs to be
named a second time. Knows nothing of what is registered.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Generic, TypeVar

from search.errors import SetupError

T = TypeVar("T")


class Registry(Generic[T]):
    """Entries by name.

    Args:
        package: the folder, as it is imported; its modules must be light.
        what: what an entry is, for messages and for the error's code.
    """

    def __init__(self, package: str, *, what: str) -> None:
        self._package = package
        self._what = what
        self._entries: dict[str, T] = {}
        self._imported = False

    def add(self, name: str, entry: T) -> None:
        """Register an entry; a name that is taken is the programmer's mistake, a `ValueError`."""
        if name in self._entries:
            raise ValueError(f"two {self._what}s are called {name!r}; names are unique")
        self._entries[name] = entry

    def list_entries(self) -> Sequence[T]:
        """All entries, by name."""
        self._import_modules()
        return [self._entries[name] for name in sorted(self._entries)]

    def find(self, name: str) -> T:
        """The entry of this name.

        Raises:
            SetupError: with code `unknown_<what>`, naming those there are.
        """
        self._import_modules()
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(sorted(self._entries))
            raise SetupError(
                f"there is no {self._what} {name!r}; there are: {known}", code=f"unknown_{self._what}"
            ) from None

    def _import_modules(self) -> None:
        if not self._imported:
            folder = importlib.import_module(self._package).__path__
            for module in pkgutil.iter_modules(folder, f"{self._package}."):
                importlib.import_module(module.name)
            self._imported = True
