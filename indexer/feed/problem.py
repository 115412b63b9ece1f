"""What is wrong with a row of a feed.

Works with plain values. Knows nothing of files. The codes:

    missing_id         the cell of the id is empty
    id_too_long        an id of more than 1,000 characters
    duplicate_id       a row above has the same id; that one counts
    missing_photo      no photo is named, or the file is not there
    wrong_type         a value is not of its attribute's kind
    field_too_long     a value of more than 131,072 characters
    ragged_row         more or fewer cells than the header has columns
    row_too_long       a line of more than 5,242,880 characters
    bad_encoding       bytes that are not text in the file's encoding
    bad_row            not a row of the format: broken JSON, a CSV line the parser refuses
    unreadable_folder  a sub-folder that cannot be listed
    broken_feed        the file is damaged from here on; no rows follow

`check_photo` and `read_photo` add `remote_photo`, `unreadable_photo` and `photo_too_large`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why a row cannot be used.

    Attributes:
        row: number of the row; 1 is the first row of data, blank lines not counted.
        id: the item's id, where the row has one.
        field: canonical name of the attribute that is wrong, where it is one.
        code: stable slug for programs, one of those above.
        message: the value, why it is wrong, and the way out.
    """

    row: int
    id: str | None
    field: str | None
    code: str
    message: str

    def to_wire(self) -> dict[str, object]:
        """The problem as one flat JSON object."""
        return {"row": self.row, "id": self.id, "field": self.field, "code": self.code, "message": self.message}
