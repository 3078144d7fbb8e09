"""Keep the state of unfinished work outside the results, so that an interrupted command resumes to the same bytes.

A store belongs to one piece of work. Its folder is named by a hash of everything that decides the result, including the
fingerprint of the command's code, so that no work resumes from a state that other settings or other code left.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from fooling.artifacts import read_arrays, write_arrays
from fooling.errors import FoolingError
from fooling.inputs import forget
from fooling.progress import say

VERSION = 1
INTERVAL = 2.0  # seconds between two states that are kept, at least
MOST_SHARE = 0.05  # of the time that keeping them may take


class CheckpointStore:
    """Keeps the latest state of one piece of work; a context manager that holds the folder for one writer alone.

    Used as ``with CheckpointStore(folder, identity) as store``. A second writer waits until the first one ends: on a
    cluster a job may outlive the loss of its node, while a copy of it is started elsewhere.
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
                f"{self.folder} cannot hold checkpoints", found=error.strerror, remedy="free space or rights there"
            ) from None
        self._next_save = time.monotonic() + self._interval
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def path(self, name: str) -> Path:
        """The file that holds the state called ``name``."""
        return self.folder / f"{name}.safetensors"

    def load(self, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """The arrays and the header last saved as ``name``, or None."""
        path = self.path(name)
        if not path.exists():
            return None
        state = read_arrays(path, kind="checkpoint", version=VERSION)
        forget(path)  # the command itself replaces it
        return state

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> None:
        """Keep this state as ``name`` instead of the one before."""
        write_arrays(self.path(name), arrays, kind="checkpoint", version=VERSION, header=header)
        now = time.monotonic()
        took = now - (now if self._due_since is None else self._due_since)
        self._next_save, self._due_since = now + max(self._interval, took / MOST_SHARE), None

    def is_due(self) -> bool:
        """Whether it is time to save: the last save lies far enough back for the time that saving takes."""
        now = time.monotonic()
        due = now >= self._next_save
        if due and self._due_since is None:
            self._due_since = now
        return due

    def clear(self) -> None:
        """Forget everything: the work is done and its results are written.

        A writer that waits is left the last state, so that it need not do the work again.
        """
        with self._queue_path.open("w+") as queue:
            try:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        for path in self.folder.iterdir():
            if path.is_dir():  # left behind by a killed writer
                shutil.rmtree(path)
            elif path != self._lock_path:
                path.unlink()
        self._lock_path.unlink()
        self._lock.close()  # before the folder goes: a shared disk keeps a removed file there as long as it is open
        with suppress(OSError):  # another process has begun the same work again
            self.folder.rmdir()

    def _take_lock(self) -> bool:
        """Lock the folder for this process, once it is free; False if the one that held it has cleared it meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._lock = self._lock_path.open("w+")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with self._queue_path.open("w+") as queue:
                    fcntl.flock(queue, fcntl.LOCK_SH)
                    say(f"another process is at the same work and holds {self.folder}: waiting until it ends")
                    fcntl.flock(self._lock, fcntl.LOCK_EX)
            return os.path.samestat(os.fstat(self._lock.fileno()), self._lock_path.stat())
        return False
