"""The process that owns an embedded store: killed, orphaned, asked by strangers, and opened twice."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import pytest

from search.attributes import AttributeKind
from search.embedding import Space
from search.errors import QueryError, StoreUnavailableError
from search.item import Item, PhotoRecord
from search.manifest import Manifest
from search.store import Leg, Point
from search.stores.edge import open_edge_store
from search.stores.process import ADDRESS_FILE, ProcessStore, StoreProcess, find_running_store
from search.stores.wire import METHODS, PROTOCOL, load_address
from search.tagging import Tagging

SPACES = (Space(name="shape", dimension=4, weights_sha256="a" * 64),)
SCHEMA = {"color": AttributeKind.KEYWORD}
MANIFEST = Manifest(spaces=SPACES, weights={}, attributes=SCHEMA)
ROOT = Path(__file__).parents[2]


def make_point(number: int) -> Point:
    vector = np.zeros(4, dtype=np.float32)
    vector[number % 4] = 1
    return Point(
        item=Item(id=f"item {number}", attributes={"color": "Red"}, photos=("a.jpg",)),
        photo=PhotoRecord(index=0, link="a.jpg", sha256="s", width=1, height=1),
        vectors={"shape": vector},
        photos_sha256="p",
        row_sha256="r",
    )


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def process(tmp_path: Path) -> Iterator[StoreProcess]:
    process = StoreProcess(tmp_path / "shard", tmp_path, read_manifest=lambda: MANIFEST)
    yield process
    process.close()
    assert not is_alive(process.pid)
    assert not (tmp_path / ADDRESS_FILE).exists()


@pytest.fixture
def store(process: StoreProcess, tmp_path: Path) -> Iterator[ProcessStore]:
    store = ProcessStore(tmp_path / ADDRESS_FILE)
    yield store
    store.close()


def count_or_none(store: ProcessStore) -> int | None:
    try:
        return store.count_items()
    except StoreUnavailableError:
        return None


def test_a_killed_store_says_so_and_comes_back_with_everything(process, store):
    store.upsert([make_point(n) for n in range(20)])
    for kill in (1, 2):
        pid = process.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not is_alive(pid))
        with pytest.raises(StoreUnavailableError) as caught:
            store.count_items()
        assert "try again" in caught.value.message
        wait_until(lambda: count_or_none(store) is not None)
        assert process.pid != pid
        assert process.restarts >= kill
        assert store.count_items() == 20
        hits = store.find_nearest([Leg(space="shape", vector=make_point(1).vectors["shape"], weight=1.0)], (), limit=3)
        assert [hit.score for hit in hits] == pytest.approx([1, 1, 1])
    store.upsert([make_point(99)])
    assert store.count_items() == 21


def kill_and_wait(process: StoreProcess, store: ProcessStore) -> None:
    before = process.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: process.pid != before and count_or_none(store) is not None)


def test_a_store_killed_while_a_classifier_comes_goes_on_with_the_spaces_of_then(tmp_path):
    """Killed before the change, between the manifest and the change, and after it, with all of it only in the log."""
    manifest = MANIFEST
    process = StoreProcess(tmp_path / "shard", tmp_path, read_manifest=lambda: manifest)
    store = ProcessStore(tmp_path / ADDRESS_FILE)
    points = [make_point(n) for n in range(12)]
    shape = Leg(space="shape", vector=points[1].vectors["shape"], weight=0.5)
    try:
        store.upsert(points)
        for round_, digit in enumerate("1233"):
            space = Space(name="classifier", dimension=3, weights_sha256=digit * 64, trained=True)
            vector = np.eye(3, dtype=np.float32)[round_ % 3]
            tagging = Tagging(vector=vector, predictions={}, out_of_catalogue=0.0, model=digit * 8)
            kind = Leg(space="classifier", vector=vector, weight=0.5)

            store.prepare_space(space)
            store.write_taggings({("item 1", 0): tagging}, space)
            kill_and_wait(process, store)
            found = store.find_nearest([shape], (), limit=12)
            assert [hit.score for hit in found[:4]] == pytest.approx([0.5, 0.5, 0.5, 0])
            assert store.read_items(["item 9"], spaces=["classifier"])["item 9"].vectors == {}

            store.prepare_space(space)
            store.write_taggings({("item 1", 0): tagging, ("item 5", 0): tagging}, space)
            manifest = replace(MANIFEST, spaces=(*SPACES, space))
            kill_and_wait(process, store)
            for _ in range(2):
                scores = {hit.point.item.id: hit.score for hit in store.find_nearest([shape, kind], (), limit=12)}
                assert len(scores) == 12
                assert (scores["item 1"], scores["item 5"], scores["item 9"]) == pytest.approx((1, 1, 0.5))
                store.use_spaces(manifest.spaces)
                kill_and_wait(process, store)
            assert len(store.find_nearest([kind], (), limit=12)) == 2
    finally:
        store.close()
        process.close()


def test_callers_in_flight_get_their_error_and_no_other_callers_answer(process, store):
    """Eight threads ask for different items while the process is killed: an answer is the right one, or none."""
    store.upsert([make_point(n) for n in range(64)])
    stop = threading.Event()
    wrong: list[object] = []
    refused = 0

    def ask(mine: int) -> None:
        nonlocal refused
        while not stop.is_set():
            try:
                found = store.read_items([f"item {mine}"])
            except StoreUnavailableError:
                refused += 1
                time.sleep(0.05)
                continue
            except Exception as error:  # noqa: BLE001 - a thread can only hand over what it met
                wrong.append(error)
                return
            if list(found) != [f"item {mine}"]:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: process.restarts > 0 and count_or_none(store) == 64)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert refused > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_meant_for_the_server_loses_nothing(process, store, number):
    """Ctrl-C and a supervisor's signal reach the whole group; the store goes on until its server has ended."""
    store.upsert([make_point(1)])
    os.kill(process.pid, number)
    wait_until(lambda: count_or_none(store) == 1)


