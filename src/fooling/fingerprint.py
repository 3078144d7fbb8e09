"""Fingerprint the code that decides a result, equally on every machine and every supported Python.

A command is a function of a module, ``module:function``. Its fingerprint covers the part of that module that the
function needs (:func:`fooling.canonical.sliced`), and all modules of this package that this part imports, directly or
not. Of each module it takes the syntax tree without what cannot change a result (:mod:`fooling.canonical`). Imports
inside functions count, because they run; imports under ``if TYPE_CHECKING`` do not.

Dependencies that no import statement shows are declared beside the code, as a module-level tuple of strings:

``DATA_FILES``
    Files beside the module that it reads. Their content counts.
``NAMED_MODULES``
    Modules of this package that it imports by a name known only at run time, as patterns. Pass the module in use to
    :func:`fingerprint`, after the command.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from fooling import canonical
from fooling.canonical import PACKAGE, canonical_tree, declared_in, imports_of, sliced

DIGITS = 20  # of a fingerprint

#: Environment variable: the file that keeps parsed modules between processes.
KEPT_VARIABLE = "FOOLING_FINGERPRINTS"


@dataclass(frozen=True)
class Module:
    """The facts about one module, or about the part that one of its functions needs, for fingerprints."""

    key: str
    """SHA-256 of its name and content, and of the code that parses them."""
    digest: str
    """SHA-256 of the code that it executes."""
    imports: tuple[str, ...]
    """Dotted names in this package that it imports; the last part may be a name within a module."""
    data_files: tuple[str, ...]
    named_modules: tuple[str, ...]


class Fingerprints:
    """The fingerprints of one package's commands; each module is parsed once.

    Args:
        folder: Folder of the package. Default: the package that Python imports.
        kept: File in which parsed modules are kept for the next process, checked by their content. A file that cannot
            be read or written is ignored.
    """

    def __init__(self, folder: Path | None = None, *, kept: Path | None = None) -> None:
        self._folder = _package_folder() if folder is None else folder
        self._kept_in = kept
        self._kept = {} if kept is None else _read_kept(kept)
        self._modules: dict[str, Module] = {}
        self._reached_from: dict[str, list[str]] = {}
        self._paths: dict[str, Path | None] = {}
        self._fingerprints: dict[tuple[str, ...], str] = {}

    def of(self, command: str, *named: str) -> str:
        """Return the fingerprint of a command.

        Args:
            command: The command as ``module:function``, such as ``fooling.cli.tables:compare``. A module alone counts
                as a whole.
            named: Modules that it imports by name, such as ``fooling.figures.gallery``.

        Raises:
            ModuleNotFoundError: A module has no file.
            ValueError: The module defines no such function, or one of ``named`` is declared in no ``NAMED_MODULES`` of
                the command's modules.
        """
        if (command, *named) not in self._fingerprints:
            digest = hashlib.sha256()
            for name, module in sorted(self._closure(command, *named).items()):
                digest.update(f"{name} {module.digest}\n".encode())
                for file in module.data_files:
                    content = (self._file_of(name).parent / file).read_bytes()
                    digest.update(f"{name} {file} {hashlib.sha256(content).hexdigest()}\n".encode())
            self._fingerprints[command, *named] = digest.hexdigest()[:DIGITS]
        return self._fingerprints[command, *named]

    def files(self, command: str, *named: str) -> list[Path]:
        """Return the sorted paths of all files that such a fingerprint covers; raise as :meth:`of` does."""
        found: set[Path] = set()
        for name, module in self._closure(command, *named).items():
            path = self._file_of(name)
            found |= {path, *map(path.parent.joinpath, module.data_files)}
        return sorted(found)

    def named_modules(self, command: str) -> list[str]:
        """Return the patterns of the modules that a command imports by name; raise as :meth:`of` does."""
        return _patterns(self._closure(command))

    def _closure(self, *names: str) -> dict[str, Module]:
        """Return all modules that run with these, by name; part of a module is named ``module:function``."""
        for name in names:
            if self._path(name) is None:
                raise ModuleNotFoundError(f"no file holds the module {_module_of(name)}", name=_module_of(name))
        found: dict[str, Module] = {}
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in found:
                found[name] = self._module(name)
                pending += self._reached(name)
        declared = _patterns(found)
        for name in names[1:]:
            if not any(fnmatchcase(name, pattern) for pattern in declared):
                raise ValueError(f"{name} is in no NAMED_MODULES of {names[0]}: {', '.join(declared) or 'none'}")
        self._keep(found)
        return found

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            path = self._file_of(name)
            content = path.read_bytes()
            key = hashlib.sha256(f"{_own_digest()} {name} ".encode() + content).hexdigest()
            kept = self._kept.get(name)
            self._modules[name] = kept if kept and kept.key == key else _parsed(name, path, content, key=key)
        return self._modules[name]

    def _keep(self, modules: dict[str, Module]) -> None:
        if self._kept_in is not None and not modules.items() <= self._kept.items():
            self._kept |= modules
            _write_kept(self._kept_in, self._kept)

    def _reached(self, name: str) -> list[str]:
        """Return the packages around a module, and the modules that it imports with the packages around these."""
        if name not in self._reached_from:
            wanted = (name, *self._module(name).imports)
            self._reached_from[name] = [*dict.fromkeys(part for each in wanted for part in self._with_packages(each))]
        return self._reached_from[name]

    def _with_packages(self, name: str) -> Iterable[str]:
        """Return the module ``name`` and the packages around it, if they have files."""
        parts = _module_of(name).split(".")
        names = [*(".".join(parts[:length]) for length in range(1, len(parts))), name]
        return [each for each in names if self._path(each) is not None]

    def _file_of(self, name: str) -> Path:
        path = self._path(name)
        assert path is not None
        return path

    def _path(self, name: str) -> Path | None:
        """Return the file of a module; None for the package's own ``__init__``, which holds only its version."""
        if name not in self._paths:
            root, *parts = _module_of(name).split(".")
            base = self._folder.joinpath(*parts)
            files = (base.with_suffix(".py"), base / "__init__.py") if root == PACKAGE and parts else ()
            self._paths[name] = next((path for path in files if path.is_file()), None)
        return self._paths[name]


