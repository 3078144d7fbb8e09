"""The Snakemake process itself: the lock that shows that it is running, what it says at its end, and its errors.

Snakemake's own locks are files that stay behind when it is killed. The lock here is held by the system and ends with
its process: every main process shares it, and only a process that holds it alone may delete Snakemake's locks.
"""

from __future__ import annotations

import fcntl
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from snakemake.exceptions import WorkflowError  # type: ignore[import-untyped]

from fooling.errors import FoolingError
from fooling.progress import say

LOCK = Path(".snakemake/running.lock")


@contextmanager
def without_traceback() -> Iterator[None]:
    """Turn a :class:`FoolingError` into an error that Snakemake shows as a message alone."""
    try:
        yield
    except FoolingError as error:
        raise WorkflowError(str(error)) from None


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


def end_without_traceback_on_ctrl_c() -> None:
    """End at the first Ctrl-C with a message, and let further ones not break into that.

    Nothing changes where the process ignores Ctrl-C or handles it in its own way.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def message_at_end(*, failed: int, left: int) -> str:
    """Return how many jobs failed and how many are left, and how to resume."""
    return (
        f"The run ended early: {failed} jobs failed, {left} are left. All finished results are kept."
        " To resume, type the same command again."
    )


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


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _say_that_it_ends)
    say("Interrupted. To resume, type the same command again.")
    sys.exit(128 + number)


def _say_that_it_ends(number: int, frame: FrameType | None) -> None:
    say("Already ending: waiting for running jobs to stop.")
