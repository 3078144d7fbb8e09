"""The processes that train one network together, each on its part of every batch, and on a GPU of its own.

They are started by torch's launcher, on one machine; without GPUs they share its cores. The first of them leads: it
alone writes files.
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

#: The one that leads may wait for another training of the same network. Whoever ends is noticed by the launcher.
PATIENCE = timedelta(days=30)

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """The place of this process among ``size`` ones that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def words(self) -> tuple[str | int, ...]:
        """What tells the random numbers of this process from those of the others; nothing if it is alone."""
        return () if self.size == 1 else ("process", self.rank)

    def parallel(self, network: nn.Module) -> nn.Module:
        """``network`` such that its gradients become the means over all processes: those of the whole batch.

        All begin with the parameters of the first one, and go on with its statistics of batch normalisation.
        """
        if self.size == 1:
            return network
        # With this set the gradients lie in the same order in memory from the first step on. Else they are ordered anew
        # after it, also after the first one of a resumed training, and three numbers add up to other bits.
        return DistributedDataParallel(network, find_unused_parameters=True)

    def all_gather(self, values: torch.Tensor) -> torch.Tensor:
        """The ``values`` (...) of every process, as (size, ...) on the CPU."""
        values = values.cpu()
        if self.size == 1:
            return values[None]
        of_each = [torch.empty_like(values) for _ in range(self.size)]
        distributed.all_gather(of_each, values)
        return torch.stack(of_each)

    def broadcast(self, value: T) -> T:
        """What ``value`` is to the process that leads."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]


SINGLE = ProcessGroup()


def is_launched() -> bool:
    """Whether torch's launcher has started this process."""
    return distributed.is_torchelastic_launched()


@contextmanager
def joined(device: torch.device) -> Iterator[ProcessGroup]:
    """The group of this process, which computes on ``device``; alone if it was not started by torch's launcher."""
    if not is_launched():
        yield SINGLE
        return
    # Numbers on the CPU are exchanged too: who is to keep its state, and the state of random generators.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    yield ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    distributed.destroy_process_group()  # not after an error: the others may wait for this process, and are ended


def require_equal_parts(batch_size: int, group: ProcessGroup) -> None:
    """Raise :class:`FoolingError` unless every process of the ``group`` gets as many images of a batch."""
    if batch_size % group.size:
        raise FoolingError(
            "a batch cannot be shared out evenly",
            found=f"training.batch_size: {batch_size}, for {group.size} processes",
            expected=f"a multiple of {group.size}",
            remedy="change training.batch_size, or how many processes train together",
        )
