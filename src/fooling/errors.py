"""Errors that a user sees: what is wrong, what was found, what was expected and how to fix it."""

from __future__ import annotations

import re

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
    "setproctitle": "study",
    "sklearn": "study",
    "skops": "study",
    "statsmodels": "study",
    "threadpoolctl": "study",
    "timm": "timm",
    "transformers": "huggingface",
}


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
