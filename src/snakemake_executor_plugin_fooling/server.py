"""Run commands of ``fooling`` in forked processes, so that a study imports its packages once and not in every job.

Importing PyTorch and the plotting libraries takes seconds, often longer than the work of a job. This process imports
every module of the package, then forks for every request. The fork leaves the loop and goes on as the command: it
reads and writes the same files as one that was started by itself, and ends as a process of its own.

The executor of Snakemake starts the server (``snakemake_executor_plugin_fooling``) and holds the other end of the
socket that is the server's standard input. One line of JSON is one message.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import shlex
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NamedTuple, NoReturn

import fooling
from fooling.cli.main import commands, main
from fooling.encodings.cppn import compilation

#: Modules of other packages that commands import only when they need them.
LIBRARIES = ("matplotlib.backends.backend_agg", "PIL.PngImagePlugin", "pyarrow.parquet")

#: Signals with which a user or the system ends a whole run.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Request(NamedTuple):
    """One command to run."""

    job: int
    """Its number, named again in the answer."""
    words: list[str]
    """Its arguments, without ``fooling``."""
    log: str | None
    """File for its standard error; None: that of the server."""
    environment: dict[str, str]
    """Environment variables to set."""


class Answer(NamedTuple):
    """How a command ended."""

    job: int
    status: int
    """Exit status; negative: the number of the signal that ended it."""
    cpu_seconds: float
    """User and system time of the command and of all that it started."""
    peak_bytes: int
    """Peak memory, with the pages that it shares with the server."""


def serve(connection: socket.socket) -> Request | None:
    """Fork for every request that arrives; return its request in the fork, and None in the server at the end.

    The server ends when the other side closes the connection. Commands that still run then are left to themselves.
    """
    jobs: dict[int, int] = {}
    ended, wake = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in ENDING:  # the commands receive these signals as well, and the server outlives them
        signal.signal(number, signal.SIG_IGN)
    unread = b""
    with connection:
        while True:
            ready, _, _ = select.select([connection.fileno(), ended], [], [])
            if ended in ready:
                os.read(ended, 2**16)
                _report(jobs, connection)
            if connection.fileno() in ready:
                received = connection.recv(2**20)
                if not received:
                    return None
                *lines, unread = (unread + received).split(b"\n")
                for line in lines:
                    request = Request(**json.loads(line))
                    process = os.fork()
                    if process == 0:
                        os.close(ended)
                        os.close(wake)
                        return request
                    jobs[process] = request.job


def become(request: Request) -> None:
    """Make this fork of the server a process like one that was started as the requested command."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(request.environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if request.log is not None:
        log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(log, 2)
        os.close(log)
    from setproctitle import setproctitle  # comes with Snakemake's side of the package alone

    program = str(Path(sys.executable).with_name("fooling"))
    sys.argv = [program, *request.words]
    setproctitle(shlex.join([sys.executable, *sys.argv]))


def _report(jobs: dict[int, int], connection: socket.socket) -> None:
    """Answer for every command that has ended."""
    while jobs:
        process, status, usage = os.wait4(-1, os.WNOHANG)
        if process == 0:
            return
        if (job := jobs.pop(process, None)) is not None:
            answer = Answer(
                job,
                status=os.waitstatus_to_exitcode(status),
                cpu_seconds=usage.ru_utime + usage.ru_stime,
                peak_bytes=usage.ru_maxrss * 2**10,
            )
            connection.sendall(json.dumps(answer._asdict()).encode() + b"\n")


def run(request: Request) -> NoReturn:
    """Run the requested command and end this process with its exit status.

    The interpreter is not taken down in order. For a process with this many modules that takes longer than many jobs.
    """
    become(request)
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)
    raise AssertionError("the command line ends with SystemExit")


def _import_everything() -> None:
    """Import the whole package and what its commands import late, and load its machine code and its help."""
    for module in pkgutil.walk_packages(fooling.__path__, "fooling."):
        importlib.import_module(module.name)
    for library in LIBRARIES:
        importlib.import_module(library)
    compilation.load_all()
    commands()
    gc.freeze()  # so that the collector of a fork does not copy pages of the server


if __name__ == "__main__":
    _import_everything()
    if (asked := serve(socket.socket(fileno=os.dup(0)))) is not None:
        run(asked)
