"""An embedded store that lives in another process, behind the same port.

`ProcessStore` asks a store's process over its socket; `StoreProcess` starts that process and starts it again if it
dies. Knows nothing of the engine.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from search.attributes import AttributeSchema
from search.bm25 import Words
from search.embedding import Space
from search.errors import StoreUnavailableError, VitrineError
from search.filters import Filter, Source
from search.item import Item
from search.manifest import Manifest
from search.store import FacetCount, Leg, Page, PhotoPage, Point, ScoredPoint, StoredPoint
from search.stores.wire import Address, from_error, load_address
from search.tagging import Tagging

ADDRESS_FILE = "store.json"
CALL_TIMEOUT_S = 30.0
LONG_CALL_TIMEOUT_S = 3_600.0
LONG_CALLS = ("optimize", "prepare_space", "use_spaces")
"""Calls that may have to go through every point."""

TAGGINGS_AT_ONCE = 512
"""Taggings in one message; between two of them others are answered."""

RESTART_PAUSE_S = 0.5


class ProcessStore:
    """`search.store.Store` that asks the process named in an address file. Safe to use from several threads."""

    def __init__(self, address_file: Path, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._address_file = address_file
        self._timeout_s = timeout_s
        self._idle: LifoQueue[tuple[Address, Connection[Any, Any]]] = LifoQueue()

    def upsert(self, points: Sequence[Point]) -> None:
        self._call("upsert", points)

    def replace_attributes(self, items: Mapping[str, Item], row_sha256: Mapping[str, str]) -> None:
        self._call("replace_attributes", items, row_sha256)

    def delete_items(self, item_ids: Collection[str]) -> int:
        return int(self._call("delete_items", list(item_ids)))

    def delete_photos_from(self, item_id: str, index: int) -> None:
        self._call("delete_photos_from", item_id, index)

    def read_items(
        self, item_ids: Sequence[str], *, index: int = 0, spaces: Sequence[str] = ()
    ) -> Mapping[str, StoredPoint]:
        return self._call("read_items", list(item_ids), index=index, spaces=list(spaces))  # type: ignore[no-any-return]

    def read_fingerprints(self, item_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        return self._call("read_fingerprints", list(item_ids))  # type: ignore[no-any-return]

    def find_nearest(
        self,
        legs: Sequence[Leg],
        conditions: Filter,
        *,
        limit: int,
        offset: int = 0,
        exact: bool = False,
        without: Sequence[str] = (),
        diversity: float = 0.0,
    ) -> Sequence[ScoredPoint]:
        keywords = {"limit": limit, "offset": offset, "exact": exact, "without": list(without), "diversity": diversity}
        return self._call("find_nearest", list(legs), conditions, **keywords)  # type: ignore[no-any-return]

    def find_words(
        self, words: Words, conditions: Filter, *, limit: int, without: Sequence[str] = ()
    ) -> Sequence[ScoredPoint]:
        return self._call("find_words", words, conditions, limit=limit, without=list(without))  # type: ignore[no-any-return]

    def score_photos(
        self, legs: Sequence[Leg], words: Words | None, photos: Collection[tuple[str, int]]
    ) -> Mapping[tuple[str, int], Mapping[str, float]]:
        return self._call("score_photos", list(legs), words, list(photos))  # type: ignore[no-any-return]

    def scan(
        self,
        conditions: Filter,
        *,
        limit: int,
        after: str | None = None,
        spaces: Sequence[str] = (),
        lacking: str | None = None,
    ) -> Page:
        keywords = {"limit": limit, "after": after, "spaces": list(spaces), "lacking": lacking}
        return self._call("scan", conditions, **keywords)  # type: ignore[no-any-return]

    def count_items(self, conditions: Filter = (), *, lacking: str | None = None) -> int:
        return int(self._call("count_items", conditions, lacking=lacking))

    def read_bounds(self, attribute: str, conditions: Filter) -> tuple[float, float] | None:
        return self._call("read_bounds", attribute, conditions)  # type: ignore[no-any-return]

    def count_facet(
        self, attribute: str, conditions: Filter, *, limit: int, source: Source = Source.MERCHANT
    ) -> Sequence[FacetCount]:
        return self._call("count_facet", attribute, conditions, limit=limit, source=source)  # type: ignore[no-any-return]

    def list_photos(self, *, limit: int, after: str | None = None) -> PhotoPage:
        return self._call("list_photos", limit=limit, after=after)  # type: ignore[no-any-return]

    def prepare_space(self, space: Space) -> None:
        self._call("prepare_space", space)

    def write_taggings(self, taggings: Mapping[tuple[str, int], Tagging], space: Space) -> None:
        keys = list(taggings)
        for start in range(0, len(keys), TAGGINGS_AT_ONCE):
            some = {key: taggings[key] for key in keys[start : start + TAGGINGS_AT_ONCE]}
            self._call("write_taggings", some, space)

    def use_spaces(self, spaces: Sequence[Space]) -> None:
        self._call("use_spaces", list(spaces))

    def index_attributes(self, schema: AttributeSchema) -> None:
        self._call("index_attributes", dict(schema))

    def optimize(self) -> None:
        self._call("optimize")

    def close(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait()[1].close()

    def _call(self, method: str, *arguments: object, **keywords: object) -> Any:
        """Ask and wait. A connection that broke is dropped, never used again: its answer may be another call's."""
        address, connection = self._connect()
        try:
            connection.send((method, arguments, keywords))
            patience = LONG_CALL_TIMEOUT_S if method in LONG_CALLS else self._timeout_s
            if not connection.poll(patience):
                raise TimeoutError(f"no answer to {method} within {patience:g} s")
            answer = connection.recv()
        except (OSError, EOFError) as error:
            connection.close()
            raise StoreUnavailableError(
                f"the store's process did not answer ({type(error).__name__} {error}); "
                "it is started again by the server: try again in a moment"
            ) from error
        self._idle.put((address, connection))
        if answer[0] == "error":
            raise from_error(answer)
        return answer[1]

    def _connect(self) -> tuple[Address, Connection[Any, Any]]:
        address = load_address(self._address_file)
        if address is None:
            raise StoreUnavailableError("the store's process is not there; try again in a moment, or start the server")
        with contextlib.suppress(Empty):
            while True:
                made_for, connection = self._idle.get_nowait()
                if made_for == address:
                    return address, connection
                connection.close()
        try:
            return address, Client(address.socket, family="AF_UNIX", authkey=bytes.fromhex(address.key))
        except (OSError, EOFError, AuthenticationError, ValueError) as error:
            raise StoreUnavailableError(
                f"the store's process cannot be reached ({error}); try again in a moment"
            ) from error


