"""Train one network in several processes, each with its part of every batch and its own GPU.

torch's launcher starts them on one machine. Without GPUs they share its cores. Rank 0 leads: it alone writes files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from fooling.errors import FoolingError

#: The leading process may wait for another training of the same network. The launcher notices a process that ends.
PATIENCE = timedelta(days=30)

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """The rank of this process in its process group of ``size`` processes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process has rank 0, which writes files."""
        return self.rank == 0

    @property
    def words(self) -> tuple[str | int, ...]:
        """Part of the seed that differs from process to process; empty for a single process."""
        return () if self.size == 1 else ("process", self.rank)

    def parallel(self, network: nn.Module) -> nn.Module:
        """Return ``network`` with gradients averaged over all processes: those of the whole batch.

        All processes start with the parameters of rank 0 and use its statistics of batch normalisation.
        """
        if self.size == 1:
            return network
        # With this set the gradients lie in the same order in memory from the first step on. Else they are ordered anew
        # after it, also after the first one of a resumed training, and three numbers add up to other bits.
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
    # Numbers on the CPU are exchanged too: who is to keep its state, and the state of random generators.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    yield ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    distributed.destroy_process_group()  # not after an error: the others may wait for this process, and are ended


def require_equal_parts(batch_size: int, group: ProcessGroup) -> None:
    """Raise :class:`FoolingError` unless all processes of the ``group`` get equal parts of a batch."""
    if batch_size % group.size:
        raise FoolingError(
            "a batch cannot be shared out evenly",
            found=f"training.batch_size: {batch_size}, for {group.size} processes",
            expected=f"a multiple of {group.size}",
            remedy="change training.batch_size, or how many processes train together",
        )
