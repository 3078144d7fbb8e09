"""Keeps results independent of how many threads a process may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """A stretch of work on one thread of the CPU.

    The last bits of some functions, such as the sigmoid, depend on where a tensor is cut between threads.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
