"""Train one network in several processes, each with its part of every batch and its own GPU.

torch's launcher starts them on one machine and watches them. Without GPUs they share its cores. Rank 0 leads: only it
writes files.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fooling.classifiers.devices import require_devices
from fooling.errors import FoolingError

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
