"""What a run says and does when it is interrupted, and when it ends before everything is made."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from fooling.progress import say


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


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _say_that_it_ends)
    say("Interrupted. To resume, type the same command again.")
    sys.exit(128 + number)


def _say_that_it_ends(number: int, frame: FrameType | None) -> None:
    say("Already ending: waiting for running jobs to stop.")
