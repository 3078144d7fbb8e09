"""Servers on this machine: one hosts a page, one takes what pages send."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """The address at which the files of ``folder`` are served."""
    with _served(partial(_Files, directory=str(folder))) as address:
        yield address


@contextmanager
def listening(*, status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """An address that answers every POST with ``status``, and what came there."""
    received: list[Any] = []

    class Ear(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self.answer(204)

        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(status)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "content-type")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _served(Ear) as address:
        yield f"{address}answers", received


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _served(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
