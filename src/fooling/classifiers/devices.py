"""Choose the device of a command, run work on it reproducibly, and let several processes train one network together.

A GPU lock is a lock on a file, which ends with the process. The files are in a folder of the user in the system's
temporary directory, so that all studies on the machine share them.

torch's launcher starts the processes of one training on one machine and watches them. Each has its part of every batch
and its own GPU; without GPUs they share the cores. Rank 0 leads: only it writes files.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fooling.messages import FoolingError, is_lack_of_memory, requested_memory, say

KNOWN_NAMES = "auto, cpu, cuda or cuda:<number>"

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # options of mallopt, in glibc's malloc.h
LARGEST_INT = 2**31 - 1


def chosen_device(name: str = "auto") -> torch.device:
    """Return the device ``name``: ``cpu``, ``cuda``, ``cuda:1`` and so on, or ``auto``.

    ``auto`` is the device in the environment variable FOOLING_DEVICE, else a GPU if there is one. From now on a GPU
    belongs to this process alone, and is the only one that it sees; ``cuda`` waits for a free one. If
    CUDA_VISIBLE_DEVICES shows exactly one GPU, it is used without a lock.

    Raises:
        FoolingError: The name is unknown, or the GPU does not exist.
    """
    device = _named(name)
    if device.type == "cuda":
        return _gpu(device)
    keep_freed_memory()
    return device


def require_devices(name: str, processes: int) -> None:
    """Raise :class:`FoolingError` unless each of ``processes`` processes can use its own device ``name``."""
    device = _named(name)
    there = torch.cuda.device_count() if device.index is None else 1
    if device.type == "cuda" and there < processes:
        raise FoolingError(
            f"{processes} processes cannot compute on {device} together",
            found=f"{there} GPUs to choose from",
            expected="one GPU for each process",
            remedy="lower machine.training_processes (or --processes), or set the device to cuda, without a number",
        )


def _named(name: str) -> torch.device:
    if name == "auto":
        name = os.environ.get("FOOLING_DEVICE") or "auto"
    if name == "auto":
        name = "cuda" if torch.cuda.device_count() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise FoolingError("unknown device", found=name, expected=KNOWN_NAMES) from None
    if device.type not in ("cpu", "cuda"):
        raise FoolingError("unsupported device", found=name, expected=KNOWN_NAMES)
    return device


def _gpu(wanted: torch.device) -> torch.device:
    """Make ``wanted``, or any GPU if it has no number, the only GPU that this process sees."""
    # Asking torch for more than the number of GPUs would start CUDA, which then ignores the variable set below.
    count = torch.cuda.device_count()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").replace(" ", "")
    visible = (shown.split(",") if shown else [str(number) for number in range(count)])[:count]
    allowed = visible if wanted.index is None else visible[wanted.index :][:1]
    if not allowed:
        raise FoolingError(
            f"the device {wanted} does not exist",
            found=f"{count} usable GPUs",
            remedy="set machine.device (or --device, or FOOLING_DEVICE) to auto or cpu",
        )
    if shown != allowed[0]:
        os.environ["CUDA_VISIBLE_DEVICES"] = lock_gpu(allowed)
    return torch.device("cuda")


@contextmanager
def reproducible(device: torch.device, *, threads: int) -> Iterator[None]:
    """Run code that gives the same bits each time on the same kind of machine.

    torch then uses ``threads`` CPU threads and only GPU convolutions that sum in a fixed order and in full float32.
    Random generators are restored afterwards.
    """
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with (
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_num_threads(threads_before)


@contextmanager
def enough_memory(work: str, *, setting: str, value: int) -> Iterator[None]:
    """Run ``work``; if memory runs out, raise :class:`FoolingError` that names the ``setting`` to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_lack_of_memory(error):
            raise
        on_gpu = isinstance(error, torch.OutOfMemoryError)
        raise FoolingError(
            f"{work} needs more memory than {'the GPU' if on_gpu else 'this machine'} has",
            found=str(error).partition(". ")[0] if on_gpu else requested_memory(error),
            remedy=f"lower `{setting}` of the network (now {value}), or "
            + ("set machine.device to cpu" if on_gpu else "close other programs"),
        ) from None