def fingerprint(command: str, *named: str) -> str:
    """Return the fingerprint of a command of the imported package; see :meth:`Fingerprints.of`."""
    return _of_imported_package().of(command, *named)


def _module_of(name: str) -> str:
    """Return ``module`` of ``module:function``."""
    return name.partition(":")[0]


def _patterns(modules: dict[str, Module]) -> list[str]:
    return sorted(pattern for module in modules.values() for pattern in module.named_modules)


@cache
def _of_imported_package() -> Fingerprints:
    kept = os.getenv(KEPT_VARIABLE)
    return Fingerprints(kept=Path(kept) if kept else None)


def _package_folder() -> Path:
    specification = importlib.util.find_spec(PACKAGE)
    assert specification is not None and specification.submodule_search_locations
    return Path(specification.submodule_search_locations[0])


@cache
def _own_digest() -> str:
    own = [Path(file).read_bytes() for file in (__file__, canonical.__file__)]
    return hashlib.sha256(b"".join(own)).hexdigest()


def _read_kept(path: Path) -> dict[str, Module]:
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        kept: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        for fields in kept.values():
            fields |= {field: tuple(fields[field]) for field in ("imports", "data_files", "named_modules")}
        return {name: Module(**fields) for name, fields in kept.items()}
    return {}


def _write_kept(path: Path, modules: dict[str, Module]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({name: asdict(module) for name, module in modules.items()}), encoding="utf-8")
        temporary.replace(path)


def _parsed(name: str, path: Path, content: bytes, *, key: str) -> Module:
    module, _, function = name.partition(":")
    tree = ast.parse(content, filename=str(path))
    if function:
        tree = sliced(tree, function, source=path)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    imports = {found for found in imports_of(tree, package) if found.partition(".")[0] == PACKAGE}
    return Module(
        key=key,
        imports=tuple(sorted(imports)),
        data_files=declared_in(tree, "DATA_FILES"),
        named_modules=declared_in(tree, "NAMED_MODULES"),
        digest=hashlib.sha256(canonical_tree(tree, module=module).encode()).hexdigest(),
    )
