"""Which exit code an error becomes: the only place that knows.

0 done          3 done, but some rows could not be used    6 a file is damaged
1 failed        4 not found                               130 stopped by Ctrl-C
2 wrong usage   5 something needed cannot be had now
"""

from __future__ import annotations

from search import errors

DONE, FAILED, USAGE, PARTIAL, NOT_FOUND, UNAVAILABLE, DAMAGED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130

_CODES: tuple[tuple[type[errors.VitrineError], int], ...] = (
    (errors.NotFoundError, NOT_FOUND),
    (errors.QueryError, USAGE),
    (errors.FeedError, USAGE),
    (errors.InputError, FAILED),
    (errors.IntegrityError, DAMAGED),
    (errors.WeightsMissingError, UNAVAILABLE),
    (errors.MismatchError, USAGE),
    (errors.SetupError, USAGE),
    (errors.TryLaterError, UNAVAILABLE),
)
"""First match wins, so a class stands before its parents."""


def to_exit_code(error: errors.VitrineError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
