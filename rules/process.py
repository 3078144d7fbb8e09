"""The Snakemake process itself: its lock, its last message, and its errors.

Snakemake's own locks are files that remain when it is killed. The operating system releases the lock of this module
when its process ends. All main processes share the lock; only a process that holds it alone may delete Snakemake's
locks.
"""

from __future__ import annotations

import fcntl
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from snakemake.exceptions import WorkflowError  # type: ignore[import-untyped]

from fooling.messages import FoolingError, say

LOCK = Path(".snakemake/running.lock")
CLEAR = "\r\x1b[K"  # the line of a terminal that shows what is running (``--logger fooling``)
RETRY = 0.01  # seconds until an interrupt is handled that came while a message was written


@contextmanager
def without_traceback() -> Iterator[None]:
    """Turn a :class:`FoolingError` into an error that Snakemake prints as a message."""
    try:
        yield
    except FoolingError as error:
        raise WorkflowError(str(error)) from None


def only_reads(arguments: Sequence[str]) -> bool:
    """Return whether Snakemake only reads the rules, and so needs no lock."""
    return any(word.startswith(("--lint", "--list-rules", "--list-target-rules")) for word in arguments)


def unlocks(arguments: Sequence[str]) -> bool:
    """Return whether Snakemake is called with ``--unlock`` or an abbreviation of it."""
    return any("--unlock".startswith(word) and len(word) >= len("--unl") for word in arguments)


def lock_shared() -> IO[bytes]:
    """Share the lock of the working directory while the returned handle is open.

    Waits only while another process unlocks or cleans the directory, which takes seconds. Raises :class:`FoolingError`
    if the directory is not writable.
    """
    handle = _opened()
    if not _acquires(handle, fcntl.LOCK_SH):
        say("Another process is unlocking or cleaning this folder: waiting until it ends.")
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def lock_alone() -> IO[bytes]:
    """Hold the lock of the working directory alone while the returned handle is open.

    Raises :class:`FoolingError` if another Snakemake is running there, or if the directory is not writable.
    """
    handle = _opened()
    if not _acquires(handle, fcntl.LOCK_EX):
        raise FoolingError(
            "this folder is not unlocked: snakemake is running in it",
            found=f"{LOCK} is held by another process",
            remedy="wait until that process ends. `make run` waits for it, unlocks the folder if needed, and resumes",
        )
    return handle


def end_without_traceback_on_ctrl_c() -> None:
    """End with a message at the first Ctrl-C, and ignore further ones.

    Changes nothing if the process ignores Ctrl-C or has its own handler.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def message_at_end(*, failed: int, left: int) -> str:
    """Return the message with the numbers of failed and remaining jobs."""
    return (
        f"The run ended early: {failed} jobs failed, {left} are left. All finished results are kept."
        " To resume, type the same command again."
    )


def _opened() -> IO[bytes]:
    """Open the lock file.

    Raises :class:`FoolingError` if it is not writable. Snakemake itself would end with a traceback, even in a dry run.
    """
    try:
        LOCK.parent.mkdir(exist_ok=True)
        return LOCK.open("ab+")
    except OSError as error:
        raise FoolingError(
            f"snakemake cannot write in {LOCK.parent}, which it needs even for a dry run",
            found=error,
            remedy="free disk space, or copy the repository to a writable folder",
        ) from None


def _acquires(handle: IO[bytes], mode: int) -> bool:
    """Try to acquire the lock without waiting, and return whether this succeeded.

    Also true on a file system without locks.
    """
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _end(number: int, frame: FrameType | None) -> None:
    """End, but not from within a log handler: that of Snakemake swallows :class:`SystemExit`, and the run continues."""
    if _writes_a_message(frame):
        signal.signal(signal.SIGALRM, _end)
        signal.setitimer(signal.ITIMER_REAL, RETRY)
        return
    signal.signal(signal.SIGINT, _report_ending)
    _say_on_a_line("Interrupted. To resume, type the same command again.")
    sys.exit(128 + signal.SIGINT)


def _writes_a_message(frame: FrameType | None) -> bool:
    """Return whether a log handler is among the callers of this frame."""
    while frame is not None:
        if frame.f_code.co_name == "emit" and isinstance(frame.f_locals.get("self"), logging.Handler):
            return True
        frame = frame.f_back
    return False


def _report_ending(number: int, frame: FrameType | None) -> None:
    _say_on_a_line("Already ending: waiting for running jobs to stop.")


def _say_on_a_line(message: str) -> None:
    say(f"{CLEAR}{message}" if sys.stderr.isatty() else message)
