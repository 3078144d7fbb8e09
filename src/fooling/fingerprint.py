"""Fingerprint the code that decides a result, equally on every machine and every supported Python.

A command is a function of a module, ``module:function``. Its fingerprint covers the function and all code of this
package that it uses, directly or not: functions, classes and other definitions, each by itself, with the statements
that run whenever their modules are imported. Of each it takes the syntax tree without what cannot change a result
(:mod:`fooling.canonical`). Imports inside functions count, because they run; imports under ``if TYPE_CHECKING`` do not.

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
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from fooling import canonical
from fooling.canonical import DECLARATIONS, PACKAGE, Statement, declared_in, statements_of

DIGITS = 20  # of a fingerprint

#: Environment variable: the file that keeps parsed modules between processes.
KEPT_VARIABLE = "FOOLING_FINGERPRINTS"


@dataclass(frozen=True)
class Module:
    """The facts about one module for fingerprints."""

    key: str
    """SHA-256 of its name and content, and of the code that parses them."""
    statements: tuple[Statement, ...]
    """Its statements, with the SHA-256 of their code, and of their imports only those of this package."""
    data_files: tuple[str, ...]
    named_modules: tuple[str, ...]

    def places(self, name: str | None) -> list[int]:
        """Return the places of the statements that bind ``name``; with "" of those with an effect, with None of all."""
        return [
            place
            for place, each in enumerate(self.statements)
            if name is None
            or name in each.binds
            or (name == "" and (each.has_effect or DECLARATIONS & set(each.binds)))
        ]


#: A name in a module: ``module, name``. "" stands for all statements that run on import, None for the whole module.
Part = tuple[str, str | None]


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
        self._reached_from: dict[Part, tuple[list[int], list[Part]]] = {}
        self._bound_in: dict[str, set[str]] = {}
        self._paths: dict[str, Path | None] = {}
        self._fingerprints: dict[tuple[str, ...], str] = {}

    def of(self, command: str, *named: str) -> str:
        """Return the fingerprint of a command.

        Args:
            command: The command as ``module:function``, such as ``fooling.cli.tables:compare``. A module alone counts
                as a whole.
            named: Modules that it imports by name, such as ``fooling.figures.gallery``, or functions of them.

        Raises:
            ModuleNotFoundError: A module has no file.
            ValueError: The module defines no such function, or one of ``named`` is declared in no ``NAMED_MODULES`` of
                the command's modules.
        """
        if (command, *named) not in self._fingerprints:
            digest = hashlib.sha256()
            for name, places in sorted(self._closure(command, *named).items()):
                module = self._module(name)
                for place in sorted(places):
                    digest.update(f"{name} {module.statements[place].code}\n".encode())
                for file in module.data_files:
                    content = (self._file_of(name).parent / file).read_bytes()
                    digest.update(f"{name} {file} {hashlib.sha256(content).hexdigest()}\n".encode())
            self._fingerprints[command, *named] = digest.hexdigest()[:DIGITS]
        return self._fingerprints[command, *named]

    def files(self, command: str, *named: str) -> list[Path]:
        """Return the sorted paths of all files that such a fingerprint covers; raise as :meth:`of` does."""
        found: set[Path] = set()
        for name in self._closure(command, *named):
            path = self._file_of(name)
            found |= {path, *map(path.parent.joinpath, self._module(name).data_files)}
        return sorted(found)

    def definitions(self, command: str, *named: str) -> dict[str, set[str]]:
        """Return the names of all definitions that it covers, by module; raise as :meth:`of` does."""
        return {
            name: {bound for place in places for bound in self._module(name).statements[place].binds}
            for name, places in self._closure(command, *named).items()
        }

    def named_modules(self, command: str) -> list[str]:
        """Return the patterns of the modules that a command imports by name; raise as :meth:`of` does."""
        return self._patterns(self._closure(command))

    def _closure(self, *names: str) -> dict[str, set[int]]:
        """Return the places of all statements that run with these, by module."""
        pending = [self._given(name) for name in names]
        done: set[Part] = set()
        found: dict[str, set[int]] = {}
        while pending:
            part = pending.pop()
            if part not in done:
                done.add(part)
                places, reached = self._needed(part)
                found.setdefault(part[0], set()).update(places)
                pending += reached
        declared = self._patterns(found)
        for name in map(_module_of, names[1:]):
            if not any(fnmatchcase(name, pattern) for pattern in declared):
                raise ValueError(f"{name} is in no NAMED_MODULES of {names[0]}: {', '.join(declared) or 'none'}")
        self._keep({name: self._module(name) for name in found})
        return found

    def _given(self, name: str) -> Part:
        """Return the part ``module`` or ``module:function``; raise an error if there is none."""
        module, _, function = name.partition(":")
        if self._path(module) is None:
            raise ModuleNotFoundError(f"no file holds the module {module}", name=module)
        if function and not self._module(module).places(function):
            known = sorted(bound for each in self._module(module).statements for bound in each.binds)
            raise ValueError(f"{self._file_of(module)} defines no {function}, only: {', '.join(known) or 'nothing'}")
        return module, function or None

    def _needed(self, part: Part) -> tuple[list[int], list[Part]]:
        """Return the places of the statements of a part, and the parts that they use."""
        if part not in self._reached_from:
            name, wanted = part
            module = self._module(name)
            places = module.places(wanted)
            reached: dict[Part, None] = {(name, ""): None}
            for around in self._packages_around(name):
                reached[around, None] = None
            for place in places:
                statement = module.statements[place]
                reached |= dict.fromkeys((name, used) for used in statement.uses if used in self._bound(name))
                reached |= dict.fromkeys(each for each in map(self._imported, statement.imports) if each is not None)
            self._reached_from[part] = places, list(reached)
        return self._reached_from[part]

    def _bound(self, name: str) -> set[str]:
        """Return the names that the statements of a module bind."""
        if name not in self._bound_in:
            self._bound_in[name] = {bound for each in self._module(name).statements for bound in each.binds}
        return self._bound_in[name]

    def _imported(self, dotted: str) -> Part | None:
        """Return the part that an import needs: a module, or a name in one; None for the package alone."""
        parts = dotted.split(".")
        if self._path(dotted) is not None:
            return dotted, None
        module = ".".join(parts[:-1])
        return (module, None if parts[-1] == "*" else parts[-1]) if self._path(module) is not None else None

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

    def _packages_around(self, name: str) -> list[str]:
        """Return the packages around a module that have a file."""
        parts = name.split(".")
        packages = (".".join(parts[:length]) for length in range(1, len(parts)))
        return [each for each in packages if self._path(each) is not None]

    def _patterns(self, modules: Iterable[str]) -> list[str]:
        return sorted(pattern for name in modules for pattern in self._module(name).named_modules)

    def _file_of(self, name: str) -> Path:
        path = self._path(name)
        assert path is not None
        return path

    def _path(self, name: str) -> Path | None:
        """Return the file of a module; None for the package's own ``__init__``, which holds only its version."""
        if name not in self._paths:
            root, *parts = name.split(".")
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
        return {name: _module_from(fields) for name, fields in json.loads(path.read_bytes()).items()}
    return {}


