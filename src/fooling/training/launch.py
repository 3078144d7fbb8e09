"""One command as several processes that compute together, started and watched by torch's launcher."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from fooling.classifiers.devices import require_devices
from fooling.errors import FoolingError
from fooling.training.process_group import is_launched

PROCESSES_VARIABLE = "FOOLING_TRAINING_PROCESSES"


def wanted_processes(processes: int | None) -> int:
    """How many processes are to train together: ``processes``, else what the environment says, else 1.

    Within one of them it is 1. Raises :class:`FoolingError` for what is no such number.
    """
    if is_launched():
        return 1
    told = os.environ.get(PROCESSES_VARIABLE) or "1" if processes is None else str(processes)
    if not told.isdecimal() or int(told) < 1:
        problem = f"so many processes cannot train together (--processes, or {PROCESSES_VARIABLE})"
        raise FoolingError(problem, found=told, expected="a number from 1 up")
    return int(told)


def launch(command: str, options: Mapping[str, object], *, processes: int, device: str) -> None:
    """Run ``command`` with these ``options`` in so many processes, each on a GPU of its own where ``device`` is one.

    Raises :class:`FoolingError` where one of them fails, which says why itself, and for more processes than GPUs.
    """
    # Imported here, because it takes a second.
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    require_devices(device, processes)
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    # torch warns of the price of what keeps a resumed training at the same bits, in every process.
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
        found = error if isinstance(error, SignalException) else "see what it said above"
        raise FoolingError(f"one of {processes} processes has not come to its end", found=found) from None