def find_running_store(data: Path) -> ProcessStore | None:
    """The store of a server that runs on this data directory; None where nobody serves it."""
    store = ProcessStore(data / ADDRESS_FILE)
    try:
        store.count_items()
    except StoreUnavailableError:
        store.close()
        return None
    return store


class StoreProcess:
    """Starts a store's process, watches over it, and starts it again when it dies.

    Args:
        shard: folder of the store.
        data: where the address file goes.
        read_manifest: the catalogue's manifest as it is now; a process that is started again uses the spaces of then.

    Raises (from the constructor):
        StoreUnavailableError: another process has the store open.
        IntegrityError: its files cannot be read.
    """

    def __init__(self, shard: Path, data: Path, *, read_manifest: Callable[[], Manifest]) -> None:
        self._shard = shard
        self._address_file = data / ADDRESS_FILE
        self._read_manifest = read_manifest
        self._ending = threading.Event()
        self.restarts = 0
        self._process = self._start()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Process that owns the store now."""
        return self._process.pid

    def close(self) -> None:
        """End the process; it flushes and closes the store first."""
        self._ending.set()
        self._end(self._process)
        self._watcher.join(timeout=5)

    def _start(self) -> subprocess.Popen[str]:
        manifest = self._read_manifest()
        orders = json.dumps(
            {
                "shard": str(self._shard),
                "address_file": str(self._address_file),
                "spaces": [asdict(space) for space in manifest.spaces],
                "schema": {name: kind.value for name, kind in manifest.attributes.items()},
            }
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "search.stores.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(orders + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or '{"error": null}')
        except (OSError, ValueError):
            answer = {"error": None}
        if "error" in answer:
            self._end(process)
            if answer["error"] is None:
                raise StoreUnavailableError("the store's process ended before it could open the store")
            raise from_error(tuple(answer["error"]))
        return process

    def _watch(self) -> None:
        while not self._ending.is_set():
            self._process.wait()
            _release(self._process)
            if self._ending.is_set():
                return
            time.sleep(RESTART_PAUSE_S)
            self.restarts += 1
            with contextlib.suppress(VitrineError):
                self._process = self._start()
            if self._ending.is_set():
                self._end(self._process)

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        _release(process)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _release(process: subprocess.Popen[str]) -> None:
    """Close both pipes; the process takes the end of its standard input as the order to end."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
