"""Memory that is freed is used again, and where it ends a message says so."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import torch

from fooling.classifiers.devices import enough_memory
from fooling.classifiers.memory import is_lack_of_memory
from fooling.errors import FoolingError

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


def test_a_lack_of_memory_on_a_cpu_names_the_setting_to_lower() -> None:
    with (
        pytest.raises(
            FoolingError, match=r"scoring needs more memory than there is\n  found: 1,125,899,906,842,624 bytes"
        ),
        enough_memory("scoring", setting="chunk_size", value=50),
    ):
        torch.empty(2**50, dtype=torch.uint8)


def test_other_errors_pass() -> None:
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("cannot allocate memory")):
        with pytest.raises(type(error), match=str(error)), enough_memory("scoring", setting="chunk_size", value=50):
            raise error


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("std::bad_alloc"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (OSError(28, "No space left on device"), False),
        (RuntimeError("memory format option is only supported by strided tensors"), False),
    ],
    ids=str,
)
def test_a_lack_of_memory_is_recognised(error: Exception, lacks: bool) -> None:
    assert is_lack_of_memory(error) == lacks
