"""Every error Vitrine raises on purpose, in one tree.

    VitrineError
    ├── InputError                  your input: change what you sent
    │   ├── PhotoError              a photo that cannot be read, or is refused
    │   ├── FeedError               a feed that cannot be read, or a row of it
    │   ├── QueryError              a query, filter or cursor that makes no sense
    │   └── NotFoundError           an item, photo or catalogue that is not there
    ├── SetupError                  your set-up: change how Vitrine is installed or configured
    │   ├── WeightsMissingError     the weights of an encoder cannot be had
    │   ├── MismatchError           the catalogue was built another way (encoder, version, schema)
    │   └── IntegrityError          a file is damaged or is not the one recorded
    └── TryLaterError               try later: nothing is wrong with what you sent
        ├── StoreUnavailableError   the store does not answer, or another process owns it
        └── OverloadedError         too many requests at once

A message gives the value, why it is wrong, and the way out. `code` is a stable slug for programs. Which HTTP status
or exit code an error becomes is decided in `api/errors.py` and `vitrine/exit_codes.py`, and nowhere else.
"""

from __future__ import annotations


class VitrineError(Exception):
    """Root of the tree.

    Args:
        message: the value, why it is wrong, and the way out, in one or two sentences.
        code: stable slug for programs, such as `photo_too_large`; the class's own where it is not given.
        pointer: JSON pointer (RFC 6901) to the part of the request that is wrong, where there is one.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, pointer: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.pointer = pointer


class InputError(VitrineError):
    """Your input: change what you sent."""

    code = "invalid_input"


class PhotoError(InputError):
    """A photo that cannot be read, or is refused (format, size, damage)."""

    code = "unreadable_photo"


class FeedError(InputError):
    """A feed that cannot be read, or a row of it that cannot be used."""

    code = "unreadable_feed"


class QueryError(InputError):
    """A query, filter or cursor that makes no sense for this catalogue."""

    code = "invalid_query"


class NotFoundError(InputError):
    """An item, photo or catalogue that is not there."""

    code = "not_found"


class SetupError(VitrineError):
    """Your set-up: change how Vitrine is installed or configured."""

    code = "setup"


class WeightsMissingError(SetupError):
    """The weights of an encoder cannot be had; the message names the file and the ways to get it."""

    code = "weights_missing"


class MismatchError(SetupError):
    """The catalogue was built another way: encoder, weights, version or schema."""

    code = "catalogue_mismatch"


class IntegrityError(SetupError):
    """A file is damaged, or is not the one whose hash was recorded."""

    code = "damaged_file"


class TryLaterError(VitrineError):
    """Nothing is wrong with what you sent; it cannot be done now."""

    code = "try_later"


class StoreUnavailableError(TryLaterError):
    """The store does not answer, or another process owns it."""

    code = "store_unavailable"


class OverloadedError(TryLaterError):
    """Too many requests at once.

    Args:
        retry_after_s: seconds after which it is worth trying again.
    """

    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
