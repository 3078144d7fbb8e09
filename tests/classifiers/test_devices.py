"""Where a command computes, and what it leaves behind."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from fooling.classifiers.devices import chosen_device, enough_memory, lock_gpu, reproducible
from fooling.messages import FoolingError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _two_gpus_pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("FOOLING_DEVICE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # put back after the test, whatever a GPU lock changes


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert chosen_device("auto") == CPU


def test_the_environment_decides_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOLING_DEVICE", "cpu")
    assert chosen_device("auto") == CPU
    assert chosen_device("cuda") == torch.device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:2", "meta"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(FoolingError, match=name):
        chosen_device(name)


def test_for_a_missing_gpu_the_setting_is_told() -> None:
    with pytest.raises(FoolingError, match=r"cuda:2 does not exist(.|\n)*set machine.device .* to auto or cpu"):
        chosen_device("cuda:2")


@pytest.mark.parametrize(
    ("shown", "name", "seen"),
    [
        ("", "cuda:1", "1"),
        ("5,7", "cuda", "5"),
        ("5, 7", "cuda:1", "7"),
        ("MIG-a/1/0,MIG-a/2/0", "cuda:1", "MIG-a/2/0"),
    ],
)
def test_a_process_sees_its_gpu_alone(monkeypatch: pytest.MonkeyPatch, shown: str, name: str, seen: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert chosen_device(name) == torch.device("cuda")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_a_single_gpu_that_is_shown_needs_no_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert chosen_device("cuda") == torch.device("cuda")
    assert list(tmp_path.iterdir()) == []


def test_reproducible_work_leaves_threads_and_random_numbers_alone() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with reproducible(CPU, threads=threads + 1):
        assert torch.get_num_threads() == threads + 1
        torch.manual_seed(1)
        torch.rand(3)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


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


@pytest.mark.slow
def test_no_two_processes_hold_the_same_gpu(start: Callable[[], Holder]) -> None:
    some, other = start(), start()
    assert {_gpu_of(some), _gpu_of(other)} == {"0", "1"}
    third, fourth = start(), start()
    assert _waits(third) and _waits(fourth)
    some.communicate()
    other.communicate()
    assert {_gpu_of(third), _gpu_of(fourth)} == {"0", "1"}


@pytest.mark.slow
def test_a_killed_process_frees_its_gpu(start: Callable[[], Holder]) -> None:
    holders = {_gpu_of(holder): holder for holder in (start(), start())}
    third = start()
    assert _waits(third)
    holders["1"].kill()
    assert _gpu_of(third) == "1"


HELD_WHILE_PYTHON_ENDS = """
import fcntl, os, tempfile
from fooling.classifiers import devices

class Late:  # deleted with the module, after its names that begin with an underscore
    def __init__(self, path):
        self.file, self.lock, self.options = open(path, "w"), fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB
    def __del__(self):
        try:
            self.lock(self.file, self.options)
        except BlockingIOError:
            print("held")

devices.late = Late(os.path.join(tempfile.gettempdir(), f"fooling-gpus-{os.getuid()}", devices.lock_gpu(["0"])))
"""


def test_a_gpu_is_held_until_its_process_has_gone(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", HELD_WHILE_PYTHON_ENDS],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "held\n"


def test_a_folder_that_cannot_hold_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(FoolingError, match=r"missing.* cannot hold GPU locks"):
        lock_gpu(["0"])


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
@pytest.mark.slow
def test_the_memory_of_a_layer_is_kept_for_the_next() -> None:
    assert _kept(chooses=True) > 60 * 2**20
    assert _kept(chooses=False) < 4 * 2**20  # otherwise this test shows nothing


def test_a_lack_of_memory_on_a_cpu_names_the_setting_to_lower() -> None:
    with (
        pytest.raises(
            FoolingError, match=r"scoring needs more memory than this machine has\n  found: 1,125,899,906,842,624 bytes"
        ),
        enough_memory("scoring", setting="chunk_size", value=50),
    ):
        torch.empty(2**50, dtype=torch.uint8)


def test_other_errors_pass() -> None:
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("cannot allocate memory")):
        with pytest.raises(type(error), match=str(error)), enough_memory("scoring", setting="chunk_size", value=50):
            raise error
