"""Memory that a network's layers free is kept for the next ones, where the C library would give it back every time."""

from __future__ import annotations

import ctypes

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
