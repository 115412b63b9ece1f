"""A usable row, and how a record becomes one: by a column map and a schema, one record at a time.

Knows nothing of files, formats or row numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.feed.mapping import ColumnMap
from indexer.feed.source import Record
from indexer.feed.values import (
    Converter,
    ValueFault,
    find_converter,
    remember_values,
    show_value,
    to_links,
    to_price,
    to_single,
)
from search.attributes import PHOTO_COLUMNS, AttributeKind, AttributeSchema
from search.item import AttributeValue, Item

MAX_ID = 1_000
"""Characters of an id."""

MAX_PHOTOS = 20
"""Photos of one item; those after them are left out, without a problem."""

_PRICES = ("price", "sale_price")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One usable row; row 1 is the first row of data, blank lines not counted."""

    row: int
    item: Item


class RowFault(Exception):  # noqa: N818 - not an error of the tree: it never leaves the package
    """A row that is no item; attributes as in `RowProblem`."""

    def __init__(self, code: str, message: str, *, field: str | None = None, item_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.item_id = item_id


class RowReader:
    """Turns the records of one feed into items."""

    def __init__(self, *, columns: Sequence[str], column_map: ColumnMap, schema: AttributeSchema) -> None:
        place = {column: n for n, column in enumerate(columns)}
        fields = {field: place[column] for field, column in column_map.fields.items()}
        self._id = fields.pop("id")
        self._photo = fields.pop("image_link")
        self._more_photos = fields.pop(PHOTO_COLUMNS[1], None)
        self._prices = [
            (name, fields.pop(name), remember_values(to_price))
            for name in _PRICES
            if name in fields and schema[name] is AttributeKind.NUMBER
        ]
        fields.update((column, place[column]) for column in column_map.own)
        self._attributes: list[tuple[str, int, Converter]] = [
            (name, n, find_converter(name, schema[name])) for name, n in fields.items()
        ]

    def read_item(self, record: Record) -> Item:
        """The item of one record.

        Raises:
            RowFault: it is none; the first thing that is wrong.
        """
        item_id = self._read_id(record[self._id])
        field = "image_link"
        try:
            photos = self._read_photos(record)
            attributes: dict[str, AttributeValue] = {}
            for field, n, convert in self._attributes:
                cell = record[n]
                if not cell and (cell is None or cell == ""):
                    continue
                value = convert(cell)
                if value is not None:
                    attributes[field] = value
            for field, n, convert_price in self._prices:
                price, currency = convert_price(record[n])
                if price is not None:
                    attributes[field] = price
                if currency is not None:
                    attributes.setdefault("price_currency", currency)
        except ValueFault as fault:
            raise RowFault(fault.code, f"{field}: {fault.message}", field=field, item_id=item_id) from None
        if not photos:
            raise RowFault("missing_photo", "the row names no photo", field="image_link", item_id=item_id)
        return Item(id=item_id, attributes=attributes, photos=photos)

    def _read_id(self, cell: object) -> str:
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)  # a column of whole numbers with a gap in it comes as floats out of pandas
        try:
            item_id = to_single(cell)
        except ValueFault as fault:
            raise RowFault(fault.code, f"id: {fault.message}", field="id") from None
        if not item_id:
            raise RowFault("missing_id", "the row has no id", field="id")
        if len(item_id) > MAX_ID:
            raise RowFault(
                "id_too_long",
                f"id {show_value(item_id)} has {len(item_id):,} characters, an id at most {MAX_ID:,}",
                field="id",
            )
        return item_id

    def _read_photos(self, record: Record) -> tuple[str, ...]:
        cell = record[self._photo]
        more = None if self._more_photos is None else record[self._more_photos]
        if type(cell) is str and not more:
            link = to_single(cell)
            return (link,) if link else ()
        links = to_links(cell) if isinstance(cell, (list, tuple)) else [link] if (link := to_single(cell)) else []
        if more:
            links += to_links(more)
        return tuple(dict.fromkeys(links))[:MAX_PHOTOS]
