"""The lock that shows which Snakemake processes are running, so that none of them is unlocked by another.

Snakemake's own locks are files that stay behind when it is killed. This one is held by the system and ends with its
process: every main process shares it, and only a process that holds it alone may delete Snakemake's locks.
"""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from fooling.errors import FoolingError
from fooling.progress import say

LOCK = Path(".snakemake/running.lock")


def only_reads(arguments: Sequence[str]) -> bool:
    """Whether Snakemake is called to look at the rules alone, for which it needs no folder of its own."""
    return any(word.startswith(("--lint", "--list-rules", "--list-target-rules")) for word in arguments)


def unlocks(arguments: Sequence[str]) -> bool:
    """Whether Snakemake is called with ``--unlock``, which it also takes in shorter forms."""
    return any("--unlock".startswith(word) and len(word) >= len("--unl") for word in arguments)


def lock_shared() -> IO[bytes]:
    """Show that this process is running in the working directory, for as long as the returned handle is open.

    Waits only while another process unlocks or cleans the directory, which takes seconds. Raises :class:`FoolingError`
    in a folder that cannot be written.
    """
    handle = _opened()
    if not _is_taken(handle, fcntl.LOCK_SH):
        say("Another process is unlocking or cleaning this folder: waiting until it ends.")
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def lock_alone() -> IO[bytes]:
    """Make sure that no other Snakemake is running in the working directory, for as long as the handle is open.

    Raises :class:`FoolingError` if another one is running, and in a folder that cannot be written.
    """
    handle = _opened()
    if not _is_taken(handle, fcntl.LOCK_EX):
        raise FoolingError(
            "this folder is not unlocked: snakemake is running in it",
            found=f"{LOCK} is held by another process",
            remedy="wait until that process ends. `make run` waits for it, unlocks the folder if needed, and resumes",
        )
    return handle


def _opened() -> IO[bytes]:
    """The lock file. Where it cannot be written, Snakemake would end in a traceback, also in a dry run."""
    try:
        LOCK.parent.mkdir(exist_ok=True)
        return LOCK.open("ab+")
    except OSError as error:
        raise FoolingError(
            f"snakemake cannot write in {LOCK.parent}, as it must even in a dry run",
            found=error,
            remedy="make room, or copy the repository to a folder that can be written",
        ) from None


def _is_taken(handle: IO[bytes], mode: int) -> bool:
    """Whether the lock could be taken at once; also true on a disk without locks, where nothing can be shown."""
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
