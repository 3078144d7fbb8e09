"""Score images by an HTTP service: retries, a rate limit, a query budget, and a cache of its answers on disk.

::

    POST {"images": ["<PNG in base64>", ...]}
      -> {"scores": [[0.1, 0.7, 0.2], ...]}                    the scores of all classes of each image, or
      -> {"top": [[{"label": "cat", "score": 0.7}], ...]}      those of the most likely classes, or
      -> {"labels": ["cat", ...]}                              one label

Only the address that the user gives is contacted: no redirect is followed, and no proxy is used.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import ipaddress
import json
import os
import sqlite3
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import numpy as np
from numpy.typing import NDArray

from fooling.auditing.settings import ServiceOptions
from fooling.images import noise_images, png_bytes
from fooling.inputs import parsed_json
from fooling.messages import FoolingError, say
from fooling.settings import LONGEST_VALUE

#: Sent as the header Authorization, if it is set; it is stored nowhere.
AUTHORIZATION_VARIABLE = "FOOLING_AUTHORIZATION"
TIMEOUT = 60.0  # seconds without an answer
MOST_BYTES = 2**26  # of an answer
#: Seconds before each further attempt. A service that has never answered gets only the first ones.
WAITS, FIRST_WAITS, MOST_WAIT = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0), 2, 120.0
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
ROUNDING = 1e-4  # differences between two answers for an image, up to which they count as the same
PROTOCOL = 'JSON with a list under "scores", "top" or "labels", one entry for each image (see docs/audit.md)'


class Service:
    """A function from uint8 images (B, C, H, W) to what the service at an address answers for each.

    The result has the forms of :data:`fooling.classifiers.wrapped.Scorer`. An image that was answered before is not
    sent again: the cache is keyed by the address and the bytes of the image. Raises :class:`FoolingError` if the
    address is not ``https://``, or ``http://`` on this machine.
    """

    def __init__(
        self, address: str, options: ServiceOptions | None = None, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._url = _checked(address)
        self._options, self._sleep = options or ServiceOptions(), sleep
        self.host = self._url.netloc
        self.public_address = self._url._replace(query="").geturl()
        """The address without a query, which may hold a key."""
        self.sent = 0
        """Images sent so far."""
        self._answered, self._next_request = False, 0.0
        self._connection: http.client.HTTPConnection | None = None
        self._cache = _Cache(self._options.answers / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.sqlite")

    def __call__(self, images: NDArray[np.uint8]) -> list[Any]:
        """Return the answer for each image: a list of scores, a mapping of labels to scores, or a label."""
        keys = [_key(image) for image in images]
        known = self._cache.answers(keys)
        missing = {key: image for key, image in zip(keys, images, strict=True) if key not in known}
        if missing:
            fresh = dict(zip(missing, self.asked(list(missing.values())), strict=True))
            self._cache.add(fresh)
            known |= fresh
        return [known[key] for key in keys]

    def asked(self, images: Sequence[NDArray[np.uint8]]) -> list[Any]:
        """Send images in one request, whether or not their answers are known, and return the answers."""
        body = json.dumps({"images": [base64.b64encode(png_bytes(image)).decode() for image in images]}).encode()
        waits = iter(WAITS if self._answered else WAITS[:FIRST_WAITS])
        while True:
            self._spend(len(images))
            outcome = self._attempt(body)
            if not isinstance(outcome, _Failure):
                self._answered = True
                return _answers_in(outcome, count=len(images), host=self.host)
            if (wait := next(waits, None)) is None:
                raise FoolingError(
                    f"the service {self.host} does not answer",
                    found=outcome.reason,
                    expected="an answer with status 200",
                    remedy="check the address, and that the service runs"
                    + ("; the answers so far are kept, and the audit resumes" if self._answered else ""),
                )
            wait = min(max(wait, outcome.wait), MOST_WAIT)
            say(f"{self.host}: {outcome.reason}; trying again in {wait:g} s")
            self._sleep(wait)

    def require_repeatable(self, shape: tuple[int, int, int]) -> None:
        """Raise :class:`FoolingError` unless noise images (C, H, W) get the same answers twice, in another order too.

        Nothing is sent if the cache has their answers: then this was checked before.
        """
        images = list(noise_images(shape))
        keys = [_key(image) for image in images]
        if len(self._cache.answers(keys)) == len(keys):
            return
        first, again = self.asked(images), self.asked(images[::-1])[::-1]
        if wrong := [pair for pair in zip(first, again, strict=True) if not _alike(*pair)]:
            raise FoolingError(
                f"the service {self.host} answers differently for the same image",
                found=f"{_shown(wrong[0][0])}, then {_shown(wrong[0][1])}",
                expected="an answer that depends on the image alone",
                remedy="switch off what is random in the service, such as dropout or random crops",
            )
        self._cache.add(dict(zip(keys, first, strict=True)))

    def _spend(self, count: int) -> None:
        limit = self._options.queries
        if limit is not None and self.sent + count > limit:
            raise FoolingError(
                f"the query budget is used up: {self.sent:,} images were sent to {self.host}",
                expected=f"at most {limit:,}",
                remedy="type the command again with a larger --queries; the answers so far are kept, and not asked for "
                "again",
            )
        self.sent += count

    def _attempt(self, body: bytes) -> bytes | _Failure:
        """Send one request, and return the content of the answer, or why another attempt may succeed."""
        if self._options.rate is not None:
            self._sleep(max(0.0, self._next_request - time.monotonic()))
            self._next_request = time.monotonic() + 1 / self._options.rate
        was_open = self._connection is not None
        try:
            response = self._posted(body)
            content = response.read(MOST_BYTES + 1)
        except ssl.SSLCertVerificationError as error:
            remedy = "use the name in the certificate, or add the authority that signed it to this machine's"
            raise FoolingError(f"the service {self.host} is not trusted", found=error, remedy=remedy) from None
        except (OSError, http.client.HTTPException) as error:
            self._close()
            if was_open and isinstance(error, ConnectionError):  # closed by the service while it was idle
                return self._attempt(body)
            return _Failure(f"no connection ({error or type(error).__name__})")
        if response.status in TRANSIENT:
            self._close()
            return _Failure(f"{response.status} {response.reason}", _seconds(response.headers.get("Retry-After", "")))
        _require_success(response, content, host=self.host)
        return content

    def _posted(self, body: bytes) -> http.client.HTTPResponse:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self.host, timeout=TIMEOUT)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if os.environ.get(AUTHORIZATION_VARIABLE):
            headers["Authorization"] = os.environ[AUTHORIZATION_VARIABLE]
        path = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._connection.request("POST", path, body=body, headers=headers)
        return self._connection.getresponse()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class _Failure(NamedTuple):
    """Why a request failed that may succeed later, and the seconds for which the service asks to wait."""

    reason: str
    wait: float = 0.0


class _Cache:
    """Answers by the keys of images, as JSON, in a file of SQLite; several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """Return the known answers."""
        found: dict[bytes, Any] = {}
        with self._opened() as database:
            for key in keys:
                for (text,) in database.execute("SELECT answer FROM answers WHERE image = ?", (key,)):
                    found[key] = json.loads(text)
        return found

    def add(self, answers: Mapping[bytes, Any]) -> None:
        """Keep answers."""
        rows = [(key, json.dumps(answer)) for key, answer in answers.items()]
        with self._opened() as database:
            database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=TIMEOUT)) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS answers (image BLOB PRIMARY KEY, answer TEXT)")
                yield database
        except (OSError, sqlite3.Error, ValueError) as error:
            raise FoolingError(
                f"{self._path} cannot hold the answers of the service",
                found=error,
                expected="a file that an earlier audit wrote, or nothing yet",
                remedy="delete it, free disk space, or choose another folder with --answers",
            ) from None


