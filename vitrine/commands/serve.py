"""`vitrine serve`: the page and the HTTP API over the catalogue."""

from __future__ import annotations

import contextlib
import json
import os
from ipaddress import ip_address
from pathlib import Path

from api.app import create_app
from api.server import Bound, serve
from vitrine import __version__
from vitrine.console import say
from vitrine.settings import Settings
from vitrine.wiring import ensure_manifest, open_catalogue, open_engines

PAGE = Path(__file__).resolve().parents[2] / "ui"


def serve_catalogue(settings: Settings, *, host: str | None, port: int | None, ready_file: Path | None) -> None:
    """Serve until told to end by SIGTERM or Ctrl-C; an empty catalogue where nothing was indexed yet."""
    address = host or settings.host
    if not _is_loopback(address) and not settings.api_keys:
        say(f"anybody who reaches {address} can read and change this catalogue: set VITRINE_API_KEYS to ask for a key")
    ensure_manifest(settings, {}, say=say)
    with (
        open_catalogue(settings, serve=True, say=say) as catalogue,
        contextlib.closing(open_engines(settings)) as engines,
    ):
        catalogue.embedder.load()
        app = create_app(
            catalogue,
            version=__version__,
            api_keys=[key.get_secret_value() for key in settings.api_keys],
            max_body_bytes=int(settings.max_upload_mb * 2**20),
            max_concurrent=settings.max_concurrent,
            max_waiting=settings.max_waiting,
            body_timeout_s=settings.body_timeout_s,
            engines=engines,
            ui=PAGE if PAGE.is_dir() else None,
        )

        def announce(bound: Bound) -> None:
            say(f"serving {catalogue.store.count_items()} items at {bound.url} (Ctrl-C ends)")
            if ready_file is not None:
                save_ready_file(ready_file, bound.url)

        serve(
            app,
            host=address,
            port=settings.port if port is None else port,
            head_timeout_s=settings.body_timeout_s,
            on_ready=announce,
        )


def save_ready_file(path: Path, url: str) -> None:
    """Write the server's address aside, then rename: whoever waits for the file reads it whole."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    aside.write_text(json.dumps({"url": url}), encoding="utf-8")
    aside.replace(path)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
