"""What people read of a command: errors with how to fix them, numbers and lists as text, messages, and progress."""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from tqdm import tqdm

#: Differs from run to run and means nothing to a reader: `<_io.BytesIO object at 0x7f0c…>`.
MEMORY_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

#: How to fix a file that a command has written.
REMEDY = "delete it and make it again"

#: Messages of torch and of the C++ library for a lack of memory; torch has no exception class for it.
OUT_OF_MEMORY = re.compile(r"DefaultCPUAllocator|bad_alloc|out of memory|[Cc]annot allocate memory")


#: The extra of this package that brings each optional package, by the name under which it is imported.
EXTRAS = {
    "art": "study",
    "krippendorff": "survey",
    "onnxruntime": "onnx",
    "open_clip": "open_clip",
    "pyarrow": "study",
    "pytorch_ood": "study",
    "seaborn": "study",
    "sklearn": "study",
    "skops": "study",
    "statsmodels": "study",
    "threadpoolctl": "study",
    "timm": "timm",
    "transformers": "huggingface",
}
UNKNOWN = "unknown"
ENCODINGS = {"direct": "direct encoding", "cppn": "CPPN encoding"}


class FoolingError(Exception):
    """An error in the user's input (a file, a key, a value), with a message that explains how to fix it.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """

    def __init__(
        self, problem: str, *, found: object = None, expected: object = None, remedy: str | None = None
    ) -> None:
        lines = [problem]
        for label, value in (("found", found), ("expected", expected), ("to fix it", remedy)):
            if value is not None:
                lines.append(_labelled(label, str(value)))
        super().__init__(MEMORY_ADDRESS.sub("", "\n".join(lines)))


def _labelled(label: str, text: str) -> str:
    """Return one indented line, or for a text of several lines an indented block below its label."""
    if "\n" not in text:
        return f"  {label}: {text}"
    return f"  {label}:\n" + "\n".join(f"    {line}" for line in text.splitlines())


def missing_package(error: ImportError) -> FoolingError | None:
    """Return the error that names the extra with the optional package that ``error`` misses; None for others."""
    reason: BaseException | None = error
    while reason is not None:
        package = (reason.name or "").partition(".")[0] if isinstance(reason, ImportError) else ""
        if package in EXTRAS:
            remedy = f"pip install 'fooling[{EXTRAS[package]}]'"
            return FoolingError(f"this needs the package {package}", found="not installed", remedy=remedy)
        reason = reason.__cause__ or reason.__context__
    return None


def is_lack_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` reports that the memory of the CPU or of a GPU is used up."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and OUT_OF_MEMORY.search(str(error)) is not None
    )


def requested_memory(error: BaseException) -> str:
    """Return how much memory was requested when it ran out, as far as ``error`` reports it."""
    size = re.search(r"allocate (\d+) bytes", str(error))
    return f"{int(size[1]):,} bytes requested at once" if size else str(error) or "no memory left"


def percent(confidence: float, *, decimals: int = 2) -> str:
    """Return a confidence (0 to 1) in percent, truncated to some decimals.

    .98999 gives ``98.99 %``, not ``99.00 %``. The highest value with so many decimals is printed with its sign: .9999,
    .99996 and 1 all give ``≥ 99.99 %``. Numbers just below 1 are 1 in `float32`. NaN gives ``unknown``.
    """
    if math.isnan(confidence):
        return UNKNOWN
    step = Decimal(1).scaleb(-decimals)
    shown = (Decimal(repr(float(confidence))) * 100).quantize(step, rounding=ROUND_FLOOR)
    highest = 100 - step
    return f"≥ {highest} %" if shown >= highest else f"{shown} %"


def short_percent(confidence: Decimal | float) -> str:
    """Return a confidence in percent with the decimals it needs: ``99.99 %``, ``50 %``."""
    return f"{(Decimal(str(confidence)) * 100).normalize():f} %"


def whole_percent(share: float) -> str:
    """Return a share (0 to 1) in whole percent, never rounded to 0 or 100: ``37 %``, ``< 1 %``, ``> 99 %``."""
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def share_percent(share: float) -> str:
    """Return an exact ``share`` (0 to 1) in percent, rounded to two decimals; from 99 % on truncated.

    .99996 gives ``> 99.99 %``; only 1 gives ``100 %``. NaN gives ``unknown``.
    """
    if math.isnan(share):
        return UNKNOWN
    exact = Decimal(repr(float(share))) * 100
    if Decimal("99.99") < exact < 100:
        return "> 99.99 %"
    rounding = ROUND_FLOOR if 99 <= exact < 100 else ROUND_HALF_EVEN
    return f"{_trimmed(exact.quantize(Decimal('0.01'), rounding=rounding))} %"


def _trimmed(number: Decimal) -> str:
    """Return ``number`` as text without trailing zeros."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def cell(text: object) -> str:
    """Return a text for a cell: on one line, with pipes escaped."""
    return " ".join(str(text).replace("|", "\\|").split("\n"))


def table_row(cells: Iterable[object]) -> str:
    """Return one row of a table, with the end of its line."""
    return f"| {' | '.join(map(cell, cells))} |\n"


def unbroken(text: str) -> str:
    """Return ``text`` with non-breaking spaces before percent signs and after ``≥``."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace("≥ ", "≥\N{NO-BREAK SPACE}")


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 run``, ``5 runs``, ``2 classes``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def capitalised(words: str) -> str:
    """Return a phrase with a capital first letter; the rest stays: ``CPPN encoding``."""
    return words[:1].upper() + words[1:]


def listed(names: Sequence[str]) -> str:
    """Return names as a phrase: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


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
