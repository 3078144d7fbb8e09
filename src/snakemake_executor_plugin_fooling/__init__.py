"""Executor of Snakemake for one machine: jobs that are one command of ``fooling`` are forked from a warm process.

``snakemake --executor fooling`` runs the same commands with the same results as without it, and saves the seconds that
every job otherwise takes to import PyTorch and the plotting libraries (``server.py``). All other jobs run
as usual: those in an environment or a container of their own, those with several threads, and all jobs where
``fooling`` and Snakemake are not installed together or the system cannot fork.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO, Any

from snakemake.benchmark import BenchmarkRecord, write_benchmark_records  # type: ignore[import-untyped]
from snakemake.exceptions import WorkflowError  # type: ignore[import-untyped]
from snakemake.executors import local  # type: ignore[import-untyped]

common_settings = local.common_settings

PROGRAM = "fooling"
#: Run by its path: as a module of this package, it would import Snakemake as well.
SERVER = Path(__file__).with_name("server.py")

#: Last argument of the server: its forks show their own command lines in the room that this takes.
ROOM_FOR_TITLE = " " * 2**16

#: Variables that limit the threads of numerical libraries, as Snakemake sets them for a job of one thread.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "GOTO_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}

_WORD = r"""(?:[\w@%+=:,./-]|'[^']*'|"[^"$`\\!]*")+"""

#: A command that a shell takes word by word: nothing to expand, one redirection at most.
COMMAND = re.compile(rf"\s*{PROGRAM}(?P<words>(?:\s+{_WORD})*?)(?:\s+2>\s*(?P<log>{_WORD}))?\s*")


class Executor(local.Executor):  # type: ignore[misc]
    """Snakemake's local executor, with a server for the commands of ``fooling``."""

    def __post_init__(self) -> None:
        """Prepare to start the server with the first job that it can run."""
        super().__post_init__()
        self._server: Server | None = None
        self._starting = threading.Lock()

    def run_single_job(self, job: Any) -> Future[None]:
        """Start a job: in the server if it is one command of ``fooling``, otherwise as usual."""
        command = None if self.workflow.deployment_settings.deployment_method else forkable_command(job)
        if command is None:
            return super().run_single_job(job)  # type: ignore[no-any-return]
        self.workflow.async_run(job.prepare())
        return self.pool.submit(self.cached_or_run, job, self._run_in_server, job, *command)  # type: ignore[no-any-return]

    def shutdown(self) -> None:
        """Wait for all jobs, then end the server."""
        super().shutdown()
        if self._server is not None:
            self._server.close()

    def cancel(self) -> None:
        """Wait for the jobs, which have been told to end, then end the server."""
        self.shutdown()

    def _run_in_server(self, job: Any, words: list[str], log: str | None) -> None:
        with self._starting:
            if self._server is None or not self._server.is_alive():
                self._server = Server()
        folder = job.resources.get("tmpdir")
        environment = dict.fromkeys(("TMPDIR", "TMP", "TEMPDIR", "TEMP"), folder) if folder else {}
        started = time.monotonic()
        ended = self._server.run(words, log=log, environment=environment)
        if ended is None:
            raise WorkflowError("the process that forks jobs has ended, and this job with it", rule=job.rule)
        if ended["status"] != 0:
            raise WorkflowError(
                f"Command '{job.shellcmd}' returned non-zero exit status {ended['status']}.", rule=job.rule
            )
        if job.benchmark is not None:
            _write_benchmark(job, ended, seconds=time.monotonic() - started, extended=self._extended)

    @property
    def _extended(self) -> bool:
        return bool(self.workflow.output_settings.benchmark_extended)


class Server:
    """The warm process, and the answers that it gives."""

    def __init__(self) -> None:
        self._connection, other = socket.socketpair()
        with other:
            command = [sys.executable, str(SERVER), ROOM_FOR_TITLE]
            self.process = subprocess.Popen(command, stdin=other.fileno(), env=os.environ | ONE_THREAD)
        self._numbers = count()
        self._waiting: dict[int, Future[dict[str, Any] | None]] = {}
        self._lock = threading.Lock()
        self._answers = True
        threading.Thread(target=self._read, daemon=True, args=[self._connection.makefile("r")]).start()

    def is_alive(self) -> bool:
        """Return whether the process still runs and answers."""
        return self._answers and self.process.poll() is None

    def run(self, words: list[str], *, log: str | None, environment: dict[str, str]) -> dict[str, Any] | None:
        """Run a command and return how it ended (``Answer`` of ``server.py``); None if the server ended before."""
        number, ended = next(self._numbers), Future[dict[str, Any] | None]()
        request = {"job": number, "words": words, "log": log, "environment": environment}
        with self._lock:
            self._waiting[number] = ended
            try:
                self._connection.sendall(json.dumps(request).encode() + b"\n")
            except OSError:
                return None
        if not self.is_alive():
            self._give_up()
        return ended.result()

    def close(self) -> None:
        """End the process; there are no jobs left."""
        with suppress(OSError):  # it was killed
            self._connection.shutdown(socket.SHUT_RDWR)
        self.process.wait()

    def _read(self, answers: IO[str]) -> None:
        try:
            for line in answers:
                answer = json.loads(line)
                with self._lock:
                    self._waiting.pop(answer["job"]).set_result(answer)
        except OSError:
            pass  # the server was killed
        self._answers = False
        self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            while self._waiting:
                self._waiting.popitem()[1].set_result(None)


def forkable_command(job: Any) -> tuple[list[str], str | None] | None:
    """Return the arguments and the log of a job that is ``fooling … [2> log]`` on one thread; None for other jobs."""
    if job.shellcmd is None or job.threads != 1 or job.is_shadow or not _can_fork():
        return None
    return split_command(job.shellcmd)


def split_command(command: str) -> tuple[list[str], str | None] | None:
    """Split ``fooling … [2> log]`` into arguments and the log; None for anything that needs a shell.

    >>> split_command("fooling claims --page 'a b.md' 2> logs/claims.log")
    (['claims', '--page', 'a b.md'], 'logs/claims.log')
    >>> split_command("fooling claims --page $HOME/a.md") is None
    True
    """
    if (matched := COMMAND.fullmatch(command)) is None:
        return None
    log = matched["log"]
    return shlex.split(matched["words"]), None if log is None else shlex.split(log)[0]


@cache
def _can_fork() -> bool:
    """Return whether ``fooling`` stands beside the Python that runs Snakemake, on a system that forks safely."""
    program = shutil.which(PROGRAM)
    return (
        sys.platform == "linux" and program is not None and Path(program).parent.samefile(Path(sys.executable).parent)
    )


def _write_benchmark(job: Any, ended: dict[str, Any], *, seconds: float, extended: bool) -> None:
    """Write the benchmark file of a job from what the system counted, where Snakemake would sample."""
    record = BenchmarkRecord(
        jobid=job.jobid,
        rule_name=job.rule.name,
        wildcards=job.wildcards,
        params=job.params,
        running_time=seconds,
        max_rss=ended["peak_bytes"] / 2**20,
        cpu_usage=100 * ended["cpu_seconds"],
        cpu_time=ended["cpu_seconds"],
        resources=job.resources,
        threads=job.threads,
        input=job.input,
    )
    record.data_collected = True
    write_benchmark_records([record], str(job.benchmark), extended)
