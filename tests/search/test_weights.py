"""Weights files: found where they may be, fetched where they are not, and never taken for one another."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from search.encoders.weights import WeightsSource, fetch_weights, find_torch_cache, find_weights
from search.errors import IntegrityError, WeightsMissingError

BYTES = b"weights " * 400_000
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(autouse=True)
def _own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A torch cache of this test's own, and no proxy in front of the loopback."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of the loopback at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """An address, and what is served there by path; `/short` says it has more than it sends."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"") + (100 if self.path == "/short" else 0)))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", files
        listening.shutdown()
        thread.join()


def make_source(**changes: str) -> WeightsSource:
    return replace(
        WeightsSource(file_name="drawn-1.pth", sha256=SHA256[:8], way_out="Copy it, or choose another encoder."),
        **changes,
    )


def test_a_file_in_the_models_folder_is_found_before_torchs_cache(models, tmp_path):
    cache = tmp_path / "torch" / "hub" / "checkpoints"
    for folder in (models, cache):
        folder.mkdir(parents=True)
        (folder / "drawn-1.pth").write_bytes(BYTES)
    assert find_weights(make_source(), models=models) == models / "drawn-1.pth"
    (models / "drawn-1.pth").unlink()
    assert find_weights(make_source(), models=models) == cache / "drawn-1.pth"
    (cache / "drawn-1.pth").unlink()
    assert find_weights(make_source(), models=models) is None


def test_torchs_cache_is_where_torch_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "a"))
    assert find_torch_cache() == tmp_path / "a" / "hub" / "checkpoints"
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert find_torch_cache() == tmp_path / "b" / "torch" / "hub" / "checkpoints"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_torch_cache() == tmp_path / ".cache" / "torch" / "hub" / "checkpoints"


def test_another_file_of_the_same_name_is_refused(models):
    models.mkdir()
    (models / "drawn-1.pth").write_bytes(BYTES[:-1])
    with pytest.raises(IntegrityError) as caught:
        find_weights(make_source(), models=models)
    assert str(models / "drawn-1.pth") in caught.value.message
    assert SHA256[:8] in caught.value.message


def test_missing_weights_name_the_file_the_places_and_the_ways_out(models, tmp_path, closed_port):
    url = f"http://127.0.0.1:{closed_port}/drawn-1.pth"
    with pytest.raises(WeightsMissingError) as caught:
        fetch_weights(make_source(url=url), models=models)
    for part in ("drawn-1.pth", str(models), str(tmp_path / "torch"), url, "Copy it, or choose another encoder."):
        assert part in caught.value.message
    assert list(models.iterdir()) == []


def test_weights_without_an_address_are_missing_at_once(models):
    with pytest.raises(WeightsMissingError, match="fetched from nowhere"):
        fetch_weights(make_source(), models=models)


def test_weights_are_fetched_with_a_word_on_how_far_it_is(models, server):
    address, files = server
    files["/drawn-1.pth"] = BYTES
    said: list[str] = []
    path = fetch_weights(make_source(url=f"{address}/drawn-1.pth"), models=models, progress=said.append)
    assert path == models / "drawn-1.pth"
    assert path.read_bytes() == BYTES
    assert [entry.name for entry in models.iterdir()] == ["drawn-1.pth"]
    assert len(said) == 4
    assert said[-1] == "downloading drawn-1.pth [####################] 3 of 3 MB"


def test_what_is_not_the_file_is_not_kept(models, server):
    address, files = server
    files["/drawn-1.pth"] = b"<html>please log in</html>"
    with pytest.raises(IntegrityError, match="SHA-256"):
        fetch_weights(make_source(url=f"{address}/drawn-1.pth"), models=models)
    assert list(models.iterdir()) == []


@pytest.mark.parametrize(("path", "word"), [("/short", "ended after"), ("/absent", "404")])
def test_a_download_that_ends_early_or_is_not_there_leaves_nothing(models, server, path, word):
    address, files = server
    files["/short"] = BYTES
    with pytest.raises(WeightsMissingError, match=word):
        fetch_weights(make_source(url=address + path), models=models)
    assert list(models.iterdir()) == []
