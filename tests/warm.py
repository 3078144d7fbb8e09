"""Start commands in milliseconds: fork them from a process that has imported the large libraries.

    test ── runs ──► client (fooling, snakemake) ── folder, environment, streams ──► server ── forks ──► command
                       ▲                                                                                    │
                       └─────────────────────────────────── exit status ────────────────────────────────────┘

The server imports nothing of the package: each command imports the code of its own checkout, as a new process does.
Tests that stop, kill or watch processes start the real commands (``Checkout.environment``).
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NamedTuple

#: Console scripts, each with its function.
SCRIPTS = {"fooling": "fooling.cli.main:main", "snakemake": "snakemake.cli:main"}

#: Modules that are run by ``python -m``; any other call of ``python`` starts one as usual.
MODULES = ("dvc", "sharing", "snakemake")

#: What each command imports of other packages. torch imports ``torch._dynamo`` as it builds a network without memory.
LIBRARIES = {
    "fooling": (
        *("torch", "torch._dynamo", "torch.utils.checkpoint", "torch.distributed", "safetensors.torch", "numpy"),
        *("pandas", "pyarrow.parquet", "pydantic", "jsonschema", "jinja2", "typer", "tqdm", "yaml", "krippendorff"),
        *("scipy.stats", "scipy.special", "scipy.optimize", "sklearn.datasets", "sklearn.model_selection"),
        *("numba", "numba.core.codegen", "statsmodels.stats.multitest", "seaborn", "PIL.PngImagePlugin"),
        *("matplotlib.figure", "fontTools.subset"),
        *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
    ),
    "snakemake": ("snakemake.cli", "snakemake.workflow", "pandas", "scipy", "pydantic", "smart_open", "typer"),
    "python": ("dvc.cli", "dvc.repo", "snakemake.cli", "snakemake.workflow", "pandas", "pydantic", "typer"),
}

#: Without site packages, this starts in about ten milliseconds.
CLIENT = """\
#!{python} -IS
import array, json, os, socket, sys
if {name!r} == "python" and not (sys.argv[1:2] == ["-m"] and sys.argv[2] in {modules!r}):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
request = json.dumps([{name!r}, sys.argv, os.getcwd(), dict(os.environ)]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    server.sendmsg([len(request).to_bytes(4)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    server.sendall(request)
    status = server.recv(1)
sys.exit(status[0] if status else "{name} was killed")
"""


@functools.cache
def commands() -> Path:
    """Start the server of this test process, and return the folder of the commands that use it."""
    folder = Path(tempfile.mkdtemp(prefix="fooling-tests-"))
    address = str(folder / "socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FOOLING_"))}
    server = subprocess.Popen(
        [sys.executable, "-P", __file__, str(listener.fileno())],
        env=quiet | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        stdin=subprocess.PIPE,
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )
    listener.close()
    for name in LIBRARIES:
        client = folder / name
        client.write_text(CLIENT.format(python=sys.executable, name=name, address=address, modules=MODULES))
        client.chmod(0o755)
    atexit.register(_end, server, folder)
    return folder


def _end(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.communicate()  # the end of its input ends it
    shutil.rmtree(folder)


class Request(NamedTuple):
    """What a client has been called for."""

    name: str
    words: list[str]
    folder: str
    environment: dict[str, str]


def _serve(listener: socket.socket) -> None:
    """Fork a process for each request until the test process ends, and then end with all that still run."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            os.killpg(0, signal.SIGKILL)
        connection, _ = listener.accept()
        request, streams = _received(connection)
        for library in LIBRARIES[request.name]:
            importlib.import_module(library)
        gc.freeze()  # no command looks through the objects of these libraries for garbage
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(connection, request, streams)
        for each in (connection.detach(), *streams):
            os.close(each)


def _received(connection: socket.socket) -> tuple[Request, array.array[int]]:
    """Return the request of a client, and its standard streams."""
    streams = array.array("i")
    size, ((_, _, content),), _, _ = connection.recvmsg(4, socket.CMSG_SPACE(3 * streams.itemsize))
    streams.frombytes(content)
    with connection.makefile("rb") as stream:
        return Request(*json.loads(stream.read(int.from_bytes(size)))), streams


def _reap(number: int, frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _answer(connection: socket.socket, request: Request, streams: array.array[int]) -> None:
    """Become the command that is requested, and end this process as it ends."""
    for number, handle in enumerate(streams):
        os.dup2(handle, number)
        os.close(handle)
    status = 1
    try:
        status = _status_of(request)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        for each in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                each.flush()
        with contextlib.suppress(OSError):
            connection.sendall(bytes([status]))
        os._exit(status)


def _status_of(request: Request) -> int:
    """Run the command as a new process does, and return its exit status."""
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    for stream, handle, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        setattr(sys, stream, open(handle, mode, buffering=1 if handle == 2 else -1, closefd=False))  # noqa: SIM115
    sys.argv, sys.dont_write_bytecode = request.words, False
    own = [str(Path(each).resolve()) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:0] = own if request.name in SCRIPTS else [request.folder, *own]
    importlib.invalidate_caches()
    if any(Path(each, "sitecustomize.py").is_file() for each in own):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    try:
        code = _called(request)
    except SystemExit as end:
        code = end.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return code & 0xFF if isinstance(code, int) else int(code is not None)


def _called(request: Request) -> Any:
    """Call what the command calls; return what a console script gives to :func:`sys.exit`."""
    if request.name not in SCRIPTS:
        sys.executable, _, module, *words = request.words  # so that `python -m` starts further modules here, too
        sys.argv = [module, *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return None
    module, _, function = SCRIPTS[request.name].partition(":")
    return getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
