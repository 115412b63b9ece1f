"""Feeds that are broken, on purpose or not: a problem of a row or a `FeedError`, never another exception."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.feed import FeedRow, RowProblem, open_feed
from search.errors import FeedError

HEAD = b"id,title,image_link\n"


def outcomes(feed):
    """Per row its id, or the code of its problem."""
    return [entry.item.id if isinstance(entry, FeedRow) else entry.code for entry in feed]


def parquet_bytes(**columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


PARQUET = parquet_bytes(id=["1"], image_link=["a.jpg"])

REFUSED = {
    "empty.csv": (b"", "empty_feed"),
    "blank.csv": (b"\n\n\r\n", "empty_feed"),
    "empty.jsonl": (b"", "empty_feed"),
    "empty.parquet": (b"", "unreadable_feed"),
    "nul_only.csv": (b"\0" * 64, "bad_encoding"),
    "utf16_without_mark.csv": (HEAD.decode().encode("utf-16-le"), "bad_encoding"),
    "unnamed.csv": (b",,\n1,2,3\n", "no_columns"),
    "twice.csv": (b"id,image_link,id\n1,a,2\n", "duplicate_column"),
    "bom_twice.csv": (b"\xef\xbb\xbfid,image_link, id \n1,a,2\n", "duplicate_column"),
    "wide.csv": (
        ",".join(["id", "image_link", *(f"c{n}" for n in range(10_000))]).encode() + b"\n",
        "too_many_columns",
    ),
    "no_gzip.csv.gz": (HEAD + b"1,a,b\n", "unreadable_feed"),
    "short.csv.gz": (gzip.compress(HEAD)[:12], "broken_feed"),
    "bad_crc.csv.gz": (b"\x1f\x8b\x08\x00" + b"\xff" * 40, "unreadable_feed"),
    "sheet.csv": (b"PK\x03\x04" + b"\0" * 60, "unreadable_feed"),
    "latin1_header.csv": ("id,größe,image_link\n".encode("latin-1"), "bad_encoding"),
    "footer.parquet": (PARQUET[:-10] + b"\xff" * 6 + PARQUET[-4:], "unreadable_feed"),
    "cut.parquet": (PARQUET[: len(PARQUET) // 2], "unreadable_feed"),
    "text.parquet": (HEAD, "unreadable_feed"),
    "array.jsonl": (b'[\n{"id": 1}\n]\n'.replace(b'{"id": 1}', b"1"), "bad_row"),
    "xml.jsonl": (b"<?xml version='1.0'?><rss/>", "bad_row"),
    "deep.jsonl": (b'{"id":' + b"[" * 100_000, "bad_row"),
    "huge_number.jsonl": (b'{"id": ' + b"9" * 10_000 + b"}", "bad_row"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_the_first_row(name, write):
    content, code = REFUSED[name]
    with pytest.raises(FeedError) as caught:
        open_feed(write(name, content))
    assert caught.value.code == code


ROWS = {
    "header_only.csv": (HEAD, []),
    "nul.csv": (HEAD + b"1\0,Sh\0irt,a.jpg\n\0,x,b.jpg\n", ["1", "missing_id"]),
    "mixed_newlines.csv": (HEAD + b"1,a,x.jpg\r\n2,b,x.jpg\r3,c,x.jpg\n\n\r\n4,d,x.jpg", ["1", "2", "3", "4"]),
    "ragged.csv": (HEAD + b"1,a\n2,b,x.jpg\n3,c,x.jpg,y\n", ["ragged_row", "2", "ragged_row"]),
    "latin1.csv": (HEAD + b"1,caf\xe9,x.jpg\n2,ok,x.jpg\n", ["bad_encoding", "2"]),
    "surrogate.csv": (HEAD + b"1,\xed\xa0\x80,x.jpg\n2,ok,x.jpg\n", ["bad_encoding", "2"]),
    "long_field.csv": (HEAD + b"1," + b"x" * 200_000 + b",x.jpg\n2,ok,x.jpg\n", ["field_too_long", "2"]),
    "long_field.jsonl": (
        b'{"id": 1, "image": "a", "title": "' + b"x" * 200_000 + b'"}\n{"id": 2, "image": "a"}\n',
        ["field_too_long", "2"],
    ),
    "long_id.csv": (HEAD + b"x" * 1_001 + b",a,x.jpg\n" + b"y" * 1_000 + b",b,x.jpg\n", ["id_too_long", "y" * 1_000]),
    "twice.csv": (HEAD + b"1,a,x.jpg\n 1 ,b,x.jpg\n2,c,x.jpg\n", ["1", "duplicate_id", "2"]),
    "twice_first_broken.csv": (HEAD + b"1,a,\n1,b,x.jpg\n", ["missing_photo", "1"]),
    "no_id.csv": (HEAD + b",a,x.jpg\n  ,b,x.jpg\n3,c, \n", ["missing_id", "missing_id", "missing_photo"]),
    "open_quote.csv": (HEAD + b'1,"a,x.jpg\n2,b,x.jpg\n', ["ragged_row"]),
    "open_quote_long.csv": (HEAD + b'1,"a' + b"\n9,b,x.jpg" * 20_000 + b"\n7,b,x.jpg\n", None),
    "odd_utf16.csv": (b"\xff\xfe" + "id,image_link\n1,a.jpg\n".encode("utf-16-le") + b"x", None),
    "broken.jsonl": (
        b'{"id": 1, "image": "a"}\n{"id": 2,\nnull\n\n["x"]\n{}\n{"id": 6, "image": "a"}\n',
        ["1", "bad_row", "bad_row", "bad_row", "missing_id", "6"],
    ),
    "deep.jsonl": (b'{"id": 1, "image": "a"}\n{"id": 2, "x": ' + b"[" * 100_000 + b"\n", ["1", "bad_row"]),
    "keys.jsonl": (b'{"id": 1, "image": "a", "\\ud800": 1, "": 2, "a\\u0000": 3}\n', ["1"]),
    "formula.csv": (HEAD + b"=cmd|' /C calc'!A0,@SUM(1),x.jpg\n", ["=cmd|' /C calc'!A0"]),
    "odd_ids.csv": (
        HEAD + "../../etc/passwd,a,x\n\u202eabc,b,x\nZ̸̢͗a,c,x\n👩‍👩‍👧,d,x\n".encode(),
        ["../../etc/passwd", "\u202eabc", "Z̸̢͗a", "👩‍👩‍👧"],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_problems_of_rows(name, write):
    content, expected = ROWS[name]
    feed = open_feed(write(name, content))
    entries = list(feed)
    assert [entry.row for entry in entries] == list(range(1, len(entries) + 1))
    if expected is not None:
        assert outcomes(entries) == expected
    for entry in entries:
        assert isinstance(entry, FeedRow) or (entry.code and entry.message and len(entry.message) < 600)


def test_a_quote_that_is_never_closed_swallows_a_bounded_part(write):
    found = outcomes(open_feed(write("f.csv", ROWS["open_quote_long.csv"][0])))
    assert found[0] == "field_too_long"
    assert found[-1] == "7"


def test_a_truncated_gzip_gives_its_rows_and_says_that_it_ends_early(write):
    rows = b"".join(b"%d,%s,x.jpg\n" % (n, os.urandom(20).hex().encode()) for n in range(5_000))
    packed = gzip.compress(HEAD + rows)
    *entries, last = open_feed(write("feed.csv.gz", packed[: len(packed) // 2]))
    assert len(entries) > 1_000
    assert all(isinstance(entry, FeedRow) for entry in entries)
    assert isinstance(last, RowProblem)
    assert last.code == "broken_feed"


def test_a_damaged_parquet_page_ends_the_feed_with_a_problem(write):
    good = parquet_bytes(id=[str(n) for n in range(20_000)], image_link=["a.jpg"] * 20_000)
    *_, last = open_feed(write("feed.parquet", good[:40] + b"\xff" * 2_000 + good[2_040:]))
    assert isinstance(last, RowProblem)


def test_parquet_text_that_is_no_utf8(write):
    title = pa.array([b"ok", b"caf\xe9", None]).view(pa.utf8())
    feed = open_feed(write("feed.parquet", parquet_bytes(id=["1", "2", "3"], image_link=["a"] * 3, title=title)))
    assert outcomes(feed) == ["1", "bad_encoding", "3"]


@pytest.mark.parametrize("name", ["feed.csv", "feed.jsonl"])
def test_a_line_of_50_mb_is_passed_over_in_bounded_memory(name, write):
    first, last = (b"1,a,x.jpg\n", b"3,c,x.jpg\n")
    if name == "feed.jsonl":
        first, last = (b'{"id": %d, "image_link": "x.jpg"}\n' % n for n in (1, 3))
    path = write(name, (HEAD if name == "feed.csv" else b"") + first)
    with path.open("ab") as file:
        for _ in range(50):
            file.write(b"x" * 2**20)
        file.write(b"\n" + last)
    tracemalloc.start()
    try:
        assert outcomes(open_feed(path)) == ["1", "row_too_long", "3"]
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(write):
    rows = "".join(f"{n},A title that is different {n},images/{n}.jpg\n" for n in range(20_000))
    feed = open_feed(write("feed.csv", HEAD.decode() + rows))
    tracemalloc.start()
    try:
        assert sum(1 for _ in feed) == 20_000
        # the hashes of the ids, at about 100 bytes each, and nothing of the rows
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "feed.csv")
    with pytest.raises(FeedError, match="neither a file nor a folder"):
        open_feed(tmp_path / "feed.csv")


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["csv", "tsv", "jsonl", "csv.gz", "parquet"]), st.booleans())
def test_any_bytes_give_problems_or_a_feed_error(tmp_path_factory, data, suffix, headed):
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    head = {"csv": HEAD, "tsv": HEAD.replace(b",", b"\t"), "jsonl": b'{"id": 1, "image_link": "a"}\n'}.get(suffix, b"")
    path.write_bytes(head + data if headed else data)
    try:
        entries = list(open_feed(path))
    except FeedError:
        return
    assert all(isinstance(entry, (FeedRow, RowProblem)) for entry in entries)
    for entry in entries:
        str(entry).encode()
