"""Show the progress of a long command on standard error: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

LOG_INTERVAL = 10.0  # seconds between two lines in a log


class Progress:
    """Count steps towards ``total``; made by :func:`progress`."""

    def __init__(self, *, total: int | None, done: int, description: str, unit: str) -> None:
        self._total, self._done, self._description, self._unit = total, done, description, unit
        self._next_line = time.monotonic() + LOG_INTERVAL
        self._bar = tqdm(total=total, initial=done, desc=description, unit=unit) if sys.stderr.isatty() else None

    def advance(self, steps: int = 1, *, note: Callable[[], str] | None = None) -> None:
        """Count ``steps`` more; ``note`` returns a short remark and is called only when it is shown."""
        self._done += steps
        if self._bar is not None:
            if self._bar.update(steps) and note is not None:
                self._bar.set_postfix_str(note())
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LOG_INTERVAL
            remark = f", {note()}" if note is not None else ""
            of_total = "" if self._total is None else f" of {self._total}"
            say(f"{self._description}: {self._done}{of_total} {self._unit}{remark}")

    def close(self) -> None:
        """Leave the bar on the screen as it is."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def progress(*, total: int | None, description: str, done: int = 0, unit: str = "steps") -> Iterator[Progress]:
    """Yield a :class:`Progress` towards ``total``, or None if it is unknown; ``done`` steps were done before."""
    counter = Progress(total=total, done=done, description=description, unit=unit)
    try:
        yield counter
    finally:
        counter.close()


def say(message: str) -> None:
    """Print one line to standard error."""
    print(message, file=sys.stderr, flush=True)