def _module_from(fields: dict[str, Any]) -> Module:
    """Return a module from JSON, which has lists instead of tuples."""
    statements = [
        Statement(tuple(binds), has_effect, tuple(uses), tuple(imports), code, is_import)
        for binds, has_effect, uses, imports, code, is_import in fields["statements"]
    ]
    return Module(fields["key"], tuple(statements), tuple(fields["data_files"]), tuple(fields["named_modules"]))


def _write_kept(path: Path, modules: dict[str, Module]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({name: _as_json(module) for name, module in modules.items()}), encoding="utf-8")
        temporary.replace(path)


def _as_json(module: Module) -> dict[str, Any]:
    return {**vars(module), "statements": [list(vars(each).values()) for each in module.statements]}


def _parsed(name: str, path: Path, content: bytes, *, key: str) -> Module:
    tree = ast.parse(content, filename=str(path))
    declared = {declaration: declared_in(tree, declaration) for declaration in DECLARATIONS}
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    statements = [
        replace(
            each,
            imports=tuple(dotted for dotted in each.imports if dotted.partition(".")[0] == PACKAGE),
            code=hashlib.sha256(each.code.encode()).hexdigest()[:DIGITS],
        )
        for each in statements_of(tree, module=name, package=package)
    ]
    return Module(
        key=key,
        statements=tuple(statements),
        data_files=declared["DATA_FILES"],
        named_modules=declared["NAMED_MODULES"],
    )
