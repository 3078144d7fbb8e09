"""Memory that is freed is used again."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from pathlib import Path
import torch
from fooling.classifiers.devices import chosen_device

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

if {chooses}:
    chosen_device("cpu")
before = resident()
torch.empty(2**24).fill_(1)  # 64 MiB, freed at once
print(resident() - before)
"""


def _kept(*, chooses: bool) -> int:
    """Bytes that a process holds when a layer's output of 64 MiB is gone."""
    called = [sys.executable, "-c", PROGRAM.format(chooses=chooses)]
    return int(subprocess.run(called, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_the_memory_of_a_layer_is_kept_for_the_next() -> None:
    assert _kept(chooses=True) > 60 * 2**20
    assert _kept(chooses=False) < 4 * 2**20  # else there is nothing to do