def keep_freed_memory() -> None:
    """Let this process reuse large freed blocks from now on; results do not change, nor do other C libraries.

    A layer's output of more than 32 MB is otherwise new memory for every batch, which the system must clear page by
    page:
    with SqueezeNet on 227x227 pixels that took a third of the time.
    """
    if (set_option := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        set_option(MMAP_MAX, 0)
        set_option(TRIM_THRESHOLD, LARGEST_INT)


POLL_INTERVAL = 0.2  # seconds; no system call waits for the first of several locks


def lock_gpu(gpus: Sequence[str]) -> str:
    """Lock the first of ``gpus`` that no other process holds, until this process ends; wait while all are locked.

    GPUs are named as in CUDA_VISIBLE_DEVICES. Raises :class:`FoolingError` if the lock files cannot be written.
    """
    folder = Path(tempfile.gettempdir()) / f"fooling-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if (gpu := _lock_one_of(gpus, folder)) is None:
            say(f"other processes use GPU {', '.join(gpus)}: waiting until one ends")
        while gpu is None:
            time.sleep(POLL_INTERVAL)
            gpu = _lock_one_of(gpus, folder)
    except OSError as error:
        raise FoolingError(f"{folder} cannot hold GPU locks", found=error.strerror) from None
    return gpu


def _lock_one_of(gpus: Sequence[str], folder: Path) -> str | None:
    """Return the first of ``gpus`` whose file could be locked, or None."""
    return next((gpu for gpu in gpus if _lock(folder / gpu.replace("/", "-"))), None)


def _lock(path: Path) -> bool:
    """Lock the file ``path`` until the process ends; return False if another process holds it."""
    # A file object would be closed while Python still ends, before the process has freed the memory of its GPU.
    lock = os.open(path, os.O_WRONLY | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True


#: Rank 0 may wait for another training of the same network. The launcher notices processes that end.
PATIENCE = timedelta(days=30)

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """The rank of this process in a process group of ``size`` processes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process has rank 0, which writes files."""
        return self.rank == 0

    @property
    def words(self) -> tuple[str | int, ...]:
        """The part of a seed's purpose that differs between processes; empty for a single process."""
        return () if self.size == 1 else ("process", self.rank)

    def parallel(self, network: nn.Module) -> nn.Module:
        """Return ``network`` with gradients averaged over all processes, so that they are those of the whole batch.

        All processes start with the parameters of rank 0 and use its statistics of batch normalisation.
        """
        if self.size == 1:
            return network
        # This keeps one order of gradients in memory from the first step on. Otherwise torch reorders them after the
        # first step, also of a resumed training, and sums of three numbers have other last bits.
        return DistributedDataParallel(network, find_unused_parameters=True)

    def all_gather(self, values: torch.Tensor) -> torch.Tensor:
        """Return the ``values`` (...) of all processes, as (size, ...) on the CPU."""
        values = values.cpu()
        if self.size == 1:
            return values[None]
        of_each = [torch.empty_like(values) for _ in range(self.size)]
        distributed.all_gather(of_each, values)
        return torch.stack(of_each)

    def broadcast(self, value: T) -> T:
        """Return the ``value`` of rank 0."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]


SINGLE = ProcessGroup()


def is_launched() -> bool:
    """Return whether torch's launcher started this process."""
    return distributed.is_torchelastic_launched()


@contextmanager
def joined(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the process group, computing on ``device``; a single process if torch's launcher did not start it."""
    if not is_launched():
        yield SINGLE
        return
    # Values on the CPU are exchanged too, such as the states of random generators.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    yield ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    distributed.destroy_process_group()  # not after an error: other processes may then wait until they are ended


def require_equal_parts(batch_size: int, group: ProcessGroup) -> None:
    """Raise :class:`FoolingError` unless all processes of the ``group`` get equal parts of a batch."""
    if batch_size % group.size:
        raise FoolingError(
            "a batch cannot be divided evenly",
            found=f"training.batch_size: {batch_size}, for {group.size} processes",
            expected=f"a multiple of {group.size}",
            remedy="change training.batch_size or the number of processes",
        )


PROCESSES_VARIABLE = "FOOLING_TRAINING_PROCESSES"


def wanted_processes(processes: int | None) -> int:
    """Return the number of processes to train with: ``processes``, else that in the environment, else 1.

    It is 1 within such a process. Raises :class:`FoolingError` for an invalid number.
    """
    if is_launched():
        return 1
    given = os.environ.get(PROCESSES_VARIABLE) or "1" if processes is None else str(processes)
    if not given.isdecimal() or int(given) < 1:
        problem = f"invalid number of processes (--processes, or {PROCESSES_VARIABLE})"
        raise FoolingError(problem, found=given, expected="a number from 1 up")
    return int(given)


def launch(command: str, options: Mapping[str, object], *, processes: int, device: str) -> None:
    """Run ``command`` with these ``options`` in several processes, each on its own GPU if ``device`` is a GPU.

    Raises :class:`FoolingError` if a process fails, which reports the reason itself, and for more processes than GPUs.
    """
    # Imported here because it takes a second.
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    require_devices(device, processes)
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    # In every process torch warns of the cost of the option that keeps the bits of a resumed training.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    config = LaunchConfig(
        run_id=command,
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "fooling.cli.main", command, *words)
    except (ChildFailedError, SignalException) as error:
        found = error if isinstance(error, SignalException) else "see its message above"
        raise FoolingError(f"one of {processes} processes has failed", found=found) from None