def is_address(target: str) -> bool:
    """Return whether a target is the address of a service."""
    return "://" in target


def _checked(address: str) -> SplitResult:
    """Return the parts of an address; raise :class:`FoolingError` unless images may be sent there."""
    url, problem = urlsplit(address), None
    with suppress(ValueError):
        port = url.port  # ValueError: not a number
        if not url.hostname or port == 0:
            problem = "no host"
        elif url.username is not None:
            problem = "a name or password in the address"
        elif url.scheme not in ("http", "https"):
            problem = f"{url.scheme}://"
        elif url.scheme == "http" and not _is_loopback(url.hostname):
            problem = "http:// to another machine, where anyone on the way can read and change the images and answers"
        else:
            return url
    raise FoolingError(
        f"{url._replace(query='', netloc=url.netloc.rpartition('@')[2]).geturl()} is not the address of a service",
        found=problem or "a port that is not a number",
        expected="https://host/path, or http://localhost:port/path on this machine",
        remedy=f"give a key or password in the environment variable {AUTHORIZATION_VARIABLE}"
        if "@" in address
        else None,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).digest()


def _seconds(text: str) -> float:
    """Return the seconds in a header ``Retry-After``; 0 for a date or nothing."""
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _require_success(response: http.client.HTTPResponse, content: bytes, *, host: str) -> None:
    """Raise :class:`FoolingError` unless a service that answered has scored the images."""
    if response.status == 200 and len(content) <= MOST_BYTES:
        return
    found = f"{response.status} {response.reason}: {content[:200].decode(errors='replace')}".rstrip(": \n")
    if 300 <= response.status < 400:
        raise FoolingError(
            f"the service {host} has moved",
            found=f"{response.status}, to {response.headers.get('Location', 'an unknown address')}",
            expected="an answer from the address itself: no other address is contacted",
            remedy="give the new address, if you trust it",
        )
    raise FoolingError(
        f"the service {host} does not score these images",
        found=f"an answer of more than {MOST_BYTES:,} bytes" if response.status == 200 else found,
        expected="status 200",
        remedy=f"set the environment variable {AUTHORIZATION_VARIABLE} to its key, such as 'Bearer ...'"
        if response.status in (401, 403)
        else "check the path, --input-shape and --chunk-size (images in a request)",
    )


