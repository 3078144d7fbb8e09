"""Reproduce results to the bit: seeds derived by purpose, the software that decides the last bits, and checkpoints.

Unfinished work keeps its state outside the results, so that an interrupted command resumes to the same bytes. A store
belongs to one piece of work. Its folder is named by a hash of everything that decides the result, including the
fingerprint of the command's code, so that work never resumes from a checkpoint of other settings or other code.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.inputs import forget
from fooling.messages import FoolingError, say
from fooling.schemas import FileFormat, Header

KIND, VERSION = "checkpoint", 1
INTERVAL = 2.0  # seconds between two checkpoints, at least
MOST_SHARE = 0.05  # of the time may be spent on saving checkpoints


def derived_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed derived from ``seed`` and every word of ``purpose``, the same on every machine.

    Two purposes never share a stream by accident, and adding a new purpose does not change the seeds of others.
    """
    words = "\x1f".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a new numpy generator for this ``purpose``; for torch, seed a generator with :func:`derived_seed`."""
    return np.random.default_rng(derived_seed(seed, *purpose))


def evenly_spaced(count: int, most: int | None) -> list[int]:
    """Return at most ``most`` evenly spaced indices below ``count``, in ascending order; None: all of them."""
    if most is None or most >= count:
        return list(range(count))
    return [place * count // most for place in range(most)]


def software_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that compute results, by name."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("fooling", "numpy", "torch")}}


class CheckpointStore:
    """Keep the latest checkpoints of one piece of work; as a context manager, lock its folder for one writer.

    Use it as ``with CheckpointStore(folder, identity, code=…) as store``. A second writer waits until the first one
    ends:
    on a cluster a job may outlive the loss of its node while a copy of it is started elsewhere.

    Args:
        parent: The folder of all checkpoints.
        identity: Everything that decides the result, as JSON values.
        code: Fingerprint of the command's code.
        interval: Seconds between two checkpoints, at least.
    """

    def __init__(self, parent: Path, identity: Mapping[str, Any], *, code: str, interval: float = INTERVAL) -> None:
        described = json.dumps({**identity, "code": code}, sort_keys=True, allow_nan=False)
        self.folder = parent / hashlib.sha256(described.encode()).hexdigest()[:24]
        self._lock_path, self._queue_path = self.folder / "lock", self.folder / "queue"
        self._interval = interval
        self._next_save = 0.0
        self._due_since: float | None = None

    def __enter__(self) -> Self:
        try:
            while not self._take_lock():
                pass
        except OSError as error:
            raise FoolingError(
                f"{self.folder} cannot hold checkpoints",
                found=error.strerror,
                remedy="free disk space, or get write permission there",
            ) from None
        self._next_save = time.monotonic() + self._interval
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def path(self, name: str) -> Path:
        """Return the file of the checkpoint ``name``."""
        return self.folder / f"{name}.safetensors"

    def load(self, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Return the arrays and the header last saved as ``name``, or None."""
        path = self.path(name)
        if not path.exists():
            return None
        state = read_arrays(path, kind=KIND, version=VERSION)
        forget(path)  # the command itself replaces this file
        return state

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> None:
        """Save a checkpoint as ``name``, replacing the previous one."""
        write_arrays(self.path(name), arrays, kind=KIND, version=VERSION, header=header)
        now = time.monotonic()
        took = now - (now if self._due_since is None else self._due_since)
        self._next_save, self._due_since = now + max(self._interval, took / MOST_SHARE), None

    def is_due(self) -> bool:
        """Return whether it is time to save: long enough after the last checkpoint, given how long saving takes."""
        now = time.monotonic()
        due = now >= self._next_save
        if due and self._due_since is None:
            self._due_since = now
        return due

    def clear(self) -> None:
        """Delete all checkpoints: the work is done and its results are written.

        If another writer waits, the checkpoints stay, so that it need not repeat the work.
        """
        with self._queue_path.open("w+") as queue:
            try:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        for path in self.folder.iterdir():
            if path.is_dir():  # of a killed writer
                shutil.rmtree(path)
            elif path != self._lock_path:
                path.unlink()
        self._lock_path.unlink()
        self._lock.close()  # before removing the folder: a shared disk keeps a removed file there while it is open
        with suppress(OSError):  # another process has started the same work again
            self.folder.rmdir()

    def _take_lock(self) -> bool:
        """Lock the folder for this process once it is free; return False if its owner has deleted it meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._lock = self._lock_path.open("w+")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with self._queue_path.open("w+") as queue:
                    fcntl.flock(queue, fcntl.LOCK_SH)
                    say(f"another process computes the same result and holds {self.folder}: waiting until it ends")
                    fcntl.flock(self._lock, fcntl.LOCK_EX)
            return os.path.samestat(os.fstat(self._lock.fileno()), self._lock_path.stat())
        return False


CHECKPOINT = FileFormat(
    kind=KIND,
    version=VERSION,
    path="../.checkpoints/{work}/{name}.safetensors",
    commands=("train", "retrain", "attack"),
    header=Header,
    lengths={},
    doc="The state of unfinished work, deleted once its result is written. Header and arrays are those of the work: an"
    " archive with the states of its search, its scoring and its generator of random numbers; the images of a gradient"
    " ascent; or a network with its optimiser. `work` is a digest of everything that decides the result.",
)
