"""Compile the code of CPPNs once, and keep its machine code on disk for other processes.

The machine code is in a folder of its own for each kind of processor and each version of the code and the compiler, so
that no process loads anything else. The folder lies beside this module; if that is read-only, in the user's cache. If
neither can be written, each process compiles for itself. ``python -m fooling.encodings.cppn.compilation`` compiles in
advance, as an installation does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from fooling.fingerprint import fingerprint
from fooling.messages import say

#: Environment variable: the only folder in which to keep machine code.
FOLDER_VARIABLE = "FOOLING_MACHINE_CODE"


@cache
def machine_code(code: ModuleType) -> Callable[..., Any]:
    """Return the function ``code.ENTRY`` as machine code, loaded or compiled.

    ``code`` also has the ``SIGNATURE`` of the function and the ``OPTIONS`` of its compilation. Import it where you call
    this, so that only processes that need compiled code import numba.
    """
    for folder in folders():
        try:
            return _kept_in(folder / version(code.__name__), code)
        except Exception as error:  # whatever a damaged file or a full disk leads to
            say(f"machine code cannot be kept in {folder}: {error or type(error).__name__}")
    say(f"compiling {code.__name__} in memory, for this process alone (about 10 s)")
    return _compiled(code, folder=None)


def folders() -> list[Path]:
    """Return the folders in which machine code may be kept, the preferred one first."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return [Path(chosen)]
    found = [Path(__file__).parent / "__pycache__" / "machine-code"]
    with suppress(RuntimeError):  # there is no home
        found.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fooling" / "machine-code")
    return found


def version(module: str) -> str:
    """Return a digest of all that decides the machine code of a module: the code, its compiler and the processor."""
    import llvmlite
    import numba
    import numpy as np
    from llvmlite import binding
    from numba.core import config

    processor = (config.CPU_NAME or binding.get_host_cpu_name(), config.CPU_FEATURES or _features(binding))
    versions = (platform.python_version(), np.__version__, numba.__version__, llvmlite.__version__)
    return hashlib.sha256(repr((fingerprint(module), versions, processor)).encode()).hexdigest()[:20]


def _features(binding: Any) -> str:
    features: str = binding.get_host_cpu_features().flatten()
    return features


def _kept_in(folder: Path, code: ModuleType) -> Callable[..., Any]:
    """Return the compiled function from ``folder``, where it is kept if it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        return _compiled(code, folder=folder)


def _compiled(code: ModuleType, *, folder: Path | None) -> Callable[..., Any]:
    """Return the function, loaded from numba's cache in ``folder`` or stored there unless that is None."""
    from numba import njit

    function: Any = njit(**code.OPTIONS)(code.ENTRY)
    if folder is not None:
        function._cache = _cache_in(folder, function.py_func)
    function.compile(code.SIGNATURE)
    function.disable_compile()  # a call with other types is an error, not a reason to compile again
    compiled: Callable[..., Any] = function
    return compiled


def _cache_in(folder: Path, function: Callable[..., Any]) -> Any:
    """Return numba's cache of a function in a folder that holds one version of its machine code and nothing else.

    numba's own folders depend on the path and date of the source file: a copy of the package would be compiled again.
    """
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator

    class Locator(UserProvidedCacheLocator):
        def __init__(self, function: Callable[..., Any], file: str) -> None:
            super().__init__(function, file)
            self._cache_path = str(folder)

        @classmethod
        def from_function(cls, function: Callable[..., Any], file: str) -> Locator:
            return cls(function, file)

        def get_source_stamp(self) -> str:
            return folder.name

        def get_disambiguator(self) -> str:
            return "machine-code"

    class Implementation(CompileResultCacheImpl):
        _locator_classes = (Locator,)

    class Cache(FunctionCache):
        _impl_class = Implementation

    return Cache(function)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time compile: the others wait and load its machine code."""
    with (folder / "lock").open("a") as file:
        with suppress(OSError):  # a file system without locks: several may compile the same
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def load_all() -> None:
    """Load or compile all machine code of CPPNs in this process."""
    from fooling.encodings.cppn import compiled, compiled_mutation

    for code in (compiled, compiled_mutation):
        machine_code(code)


if __name__ == "__main__":
    load_all()
