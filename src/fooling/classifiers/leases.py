"""One GPU for each process: a lease is a lock on a file, and ends with the process, however that ends.

The files lie in a folder of the user in the system's temporary directory: all studies on the machine share them.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from fooling.errors import FoolingError
from fooling.progress import say

POLL_INTERVAL = 0.2  # seconds; no call waits for whichever of several locks is freed first

_leases: list[TextIO] = []  # open, and so locked, as long as the process lives


def leased_gpu(gpus: Sequence[str]) -> str:
    """The first of ``gpus`` that no other process holds, for this process from now on; waits while all are held.

    A GPU is named as in CUDA_VISIBLE_DEVICES. Raises :class:`FoolingError` where no lease can be kept.
    """
    folder = Path(tempfile.gettempdir()) / f"fooling-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if (gpu := _locked_among(gpus, folder)) is None:
            say(f"other processes hold GPU {', '.join(gpus)}: waiting until one ends")
        while gpu is None:
            time.sleep(POLL_INTERVAL)
            gpu = _locked_among(gpus, folder)
    except OSError as error:
        raise FoolingError(f"{folder} cannot hold the leases of GPUs", found=error.strerror) from None
    return gpu


def _locked_among(gpus: Sequence[str], folder: Path) -> str | None:
    """The first of ``gpus`` whose file could be locked, or None."""
    return next((gpu for gpu in gpus if _lock(folder / gpu.replace("/", "-"))), None)


def _lock(path: Path) -> bool:
    """Lock the file at ``path`` for the life of the process; False where another process has."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _leases.append(lock)
    return True