def _answers_in(content: bytes, *, count: int, host: str) -> list[Any]:
    """Return the answers in the JSON of a service; raise :class:`FoolingError` for any other content."""
    try:
        values = parsed_json(content, source=f"the answer of {host}")
    except FoolingError:
        values = None
    for key in ("scores", "top", "labels"):
        answers = values.get(key) if isinstance(values, dict) else None
        if isinstance(answers, list) and len(answers) == count and all(_is_answer(key, each) for each in answers):
            return [{each["label"]: each["score"] for each in top} for top in answers] if key == "top" else answers
    raise FoolingError(
        f"the answer of the service {host} is not understood",
        found=f"for {count} images: {content[:200].decode(errors='replace')}",
        expected=PROTOCOL,
    )


def _is_answer(key: str, answer: Any) -> bool:
    if key == "labels":
        return isinstance(answer, str | int)
    if not isinstance(answer, list):
        return False
    if key == "scores":
        return all(isinstance(score, int | float) for score in answer)
    return all(
        isinstance(each, dict)
        and isinstance(each.get("label"), str | int)
        and isinstance(each.get("score"), int | float)
        for each in answer
    )


def _alike(one: Any, other: Any) -> bool:
    """Return whether two answers are the same, apart from rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return _alike([one.get(label, 0) for label in one | other], [other.get(label, 0) for label in one | other])
    if isinstance(one, list) and isinstance(other, list):
        limit = ROUNDING * max([1.0, *map(abs, one)])
        return len(one) == len(other) and all(abs(a - b) <= limit for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _shown(answer: Any) -> str:
    text = json.dumps(answer)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."
