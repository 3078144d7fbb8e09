"""A GPU belongs to one process at a time, and is free again as soon as that process is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fooling.classifiers.leases import leased_gpu
from fooling.errors import FoolingError

HOLDER = """
import os, sys
import torch
from fooling.classifiers.devices import chosen_device
torch.cuda.device_count = lambda: 2
assert chosen_device("auto") == chosen_device("auto") == torch.device("cuda")
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""

Holder = subprocess.Popen[str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Holder]]:
    """Starts a process that takes one of two pretended GPUs, says which, and keeps it until its input ends."""
    hidden = ("CUDA_VISIBLE_DEVICES", "FOOLING_DEVICE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"TMPDIR": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with ExitStack() as started:

        def one_more() -> Holder:
            holder = subprocess.Popen((sys.executable, "-c", HOLDER), env=environment, text=True, **pipes)
            started.enter_context(holder)
            started.callback(holder.kill)
            return holder

        yield one_more


def _gpu_of(holder: Holder) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


def _waits(holder: Holder) -> bool:
    assert holder.stderr is not None
    return "waiting until one ends" in holder.stderr.readline()


def test_no_two_processes_hold_the_same_gpu(start: Callable[[], Holder]) -> None:
    some, other = start(), start()
    assert {_gpu_of(some), _gpu_of(other)} == {"0", "1"}
    third, fourth = start(), start()
    assert _waits(third) and _waits(fourth)
    some.communicate()
    other.communicate()
    assert {_gpu_of(third), _gpu_of(fourth)} == {"0", "1"}


def test_a_killed_process_frees_its_gpu(start: Callable[[], Holder]) -> None:
    holders = {_gpu_of(holder): holder for holder in (start(), start())}
    third = start()
    assert _waits(third)
    holders["1"].kill()
    assert _gpu_of(third) == "1"


def test_a_folder_that_cannot_hold_leases_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(FoolingError, match=r"missing.* cannot hold the leases"):
        leased_gpu(["0"])
