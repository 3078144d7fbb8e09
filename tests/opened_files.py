"""Note what each command reads and calls of the package; Python imports this as ``sitecustomize``.

Functions note themselves: each begins with a statement that is put in when its module is compiled. Python's own tracing
would make all code run at half its speed.
"""

import ast
import atexit
import builtins
import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

PACKAGE = os.path.join(os.path.dirname(__file__), "fooling") + os.sep  # noqa: PTH118, PTH120 - the audited names
opened: set[str] = set()
called: set[tuple[str, str]] = set()
"""The file and the name of each definition that was called, or whose methods were."""


def note_file(event: str, arguments: tuple[object, ...]) -> None:
    """Keep the name of a file of the package that is no code."""
    name = arguments[0] if event == "open" else None
    if isinstance(name, str) and name.startswith(PACKAGE) and ".py" not in name and not os.path.isdir(name):  # noqa: PTH112
        opened.add(name.removeprefix(PACKAGE))


def note_call(file: str, definition: str) -> None:
    """Keep a definition, unless it is called while a module of the package is imported."""
    if (file, definition) not in called:
        caller: FrameType | None = sys._getframe()
        while caller is not None:
            if caller.f_code.co_name == "<module>" and caller.f_code.co_filename.startswith(PACKAGE):
                return
            caller = caller.f_back
        called.add((file, definition))


class NotingLoader(SourceFileLoader):
    """Loads a module of the package with functions that note their calls."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        """Return the code of a module; numba's functions stay as they are."""
        module = ast.parse(data)
        if b"\nfrom numba" not in bytes(data):
            file = str(path).removeprefix(PACKAGE)
            for definition in module.body:
                if isinstance(definition, ast.FunctionDef | ast.ClassDef):
                    _let_note(definition, f"_note_call({file!r}, {definition.name!r})")
        code: CodeType = compile(module, path, "exec", dont_inherit=True, optimize=_optimize)
        return code

    def get_data(self, path: str) -> bytes:
        """Return the content of a file; the compiled modules have names of their own."""
        return super().get_data(_renamed(path))

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Keep a compiled module under a name of its own."""
        super().set_data(_renamed(path), data, _mode=_mode)


def _let_note(definition: ast.stmt, statement: str) -> None:
    """Put a statement first, after the docstring, in a function or in all methods of a class."""
    if isinstance(definition, ast.ClassDef):
        for each in definition.body:
            _let_note(each, statement)
    elif isinstance(definition, ast.FunctionDef):
        has_docstring = ast.get_docstring(definition, clean=False) is not None
        first = definition.body[-1 if has_docstring and len(definition.body) == 1 else int(has_docstring)]
        [note] = ast.parse(statement).body
        for node in ast.walk(note):
            ast.copy_location(node, first)
        definition.body.insert(int(has_docstring), note)


def _renamed(path: str) -> str:
    return f"{path}.noting" if path.endswith(".pyc") else path


class NotingFinder:
    """Finds the modules of the package for the loader above."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is, or None if it is not of the package."""
        spec = PathFinder.find_spec(name, path, target) if name.partition(".")[0] == "fooling" else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = NotingLoader(spec.loader.name, spec.loader.path)
        return spec


def write() -> None:
    """Leave a file in the logs with the command and what it read."""
    if Path(sys.argv[0]).name == "fooling":
        folder = Path("logs/opened")
        folder.mkdir(parents=True, exist_ok=True)
        modules = [name for name in sys.modules if name.startswith("fooling.")]
        content = {"command": sys.argv[1:], "modules": modules, "files": sorted(opened), "calls": sorted(called)}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(content))


builtins._note_call = note_call  # type: ignore[attr-defined]
sys.addaudithook(note_file)
sys.meta_path.insert(0, NotingFinder)
atexit.register(write)
