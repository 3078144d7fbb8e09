"""`fooling train` in several processes, as torch's launcher starts them, but sooner: torch is imported already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Mapping
from typing import Any

from fooling.reproducibility import CheckpointStore


def train_together(options: Mapping[str, Any], *, processes: int, killed_at_state: int | None = None) -> list[int]:
    """Train with these ``options`` in so many processes; their exit codes.

    Where ``killed_at_state`` says so, every iteration leaves a state, and the process that leads is killed after so
    many.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch._dynamo", "fooling.cli.training"])
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    group = [
        context.Process(target=_train, args=(options, rank, processes, port, killed_at_state))
        for rank in range(processes)
    ]
    for process in group:
        process.start()
    for process in group:
        process.join()
    return [process.exitcode or 0 for process in group]


def _train(options: Mapping[str, Any], rank: int, processes: int, port: int, killed_at_state: int | None) -> None:
    from fooling.cli.training import train

    told = {"RANK": rank, "WORLD_SIZE": processes, "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    os.environ |= {key: str(value) for key, value in {**told, "TORCHELASTIC_RUN_ID": "test"}.items()}
    if killed_at_state is not None:
        states = iter(range(killed_at_state))
        save = CheckpointStore.save

        def saved(*arguments: Any) -> None:
            save(*arguments)
            if next(states, None) == killed_at_state - 1:
                os.kill(os.getpid(), signal.SIGKILL)

        CheckpointStore.save, CheckpointStore.is_due = saved, lambda store: True  # type: ignore[method-assign]
    train(**options)
