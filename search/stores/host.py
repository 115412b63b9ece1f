"""The process that owns an embedded store: `python -m search.stores.host`.

Reads its orders (one JSON object) from standard input, answers calls on a Unix socket, and ends when its standard input
closes, that is when the process that started it ends in whatever way. Knows nothing of HTTP or of who asks.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from search.attributes import AttributeKind
from search.embedding import Space
from search.errors import StoreUnavailableError, VitrineError
from search.stores.edge import EdgeStore, open_edge_store
from search.stores.wire import METHODS, Address, save_address, to_error


def run_host(orders: dict[str, Any]) -> None:
    """Open the store the orders name, say so on standard output in one JSON line, and answer until told to end."""
    spaces = [Space(**space) for space in orders["spaces"]]
    schema = {name: AttributeKind(kind) for name, kind in orders["schema"].items()}
    try:
        store = open_edge_store(Path(orders["shard"]), spaces=spaces, schema=schema)
    except VitrineError as error:
        _say({"error": to_error(error)})
        return
    folder = Path(tempfile.mkdtemp(prefix="vitrine-"))
    address_file = Path(orders["address_file"])
    key = secrets.token_bytes(32)
    address = Address(socket=str(folder / "store.sock"), key=key.hex(), pid=os.getpid())
    listener = Listener(address.socket, family="AF_UNIX", backlog=64, authkey=key)
    try:
        save_address(address, address_file)
        threading.Thread(target=_accept, args=(listener, store), daemon=True).start()
        _say({"socket": address.socket, "key": address.key, "pid": address.pid})
        sys.stdin.read()
    finally:
        listener.close()
        address_file.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        store.close()


def _accept(listener: Listener, store: EdgeStore) -> None:
    while True:
        try:
            connection = listener.accept()
        except AuthenticationError:
            continue
        except (OSError, EOFError):
            if not Path(str(listener.address)).exists():
                return
            continue
        threading.Thread(target=_answer, args=(connection, store), daemon=True).start()


def _answer(connection: Connection[Any, Any], store: EdgeStore) -> None:
    """Answer one caller until it hangs up. A call the store does not know is refused, whatever it is."""
    with connection:
        while True:
            try:
                method, arguments, keywords = connection.recv()
            except (EOFError, OSError):
                return
            try:
                if method not in METHODS:
                    raise StoreUnavailableError(f"a store has no method {method!r}; both sides must be one version")
                answer: tuple[Any, ...] = ("value", getattr(store, method)(*arguments, **keywords))
            except VitrineError as error:
                answer = to_error(error)
            except Exception as error:  # noqa: BLE001 - the caller is told, and the next one is answered
                answer = to_error(StoreUnavailableError(f"the store failed: {type(error).__name__}: {error}"))
            try:
                connection.send(answer)
            except OSError:
                return


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # The process that started this one decides when it ends; a Ctrl-C in its terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run_host(json.loads(sys.stdin.readline()))
