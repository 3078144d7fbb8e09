"""Memory of the CPU: what a network's layers free is kept for the next ones, and a lack of it is recognised."""

from __future__ import annotations

import ctypes
import re

#: torch's words, and those of the C++ library, for memory that cannot be had; torch has no class of error for it.
_LACK = re.compile(r"DefaultCPUAllocator|bad_alloc|out of memory|[Cc]annot allocate memory")
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # names of glibc's malloc.h
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """From now on this process reuses large blocks that it freed; no results change, and other C libraries do as ever.

    A layer's output of more than 32 MB is otherwise new memory for every batch, which the system must clear page by
    page: with SqueezeNet on 227x227 pixels that took a third of the time.
    """
    if (set_option := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        set_option(_MMAP_MAX, 0)
        set_option(_TRIM_THRESHOLD, _LARGEST)


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, that of the CPU or of a GPU."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and _LACK.search(str(error)) is not None
    )


def asked_for(error: BaseException) -> str:
    """How much memory was asked for at once when it ran out, as far as ``error`` says."""
    size = re.search(r"allocate (\d+) bytes", str(error))
    return f"{int(size[1]):,} bytes asked for at once" if size else str(error) or "no memory left"
