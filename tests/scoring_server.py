"""A service on this machine that scores images, with failures on demand, and notes what it was sent."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image


class ScoringServer(ThreadingHTTPServer):
    """Answers with what ``answer`` returns for the images (B, C, H, W) of a request, once ``failures`` are used up.

    A failure is a status with headers, or None: the connection is closed without an answer.
    """

    def __init__(self, answer: Callable[[np.ndarray], Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.failures: list[tuple[int, dict[str, str]] | None] = []
        self.images: list[bytes] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/score"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScoringServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers)))
        if self.server.failures:
            failure = self.server.failures.pop(0)
            if failure is None:
                self.close_connection = True
            else:
                self._send(failure[0], b"busy", failure[1])
        else:
            images = np.stack([pixels(text) for text in json.loads(body)["images"]])
            self.server.images += [image.tobytes() for image in images]
            given = self.server.answer(images)
            self._send(200, given if isinstance(given, bytes) else json.dumps(given).encode(), {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def pixels(text: str) -> np.ndarray:
    """Return the image (C, H, W) in a PNG file in base64."""
    array = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


@contextmanager
def serving(answer: Callable[[np.ndarray], Any]) -> Iterator[ScoringServer]:
    server = ScoringServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
