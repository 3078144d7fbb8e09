"""Notice input files that change while a command runs: its result would belong to neither content.

Within :func:`watched`, every file that the package reads is remembered as it was at first. Each write of a result, and
the end of the command, compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fooling.errors import FoolingError


@dataclass(frozen=True)
class _Seen:
    sha256: str
    state: tuple[int, ...]
    """What a change of the file changes as well: inode, size and times."""

    def is_now(self, path: Path) -> bool:
        try:
            return self.state == _state_of(path) or self.sha256 == _digest(path)
        except OSError:
            return False


_seen: dict[Path, _Seen] | None = None


@contextmanager
def watched() -> Iterator[None]:
    """Remember the files that are read in this block; raise :class:`FoolingError` if one has changed at its end."""
    global _seen
    _seen = {}
    try:
        yield
        require_unchanged()
    finally:
        _seen = None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, and remember the file as an input."""
    state = _state_of(path)
    digest = _digest(path)
    if _seen is not None:
        _seen.setdefault(_key(path), _Seen(digest, state))
    return digest


def remember(path: Path) -> None:
    """Remember a file that is about to be read as an input."""
    if _seen is not None and _key(path) not in _seen:
        digest_of(path)


def forget(path: Path) -> None:
    """Forget a file that the command itself writes or removes."""
    if _seen is not None:
        _seen.pop(_key(path), None)


def require_unchanged() -> None:
    """Raise :class:`FoolingError` that names the remembered files that have changed or gone."""
    changed = [str(path) for path, seen in (_seen or {}).items() if not seen.is_now(path)]
    if changed:
        raise FoolingError(
            "an input changed while the command ran",
            found=", ".join(changed),
            expected="the same content from start to end",
            remedy="run it again, and leave the file alone until it ends",
        )


def _key(path: Path) -> Path:
    return path.absolute()


def _state_of(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