PARENT = """
import json, sys, time
from pathlib import Path
from search.attributes import AttributeKind
from search.embedding import Space
from search.manifest import Manifest
from search.stores.process import StoreProcess
folder = Path(sys.argv[1])
spaces = (Space(name="shape", dimension=4, weights_sha256="a" * 64),)
manifest = Manifest(spaces=spaces, weights={}, attributes={"color": AttributeKind.KEYWORD})
process = StoreProcess(folder / "shard", folder, read_manifest=lambda: manifest)
print(process.pid, flush=True)
time.sleep(60)
"""


def test_the_store_ends_when_its_server_is_killed(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        child = int(parent.stdout.readline())
        store = ProcessStore(tmp_path / ADDRESS_FILE)
        store.upsert([make_point(n) for n in range(5)])
        folder = Path(load_address(tmp_path / ADDRESS_FILE).socket).parent
        assert folder.is_dir()
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    wait_until(lambda: not is_alive(child))
    store.close()
    assert not (tmp_path / ADDRESS_FILE).exists()
    assert not folder.exists()
    again = open_edge_store(tmp_path / "shard", spaces=SPACES, schema=SCHEMA)  # nobody holds it any more
    assert again.count_items() == 5
    again.close()


def test_a_second_opener_is_refused(process, store, tmp_path):
    with pytest.raises(StoreUnavailableError) as caught:
        open_edge_store(tmp_path / "shard", spaces=SPACES, schema=SCHEMA)
    assert caught.value.code == "store_in_use"
    with pytest.raises(StoreUnavailableError) as caught:
        StoreProcess(tmp_path / "shard", tmp_path / "elsewhere", read_manifest=lambda: MANIFEST)
    assert caught.value.code == "store_in_use"
    store.upsert([make_point(1)])  # and the first one has not noticed
    assert store.count_items() == 1


def test_a_store_held_by_another_process_is_refused_here(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from search.embedding import Space\n"
        "from search.stores.edge import open_edge_store\n"
        "spaces = (Space(name='shape', dimension=4, weights_sha256='a' * 64),)\n"
        "store = open_edge_store(Path(sys.argv[1]) / 'shard', spaces=spaces, schema={})\n"
        "print('open', flush=True); sys.stdin.read(); store.close()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreUnavailableError) as caught:
            open_edge_store(tmp_path / "shard", spaces=SPACES, schema=SCHEMA)
        assert caught.value.code == "store_in_use"
        assert str(tmp_path / "shard") in caught.value.message
    store = open_edge_store(tmp_path / "shard", spaces=SPACES, schema=SCHEMA)
    store.close()


def test_an_unknown_method_is_refused(process, store):
    assert "close" not in METHODS
    for method in ("close", "_check_disk", "__init__", "_shard", "__class__", "drop", ""):
        with pytest.raises(StoreUnavailableError, match="no method"):
            store._call(method)
    with pytest.raises(StoreUnavailableError, match="failed"):
        store._call(["not", "a", "name"])
    with pytest.raises(StoreUnavailableError, match="TypeError"):
        store._call("count_items", nonsense=1)
    assert store.count_items() == 0


def test_what_is_no_call_ends_its_connection_and_nothing_else(process, store, tmp_path):
    address = load_address(tmp_path / ADDRESS_FILE)
    for nonsense in (None, 7, ("count_items",), {"method": "count_items"}, ("a", "b", "c", "d")):
        with Client(address.socket, family="AF_UNIX", authkey=bytes.fromhex(address.key)) as connection:
            connection.send(nonsense)
            with pytest.raises(EOFError):
                connection.recv()
    with Client(address.socket, family="AF_UNIX", authkey=bytes.fromhex(address.key)) as connection:
        connection.send_bytes(b"\x80no pickle")
        with pytest.raises(EOFError):
            connection.recv()
    assert store.count_items() == 0
    assert process.restarts == 0


def test_a_wrong_key_is_refused(process, store, tmp_path):
    address = load_address(tmp_path / ADDRESS_FILE)
    for key in (b"", bytes(32), bytes.fromhex(address.key)[:-1]):
        with pytest.raises((AuthenticationError, EOFError, ConnectionError)):
            Client(address.socket, family="AF_UNIX", authkey=key)
    assert store.count_items() == 0


def test_only_its_owner_can_find_it(process, tmp_path):
    address = load_address(tmp_path / ADDRESS_FILE)
    assert stat.S_IMODE((tmp_path / ADDRESS_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(address.socket).parent.stat().st_mode) == 0o700
    assert len(bytes.fromhex(address.key)) == 32
    assert address.pid == process.pid


def test_errors_of_the_store_keep_their_kind_across_the_pipe(process, store):
    with pytest.raises(QueryError) as caught:
        store.scan((), limit=3, after="zzz")
    assert caught.value.code == "invalid_cursor"


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"{}", b"\xff", b'{"socket": "/nowhere", "key": "00", "pid": 1, "protocol": 99}']
)
def test_an_address_that_leads_nowhere_is_no_running_store(tmp_path, content):
    if content is not None:
        (tmp_path / ADDRESS_FILE).write_bytes(content)
    assert find_running_store(tmp_path) is None


@pytest.mark.parametrize("key", ["00", "not hex"])
def test_an_address_of_a_server_that_was_killed_is_no_running_store(tmp_path, key):
    (tmp_path / ADDRESS_FILE).write_text(
        f'{{"socket": "{tmp_path}/gone.sock", "key": "{key}", "pid": 1, "protocol": {PROTOCOL}}}'
    )
    assert find_running_store(tmp_path) is None


def test_a_running_store_is_found_by_its_data_directory(process, store, tmp_path):
    store.upsert([make_point(1)])
    running = find_running_store(tmp_path)
    assert running is not None
    assert running.count_items() == 1
    running.close()
